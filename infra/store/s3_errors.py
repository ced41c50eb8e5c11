"""Translate what boto3 raises into sentences of the error tree.

Messages name operation, key and store, and the server's error code; never its free text, a URL or a header,
which may hold signatures and key ids.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
)

from infra.errors import (
    DigestMismatch,
    ObjectMissing,
    RangeOutsideObject,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreNotConforming,
    StoreUnavailable,
    VersionConflict,
)

_FULL = {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "XRateLimitStorageFull"}
_DAMAGED = {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"}
_LATER = {"SlowDown", "RequestTimeout", "OperationAborted", "ConditionalRequestConflict", "InternalError"}


@contextmanager
def in_sentences(action: str, *, store: str) -> Iterator[None]:
    """Raise the ``StoreError`` that an exception of boto3 in the block amounts to.

    Args:
        action: What was asked, as in ``read 'a/b.zip'``.
        store: The store's URL without secrets.
    """
    try:
        yield
    except ClientError as error:
        raise _answered(error, action=action, store=store) from error
    except FlexibleChecksumError as error:
        raise DigestMismatch(f"{store} was asked to {action}; the bytes came damaged, run again") from error
    except (HTTPClientError, ConnectionError, IncompleteReadError) as error:
        raise StoreUnavailable(f"{store} could not {action}: {type(error).__name__}") from error
    except BotoCoreError as error:
        raise StoreError(f"{store} could not be asked to {action}: {type(error).__name__}") from error


def _answered(error: ClientError, *, action: str, store: str) -> StoreError:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = error.response.get("Error", {}).get("Code", "")
    told = f"{store} answered {status} {code} when asked to {action}"
    # 304: what MinIO of before 2024 says instead of 412.
    if status in (304, 412):
        return VersionConflict(f"{told}; the condition on the present object does not hold")
    if code == "NoSuchBucket":
        return StoreError(f"{told}; create the bucket or name another one")
    if status == 404:
        return ObjectMissing(f"{told}; no such object")
    if status == 416:
        return RangeOutsideObject(f"{told}; the object is shorter")
    if code in _FULL or status == 507:
        return StoreFull(f"{told}; free space or raise the quota and run again")
    if code in _DAMAGED:
        return DigestMismatch(f"{told}; the bytes that arrived are not the ones promised")
    if code in _LATER or status in (409, 429) or (status >= 500 and status != 501):
        return StoreUnavailable(told)
    if status in (401, 403):
        return StoreDenied(f"{told}; check the keys, their rights and this machine's clock")
    if status == 501:
        return StoreNotConforming(f"{told}; the server does not implement it, use another store")
    return StoreError(told)

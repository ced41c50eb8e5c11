import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    FlexibleChecksumError,
    ParamValidationError,
    ReadTimeoutError,
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
from infra.store.s3_errors import in_sentences

URL = "http://host/bucket/key?X-Amz-Signature=canary"


def answer(status: int, code: str) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": "canary in the server's text"},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "",
                "HostId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        "PutObject",
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (answer(412, "PreconditionFailed"), VersionConflict),
        (answer(304, "NotModified"), VersionConflict),
        (answer(404, "NoSuchKey"), ObjectMissing),
        (answer(404, "404"), ObjectMissing),
        (answer(404, "NoSuchUpload"), ObjectMissing),
        (answer(404, "NoSuchBucket"), StoreError),
        (answer(416, "InvalidRange"), RangeOutsideObject),
        (answer(400, "BadDigest"), DigestMismatch),
        (answer(403, "SignatureDoesNotMatch"), StoreDenied),
        (answer(401, "Unauthorized"), StoreDenied),
        (answer(403, "QuotaExceeded"), StoreFull),
        (answer(507, "XMinioStorageFull"), StoreFull),
        (answer(409, "ConditionalRequestConflict"), StoreUnavailable),
        (answer(429, "TooManyRequests"), StoreUnavailable),
        (answer(500, "InternalError"), StoreUnavailable),
        (answer(503, "SlowDown"), StoreUnavailable),
        (answer(501, "NotImplemented"), StoreNotConforming),
        (answer(400, "InvalidArgument"), StoreError),
        (EndpointConnectionError(endpoint_url=URL), StoreUnavailable),
        (ConnectTimeoutError(endpoint_url=URL), StoreUnavailable),
        (ReadTimeoutError(endpoint_url=URL), StoreUnavailable),
        (FlexibleChecksumError(error_msg="canary"), DigestMismatch),
        (ParamValidationError(report="canary"), StoreError),
    ],
)
def test_each_failure_has_its_remedy_as_type_and_tells_no_secret(
    error: Exception, kind: type[StoreError]
) -> None:
    with pytest.raises(StoreError) as caught, in_sentences("store 'a/b'", store="s3://bucket/x"):
        raise error
    assert type(caught.value) is kind
    assert caught.value.__cause__ is error
    assert "s3://bucket/x" in str(caught.value)
    assert "store 'a/b'" in str(caught.value)
    assert "canary" not in str(caught.value)

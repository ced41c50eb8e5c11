"""Open the object store that a URL names. It contacts nothing: the first request, or the probe, does."""

from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from infra.settings import Settings
from infra.store.interface import ObjectStore
from infra.store.local import LocalStore
from infra.store.s3 import S3Store
from infra.store.s3_connection import RetryPolicy, S3Credentials, connect

_PATIENT = RetryPolicy()


def open_store(url: str, *, s3: S3Credentials | None = None, retries: RetryPolicy = _PATIENT) -> ObjectStore:
    """Open a local folder or a bucket.

    Args:
        url: ``/abs/path``, ``file:///abs/path`` or ``s3://bucket/prefix``.
        s3: Server and keys, needed for ``s3://``.
        retries: How long to bear with an outage of the server.

    Raises:
        ValueError: The URL names no store, or one that needs ``s3``.
        StoreError: The path is there but no folder.
    """
    if "://" not in url:
        return LocalStore(_absolute(url))
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query or parts.fragment:
        # The URL itself is not repeated: what is wrong with it may be a secret.
        raise ValueError(
            "a store URL holds no user, password, query or fragment; keys are settings of their own"
        )
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return LocalStore(_absolute(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        return _open_bucket(parts.netloc, prefix=parts.path.strip("/"), s3=s3, retries=retries)
    raise ValueError(f"store URL {url!r} is not /abs/path, file:///abs/path or s3://bucket/prefix")


def configured_store(settings: Settings) -> ObjectStore:
    """Open the store that settings name; one client per process and address.

    Raises:
        SettingMissing: The store is a bucket and its keys are not set.
    """
    url = settings.store_url
    if url.startswith("s3://"):
        return _opened(url, _s3_credentials(settings))
    return _opened(url if "://" in url else str(Path(url).absolute()), None)


def _s3_credentials(settings: Settings) -> S3Credentials:
    endpoint = settings.s3_endpoint_url
    return S3Credentials(
        access_key_id=settings.require("s3_access_key_id"),
        secret_access_key=settings.require("s3_secret_access_key"),
        region=settings.s3_region,
        endpoint_url=endpoint.get_secret_value() if endpoint else None,
    )


@lru_cache(maxsize=4)
def _opened(url: str, credentials: S3Credentials | None) -> ObjectStore:
    return open_store(url, s3=credentials)


def _absolute(path: str) -> Path:
    if not Path(path).is_absolute():
        # Server, worker and shell each have another working folder.
        raise ValueError(f"store folder {path!r} is relative; give it as an absolute path")
    return Path(path)


def _open_bucket(bucket: str, *, prefix: str, s3: S3Credentials | None, retries: RetryPolicy) -> S3Store:
    if s3 is None:
        raise ValueError(
            f"the store s3://{bucket}/{prefix} needs an access key and a secret key; none are set"
        )
    return S3Store(connect(s3), bucket=bucket, prefix=prefix, retries=retries)

"""Send single requests about the objects of one bucket, and bear with outages.

Every method is one S3 request, repeated while the server is out of reach, with its errors as sentences. What
a refusal means for the caller, who may have caused it with an earlier try, is decided in ``infra.store.s3``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from infra.errors import ObjectMissing
from infra.store.checksums import as_base64
from infra.store.interface import PresignedPut, StoredObject
from infra.store.keys import key_fault, require_key
from infra.store.s3_connection import RetryPolicy, until_available
from infra.store.s3_errors import in_sentences
from infra.store.s3_multipart import MultipartUpload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        DeleteObjectRequestTypeDef,
        GetObjectRequestTypeDef,
        ListObjectsV2OutputTypeDef,
        ListObjectsV2RequestTypeDef,
        PutObjectRequestTypeDef,
    )

T = TypeVar("T")


class Bucket:
    """Requests about the keys below one prefix of one bucket; may be shared by threads."""

    def __init__(
        self, client: S3Client, *, name: str, prefix: str, retries: RetryPolicy, page_size: int
    ) -> None:
        self._client = client
        self._bucket = name
        self._stem = f"{require_key(prefix)}/" if prefix else ""
        self._retries = retries
        self._page_size = page_size
        self.url = f"s3://{name}/{self._stem}".rstrip("/")

    def put(self, key: str, body: bytes, *, sha256: str, expected: str | None) -> StoredObject:
        """Store ``body`` in the place of the version ``expected``, None for a key that is free."""
        request: PutObjectRequestTypeDef = {
            "Bucket": self._bucket,
            "Key": self._name(key),
            "Body": body,
            "ChecksumSHA256": as_base64(sha256),
        }
        if expected is None:
            request["IfNoneMatch"] = "*"
        else:
            request["IfMatch"] = expected
        reply = self._ask(f"store {key!r}", lambda: self._client.put_object(**request))
        return StoredObject(key=key, size=len(body), version=reply["ETag"])

    def upload(self, key: str) -> MultipartUpload:
        """Return an upload in parts, to be entered."""
        return MultipartUpload(self._client, bucket=self._bucket, name=self._name(key), ask=self._ask)

    def head(self, key: str) -> StoredObject | None:
        """Describe the object, None if there is none."""
        name = self._name(key)
        try:
            reply = self._ask(
                f"look at {key!r}", lambda: self._client.head_object(Bucket=self._bucket, Key=name)
            )
        except ObjectMissing:
            return None
        return StoredObject(key=key, size=reply["ContentLength"], version=reply["ETag"])

    def checksum(self, key: str) -> str | None:
        """Return the SHA-256 checksum that the server keeps, in its own notation, if it keeps one."""
        name = self._name(key)
        reply = self._ask(
            f"look at {key!r}",
            lambda: self._client.head_object(Bucket=self._bucket, Key=name, ChecksumMode="ENABLED"),
        )
        return reply.get("ChecksumSHA256")

    def get(self, key: str) -> bytes:
        """Return the whole object."""
        return self._body(f"read {key!r}", {"Bucket": self._bucket, "Key": self._name(key)})

    def span(self, key: str, *, start: int, length: int, version: str | None = None) -> bytes:
        """Return up to ``length`` bytes (1 or more) from ``start``, of that version if one is given."""
        wanted = f"bytes={start}-{start + length - 1}"
        request: GetObjectRequestTypeDef = {
            "Bucket": self._bucket,
            "Key": self._name(key),
            "Range": wanted,
        }
        if version is not None:
            request["IfMatch"] = version
        return self._body(f"read {wanted} of {key!r}", request)

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """Yield what bears a key of ours, in the server's order; other tools leave folder markers."""
        for page in self._pages(prefix):
            for entry in page.get("Contents", ()):
                key = entry["Key"].removeprefix(self._stem)
                if key_fault(key) is None:
                    yield StoredObject(key=key, size=entry["Size"], version=entry["ETag"])

    def delete(self, key: str, *, expected: str | None) -> None:
        """Delete the object, if it is the version ``expected`` where one is given."""
        request: DeleteObjectRequestTypeDef = {"Bucket": self._bucket, "Key": self._name(key)}
        if expected is not None:
            request["IfMatch"] = expected
        self._ask(f"delete {key!r}", lambda: self._client.delete_object(**request))

    def presign_get(self, key: str, *, expires_s: int) -> str:
        """Return a URL that reads the object."""
        params = {"Bucket": self._bucket, "Key": self._name(key)}
        return self._client.generate_presigned_url("get_object", Params=params, ExpiresIn=expires_s)

    def presign_put(self, key: str, *, sha256: str, size: int, expires_s: int) -> PresignedPut:
        """Return leave to create the object, with length, checksum and condition among the signed headers."""
        checksum = as_base64(sha256)
        params = {
            "Bucket": self._bucket,
            "Key": self._name(key),
            "ContentLength": size,
            "ChecksumSHA256": checksum,
            "IfNoneMatch": "*",
        }
        url = self._client.generate_presigned_url("put_object", Params=params, ExpiresIn=expires_s)
        headers = {"content-length": str(size), "if-none-match": "*", "x-amz-checksum-sha256": checksum}
        return PresignedPut(url=url, headers=headers)

    def presign_create(self, key: str, *, expires_s: int) -> PresignedPut:
        """Return leave to create the object, with the condition alone among the signed headers."""
        params = {"Bucket": self._bucket, "Key": self._name(key), "IfNoneMatch": "*"}
        url = self._client.generate_presigned_url("put_object", Params=params, ExpiresIn=expires_s)
        return PresignedPut(url=url, headers={"if-none-match": "*"})

    def presign_replace(self, key: str, *, expires_s: int) -> PresignedPut:
        """Return leave to store the object, with nothing but the host signed."""
        params = {"Bucket": self._bucket, "Key": self._name(key)}
        url = self._client.generate_presigned_url("put_object", Params=params, ExpiresIn=expires_s)
        return PresignedPut(url=url, headers={})

    def _name(self, key: str) -> str:
        return f"{self._stem}{require_key(key)}"

    def _ask(self, action: str, request: Callable[[], T]) -> T:
        def once() -> T:
            with in_sentences(action, store=self.url):
                return request()

        return until_available(once, policy=self._retries)

    def _body(self, action: str, request: GetObjectRequestTypeDef) -> bytes:
        # Header and body are one try: a connection that breaks in the body is asked anew.
        return self._ask(action, lambda: self._client.get_object(**request)["Body"].read())

    def _pages(self, prefix: str) -> Iterator[ListObjectsV2OutputTypeDef]:
        request: ListObjectsV2RequestTypeDef = {
            "Bucket": self._bucket,
            "Prefix": f"{self._stem}{prefix}",
            "MaxKeys": self._page_size,
        }
        while True:
            page = self._ask(f"list {prefix!r}", lambda: self._client.list_objects_v2(**request))
            yield page
            if not page["IsTruncated"]:
                return
            request["ContinuationToken"] = page["NextContinuationToken"]

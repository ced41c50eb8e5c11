"""Keep objects in a bucket of an S3-compatible server, through boto3.

The server arbitrates: creation is ``If-None-Match: *`` and a swap ``If-Match``, each with a SHA-256 that it
verifies. A refusal may be the echo of our own request whose reply was lost, so it is settled by looking at
what is stored, never by guessing. Streams of more than one part are uploaded in parts and appear at the end,
as one. It does not create buckets, and trusts no server to honour conditions: that is for
``infra.store.probe`` to find out. Parts whose writer was killed are invisible; a lifecycle rule of the bucket
should expire them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

from infra.errors import (
    ObjectMissing,
    RangeOutsideObject,
    StoreError,
    VersionConflict,
)
from infra.store import refusals
from infra.store.checksums import as_base64, regroup, sha256_of, sha256_of_chunks
from infra.store.interface import PresignedPut, StoredObject
from infra.store.keys import require_key, require_prefix, require_range
from infra.store.s3_bucket import Bucket
from infra.store.s3_connection import RetryPolicy
from infra.store.s3_multipart import PART_BYTES

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SPAN_BYTES = 8 << 20  # a stream that breaks repeats at most this much
_LONGEST_PRESIGN_S = 7 * 24 * 3600  # the limit of signature version 4
_PATIENT = RetryPolicy()


class S3Store:
    """``ObjectStore`` in a bucket, below a prefix; one instance serves all threads of a process."""

    def __init__(
        self,
        client: S3Client,
        *,
        bucket: str,
        prefix: str = "",
        retries: RetryPolicy = _PATIENT,
        page_size: int = 1000,
    ) -> None:
        """Wrap a client made by ``connect``.

        Args:
            client: Connection and credentials.
            bucket: An existing bucket.
            prefix: Key below which all objects lie; empty for the whole bucket.
            retries: How long to bear with an outage.
            page_size: Keys per listing request, at most 1000.
        """
        self._bucket = Bucket(client, name=bucket, prefix=prefix, retries=retries, page_size=page_size)
        self.url = self._bucket.url

    def __repr__(self) -> str:
        return f"S3Store({self.url!r})"

    def create(self, key: str, body: bytes, *, sha256: str | None = None) -> StoredObject:
        """See ``ObjectStore.create``."""
        digest = sha256_of(body, key=key, stated=sha256)
        try:
            return self._bucket.put(key, body, sha256=digest, expected=None)
        except VersionConflict as error:
            return self._same_or_refuse(key, error, _Content(len(body), digest, as_base64(digest)))

    def create_stream(self, key: str, chunks: Iterable[bytes]) -> tuple[StoredObject, str]:
        """See ``ObjectStore.create_stream``."""
        require_key(key)
        parts = regroup(chunks, size=PART_BYTES)
        first = list(islice(parts, 2))
        if len(first) == 2:
            return self._create_in_parts(key, chain(first, parts))
        body = b"".join(first)
        return self.create(key, body), hashlib.sha256(body).hexdigest()

    def read(self, key: str) -> bytes:
        """See ``ObjectStore.read``."""
        return self._bucket.get(key)

    def read_range(self, key: str, *, start: int, length: int) -> bytes:
        """See ``ObjectStore.read_range``."""
        require_range(start=start, length=length)
        # HTTP has no empty range, so the byte before it stands for one.
        before = 1 if length == 0 and start > 0 else 0
        if length + before == 0:
            self._require(key)
            return b""
        body = self._bucket.span(key, start=start - before, length=length + before)
        if len(body) < length + before:
            raise RangeOutsideObject(f"{key!r} in {self.url} ends before offset {start + length}")
        return body[before:]

    def stream(self, key: str, *, chunk_size: int = 1 << 20) -> Iterator[bytes]:
        """See ``ObjectStore.stream``."""
        found = self._require(key)
        step = chunk_size * max(1, _SPAN_BYTES // chunk_size)
        for start in range(0, found.size, step):
            length = min(step, found.size - start)
            span = self._bucket.span(key, start=start, length=length, version=found.version)
            yield from (span[at : at + chunk_size] for at in range(0, length, chunk_size))

    def head(self, key: str) -> StoredObject | None:
        """See ``ObjectStore.head``."""
        return self._bucket.head(key)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See ``ObjectStore.list``.

        All pages are fetched before the first object is yielded: SeaweedFS, and Amazon's directory buckets,
        sort by something else than the bytes of the key.
        """
        found = self._bucket.objects(require_prefix(prefix))
        yield from sorted(found, key=lambda stored: stored.key.encode())

    def swap(self, key: str, body: bytes, *, expected: str | None) -> StoredObject:
        """See ``ObjectStore.swap``."""
        digest = sha256_of(body, key=key)
        try:
            return self._bucket.put(key, body, sha256=digest, expected=expected)
        except (VersionConflict, ObjectMissing) as error:
            found = self.head(key)
            if found is not None and self._holds(found, _Content(len(body), digest, as_base64(digest))):
                return found
            if found is None and expected is None:
                raise self._place_taken(key) from error
            raise refusals.other_version(key, store=self.url, expected=expected, found=found) from error

    def delete(self, key: str, *, expected: str | None = None) -> None:
        """See ``ObjectStore.delete``."""
        try:
            self._bucket.delete(key, expected=expected)
        except ObjectMissing:
            return
        except VersionConflict as error:
            if (found := self.head(key)) is not None:
                raise refusals.other_version(key, store=self.url, expected=expected, found=found) from error

    def presign_get(self, key: str, *, expires_s: int) -> str:
        """See ``ObjectStore.presign_get``."""
        return self._bucket.presign_get(key, expires_s=_require_expiry(expires_s))

    def presign_put(self, key: str, *, sha256: str, size: int, expires_s: int) -> PresignedPut:
        """See ``ObjectStore.presign_put``."""
        return self._bucket.presign_put(key, sha256=sha256, size=size, expires_s=_require_expiry(expires_s))

    def presign_create(self, key: str, *, expires_s: int) -> PresignedPut:
        """See ``ObjectStore.presign_create``."""
        return self._bucket.presign_create(key, expires_s=_require_expiry(expires_s))

    def presign_replace(self, key: str, *, expires_s: int) -> PresignedPut:
        """See ``ObjectStore.presign_replace``."""
        return self._bucket.presign_replace(key, expires_s=_require_expiry(expires_s))

    def _create_in_parts(self, key: str, parts: Iterable[bytes]) -> tuple[StoredObject, str]:
        with self._bucket.upload(key) as upload:
            for part in parts:
                upload.add(part)
            digest = upload.sha256()
            try:
                return StoredObject(key=key, size=upload.size, version=upload.complete()), digest
            # ObjectMissing: the upload is no more, as after a completion whose reply was lost.
            except (VersionConflict, ObjectMissing) as error:
                content = _Content(upload.size, digest, upload.checksum())
                return self._same_or_refuse(key, error, content), digest

    def _same_or_refuse(self, key: str, refusal: Exception, content: _Content) -> StoredObject:
        """Take the object in the way for the one to be created if it has the same content."""
        found = self.head(key)
        if found is None:
            raise self._place_taken(key) from refusal
        if not self._holds(found, content):
            raise refusals.other_content(found, store=self.url, size=content.size) from refusal
        return found

    def _holds(self, found: StoredObject, content: _Content) -> bool:
        """Compare by the checksum that the server verified on arrival, or else by reading the object."""
        if found.size != content.size:
            return False
        if self._bucket.checksum(found.key) == content.checksum:
            return True
        return sha256_of_chunks(self.stream(found.key)) == content.sha256

    def _require(self, key: str) -> StoredObject:
        if (found := self.head(key)) is None:
            raise refusals.missing(key, store=self.url)
        return found

    def _place_taken(self, key: str) -> StoreError:
        # SeaweedFS keeps objects in folders and takes a folder for an object that is in the way.
        if next(self.list(f"{key}/"), None) is not None:
            return refusals.folder_of_others(key, store=self.url)
        return refusals.gone_meanwhile(key, store=self.url)


@dataclass(frozen=True)
class _Content:
    """What an object is to hold."""

    size: int
    sha256: str
    checksum: str
    """As the server notes it."""


def _require_expiry(expires_s: int) -> int:
    if not 1 <= expires_s <= _LONGEST_PRESIGN_S:
        raise ValueError(f"expires_s must be 1 to {_LONGEST_PRESIGN_S} seconds, got {expires_s}")
    return expires_s

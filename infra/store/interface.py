"""Define what an object store promises, whatever lies behind it.

Objects are immutable: a key is created once and never overwritten. The exception is ``swap``, which moves a
pointer by compare-and-swap. Every operation may be repeated after a crash or a lost reply and then tells the
truth. Two differences between stores are stated here and held by the tests: a local folder has no URLs to
presign; and a store that keeps folders, as the local one and SeaweedFS do, cannot keep an object ``a`` beside
``a/b`` in any order (it raises ``ObjectExists``), so callers choose no key that is the folder of another.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class StoredObject:
    """What a store says about one object without reading it."""

    key: str
    size: int
    """Bytes."""
    version: str
    """Opaque token for ``swap`` and ``delete``. On S3 it depends on the content only, so bodies that are
    swapped carry a nonce: without one, a pointer that moved away and back looks untouched."""


@dataclass(frozen=True)
class PresignedPut:
    """Permission to store one object, for a holder without credentials."""

    url: str = field(repr=False)
    """Bearer credential until it expires."""
    headers: Mapping[str, str]
    """Must be sent unchanged: they are signed."""


class ObjectStore(Protocol):
    """Immutable objects under keys, and pointers moved by compare-and-swap.

    All methods raise ``ValueError`` for a string that is no key, ``StoreDenied`` when permission is lacking
    and ``StoreUnavailable`` when the store stays out of reach for longer than its retries last.
    """

    url: str
    """Where the store is, without secrets: ``file:///...`` or ``s3://bucket/prefix``."""

    def create(self, key: str, body: bytes, *, sha256: str | None = None) -> StoredObject:
        """Store ``body`` under a new key; the same content already there is success.

        Raises:
            ObjectExists: The key holds other content, which is left as it is.
            DigestMismatch: ``body`` does not have the digest ``sha256`` (hex); nothing is stored.
            StoreFull: No space is left; nothing is stored.
        """
        ...

    def create_stream(self, key: str, chunks: Iterable[bytes]) -> tuple[StoredObject, str]:
        """Store a stream under a new key in bounded memory; the same content already there is success.

        An exception from ``chunks`` passes through and leaves nothing: no object and no partial upload.

        Returns:
            The object and the SHA-256 of the stream in hex.

        Raises:
            ObjectExists: The key holds other content, which is left as it is.
            StoreFull: No space is left; nothing is stored.
        """
        ...

    def read(self, key: str) -> bytes:
        """Return the whole object.

        Raises:
            ObjectMissing: Nothing is stored under the key.
        """
        ...

    def read_range(self, key: str, *, start: int, length: int) -> bytes:
        """Return exactly ``length`` bytes from offset ``start``.

        Raises:
            ObjectMissing: Nothing is stored under the key.
            RangeOutsideObject: The object ends before the range does.
        """
        ...

    def stream(self, key: str, *, chunk_size: int = 1 << 20) -> Iterator[bytes]:
        """Yield the object in chunks of ``chunk_size`` bytes, the last one shorter, all of one version.

        Raises:
            ObjectMissing: Nothing is stored under the key.
            VersionConflict: The object was swapped while it was read, and its former content is gone.
        """
        ...

    def head(self, key: str) -> StoredObject | None:
        """Describe the object, None if there is none."""
        ...

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Yield all objects whose keys begin with ``prefix``, in the order of their keys' UTF-8 bytes."""
        ...

    def swap(self, key: str, body: bytes, *, expected: str | None) -> StoredObject:
        """Replace the object if it still is the version ``expected``; None means that it must not exist.

        Success is also reported where the key holds ``body`` already: that is our own swap, whose reply was
        lost. A swap that succeeded unseen and was then replaced by another writer is reported as a conflict.

        Raises:
            VersionConflict: The object is another version, or is there though it must not be, or is missing.
        """
        ...

    def delete(self, key: str, *, expected: str | None = None) -> None:
        """Make sure that nothing is stored under the key; a missing object is success.

        Raises:
            VersionConflict: The object is not the version ``expected``; it is left as it is.
        """
        ...

    def presign_get(self, key: str, *, expires_s: int) -> str:
        """Return a URL that reads this one object for ``expires_s`` seconds.

        Raises:
            PresignUnsupported: The store is a local folder.
        """
        ...

    def presign_put(self, key: str, *, sha256: str, size: int, expires_s: int) -> PresignedPut:
        """Return leave to create this object once, with this digest (hex) and size in bytes.

        Raises:
            PresignUnsupported: The store is a local folder.
        """
        ...

    def presign_create(self, key: str, *, expires_s: int) -> PresignedPut:
        """Return leave to create this object once, whatever its content.

        For a holder who makes the content: its digest and size are not known and so not signed. Whoever reads
        the object verifies it. Only the condition is signed, so nothing can be overwritten. A checksum header
        that is not signed is refused by Amazon, but ``Content-MD5`` is not among those: with it the store
        refuses bytes that were damaged on the way.

        Raises:
            PresignUnsupported: The store is a local folder.
        """
        ...

    def presign_replace(self, key: str, *, expires_s: int) -> PresignedPut:
        """Return leave to store this object again and again; for signs of life, never for evidence.

        Raises:
            PresignUnsupported: The store is a local folder.
        """
        ...

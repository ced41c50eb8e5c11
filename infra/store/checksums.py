"""Compute and compare the SHA-256 digests that travel with every object."""

import base64
import hashlib
from collections.abc import Iterable, Iterator

from infra.errors import DigestMismatch


def sha256_of(body: bytes, *, key: str, stated: str | None = None) -> str:
    """Return the digest of ``body`` in lower-case hex.

    Args:
        body: The whole object.
        key: Where it is going, for the message.
        stated: Digest that the caller was promised, in hex.

    Raises:
        DigestMismatch: ``body`` does not have the stated digest.
    """
    digest = hashlib.sha256(body).hexdigest()
    if stated is not None and stated.lower() != digest:
        raise DigestMismatch(
            f"{key!r} was to be stored with sha256 {stated!r}, its {len(body)} bytes have {digest}"
        )
    return digest


def sha256_of_chunks(chunks: Iterable[bytes]) -> str:
    """Return the digest of the concatenated ``chunks`` in lower-case hex."""
    running = hashlib.sha256()
    for chunk in chunks:
        running.update(chunk)
    return running.hexdigest()


def as_base64(sha256: str) -> str:
    """Write a hex digest the way S3's checksum headers do."""
    return base64.b64encode(bytes.fromhex(sha256)).decode("ascii")


def composite_sha256(parts: Iterable[str]) -> str:
    """Return the checksum that S3 keeps for an object uploaded in parts.

    Args:
        parts: Base64 SHA-256 of each part, in order.

    Source:
        Amazon S3 user guide, "Checking object integrity", composite checksums.
    """
    digests = [base64.b64decode(part) for part in parts]
    whole = base64.b64encode(hashlib.sha256(b"".join(digests)).digest()).decode("ascii")
    return f"{whole}-{len(digests)}"


def regroup(chunks: Iterable[bytes], *, size: int) -> Iterator[bytes]:
    """Cut a stream into pieces of exactly ``size`` bytes, the last one shorter; none is empty."""
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    if waiting:
        yield bytes(waiting)

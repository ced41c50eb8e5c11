"""Packs rendered photos into the submission zip: stored, sorted, no clock in it, verified as it flows.

Equal photos give the same bytes on every machine. Nothing here opens a file or a store: photos come as
an iterator of bytes, the zip leaves as one.
"""

import hashlib
import stat
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from stream_zip import NO_COMPRESSION_32, NO_COMPRESSION_64, MemberFile, stream_zip

from tasks.domain.errors import DomainError
from tasks.domain.schemas import RenderedPhoto, RunManifest
from tasks.domain.shards import is_intact

# The zip format's own epoch: the time at which a photo was packed must not change the digest.
_EPOCH = datetime(1980, 1, 1)
_MODE = stat.S_IFREG | 0o644
_ZIP32_BYTES = 2**32 - 1
_ZIP32_ENTRIES = 2**16 - 1
_ENTRY_BYTES = 30 + 46  # local and central header, without the two copies of the name


class StoredPhotoDamaged(DomainError):
    """A rendered photo read back from the store is not the one that was written."""


class NotSubmittable(DomainError):
    """The run's zip must not be submitted as it is."""


def zip_chunks(photos: Sequence[RenderedPhoto], bodies: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the zip of ``{id}.jpg`` for every photo, in bounded memory.

    Zip64 is used only where the format needs it (4 GiB, 65,535 photos), so that a normal submission
    stays readable by every tool.

    Args:
        photos: Sorted by id, each id once.
        bodies: The JPEG of each photo, in the same order.

    Raises:
        StoredPhotoDamaged: A body does not have the recorded SHA-256; raised before the zip ends.
    """
    ids = [photo.id for photo in photos]
    if ids != sorted(set(ids)):
        raise ValueError("photos must be sorted by id, each id once")
    method = NO_COMPRESSION_32 if _fits_zip32(photos) else NO_COMPRESSION_64

    def members() -> Iterator[MemberFile]:
        for photo, body in zip(photos, bodies, strict=True):
            _require_intact(photo, body)
            yield f"{photo.id}.jpg", _EPOCH, _MODE, method(photo.size, photo.crc32), (body,)

    yield from stream_zip(members(), extended_timestamps=False)


def require_submittable(manifest: RunManifest) -> None:
    """Refuse a zip that lacks photos, unless the run was told to accept that.

    Raises:
        NotSubmittable: Names the quarantined photos and what to do.
    """
    if manifest.submittable:
        return
    names = ", ".join(repr(photo.file_name) for photo in manifest.quarantined[:5])
    more = len(manifest.quarantined) - 5
    raise NotSubmittable(
        f"{manifest.name} lacks {len(manifest.quarantined)} quarantined photos: {names}"
        f"{f' and {more} more' if more > 0 else ''}; mend them and render again, "
        f"or render with accept_quarantined=true"
    )


def _fits_zip32(photos: Sequence[RenderedPhoto]) -> bool:
    total = sum(photo.size + _ENTRY_BYTES + 2 * len(f"{photo.id}.jpg") for photo in photos)
    return len(photos) < _ZIP32_ENTRIES and total < _ZIP32_BYTES - 22


def _require_intact(photo: RenderedPhoto, body: bytes) -> None:
    if not is_intact(photo, body):
        found = hashlib.sha256(body).hexdigest()
        raise StoredPhotoDamaged(
            f"rendered photo {photo.id!r} must have {photo.size} bytes, CRC-32 {photo.crc32:08x} and SHA-256 "
            f"{photo.sha256}, the store gave {len(body)} bytes with {found}; run again, its shard will be "
            f"rendered anew"
        )

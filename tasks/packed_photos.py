"""Reads single photos out of a submission zip in the store, without fetching the whole of it.

The zip is what a judge sees, and it outlives the rendered photos it was packed from. The standard library
reads its directory; each photo is then one range of bytes, because our zips are stored and not deflated.
"""

import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from infra.store.interface import ObjectStore
from tasks.domain.errors import DomainError
from tasks.domain.schemas import SubmissionZip


class SubmissionZipDamaged(DomainError):
    """A zip in the store is not the one that was packed."""


@dataclass(frozen=True, slots=True)
class _Member:
    """Where one photo lies in the zip."""

    start: int
    """Offset of its header."""
    length: int
    """Bytes of header and photo."""
    size: int
    """Bytes of the photo, which ends the range."""
    crc32: int


class PackedPhotos:
    """The photos in one zip; any number of threads may read them.

    Attributes:
        place: Where the zip lies, for messages.
        ids: Of all photos, sorted.
    """

    def __init__(self, submission: SubmissionZip, store: ObjectStore) -> None:
        """Read the directory of the zip.

        Raises:
            ObjectMissing: The zip is no longer there.
            SubmissionZipDamaged: Its directory cannot be read; whether it is whole, only the digest tells.
        """
        self._submission, self._store = submission, store
        self.place = f"{store.url}/{submission.key}"
        self._members = self._directory()
        self.ids = sorted(self._members)

    def read(self, photo_id: str) -> bytes:
        """Read one photo and compare its CRC-32 with the directory's.

        Raises:
            ObjectMissing: The zip is no longer there.
            SubmissionZipDamaged: It holds other bytes, or no such photo.
        """
        if (member := self._members.get(photo_id)) is None:
            raise self.damaged(f"photo {photo_id!r}, found none")
        packed = self._store.read_range(self._submission.key, start=member.start, length=member.length)
        body = packed[max(0, len(packed) - member.size) :]
        if (found := zlib.crc32(body)) != member.crc32:
            raise self.damaged(f"photo {photo_id!r} with CRC-32 {member.crc32:08x}, found {found:08x}")
        return body

    def damaged(self, finding: str) -> SubmissionZipDamaged:
        """Return the error that says what the zip must hold and what was found in it."""
        return SubmissionZipDamaged(
            f"{self.place} must hold {finding}; restore it, or render again under a new name"
        )

    def _directory(self) -> Mapping[str, _Member]:
        try:
            with zipfile.ZipFile(_StoredFile(self._submission, self._store)) as archive:
                listed = archive.infolist()
                starts = [*(member.header_offset for member in listed), archive.start_dir]
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise self.damaged(f"a readable directory, found: {error}") from error
        if starts[0] < 0 or starts != sorted(starts):
            raise self.damaged("photos in the order of its directory, found some elsewhere")
        return {
            member.filename.removesuffix(".jpg"): _Member(
                start=start,
                length=end - start,
                size=member.file_size,
                crc32=member.CRC,
            )
            for member, (start, end) in zip(listed, pairwise(starts), strict=True)
        }


class _StoredFile:
    """What ``zipfile`` asks of a file, for an object in the store."""

    def __init__(self, submission: SubmissionZip, store: ObjectStore) -> None:
        self._key, self._size, self._store = submission.key, submission.size, store
        self._place = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, count: int = -1, /) -> bytes:
        left = self._size - self._place
        length = left if count < 0 else min(count, left)
        body = self._store.read_range(self._key, start=self._place, length=length)
        self._place += length
        return body

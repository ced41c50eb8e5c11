"""Read a zip that a stranger sent, without ever extracting it.

Accepted is one shape only: records of stored files, one after the other from the first byte, then the
directory, then its end record, which is the last 22 bytes. Nothing lies before, between or behind, so no byte
belongs to two files or to none, and every reader of zips sees the same. The names are exactly the wanted ones
and every CRC holds. Memory is bounded by the number of wanted names, not by what the zip claims.
"""

import struct
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from infra.errors import SubmissionZipRefused
from infra.web.remote_text import quoted

# APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.12 (directory entry), 4.3.16 (end record).
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_ENTRY = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_UTF8_NAMES = 0x0800
_STORED = 0
_MOST_EXTRA = 256  # bytes of extra fields and comments of one entry, on average; tools write about 30
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Where one file's bytes lie in the zip."""

    name: str
    offset: int
    size: int
    crc32: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the directory says about one file."""

    name: bytes
    flags: int
    crc32: int
    size: int
    header_offset: int


def read_submission(
    path: Path, *, wanted: Collection[str], max_file_bytes: int = 64 << 20
) -> dict[str, StoredFile]:
    """Check a zip from end to end and say where its files lie.

    Args:
        path: The zip.
        wanted: File names that it must hold: all of them and no other.
        max_file_bytes: Largest file accepted.

    Returns:
        For each name where its bytes are.

    Raises:
        SubmissionZipRefused: It breaks a rule; the message says which.
    """
    with path.open("rb") as archive:
        size = archive.seek(0, 2)
        entries, directory = _directory(archive, size=size, count=len(wanted))
        _require_names([entry.name for entry in entries], wanted=wanted)
        files = list(_files(archive, entries, end=directory, max_file_bytes=max_file_bytes))
        for file in files:
            _require_crc(archive, file)
    return {file.name: file for file in files}


def _directory(archive: BinaryIO, *, size: int, count: int) -> tuple[list[_Entry], int]:
    """Return the directory's entries and its offset."""
    if size < _END.size:
        raise SubmissionZipRefused(f"the upload has {size} bytes, which is too short for a zip")
    end = _END.unpack(_bytes_at(archive, size - _END.size, _END.size))
    signature, disk, first_disk, here, total, length, offset, comment = end
    if signature != b"PK\x05\x06" or comment:
        raise SubmissionZipRefused(
            "the upload must end with a zip's end record without a comment; it is cut, no zip, or has a tail"
        )
    if 0xFFFF in (disk, first_disk, here, total) or 0xFFFFFFFF in (length, offset):
        raise SubmissionZipRefused("zip64 and split zips are not read; a submission stays below 4 GiB")
    if disk or first_disk or here != total or total != count:
        raise SubmissionZipRefused(f"the zip must hold {count} files, its end record says {total}")
    if offset + length != size - _END.size:
        raise SubmissionZipRefused("the zip's directory must end where its end record begins")
    if length > count * (_ENTRY.size + 255 + _MOST_EXTRA):
        raise SubmissionZipRefused(f"the zip's directory has {length} bytes, too many for {count} files")
    return list(_entries(_bytes_at(archive, offset, length), count=count)), offset


def _entries(directory: bytes, *, count: int) -> Iterator[_Entry]:
    position = 0
    for number in range(count):
        if position + _ENTRY.size > len(directory):
            raise SubmissionZipRefused(f"the zip's directory ends at entry {number} of {count}")
        fields = _ENTRY.unpack_from(directory, position)
        name_at = position + _ENTRY.size
        name = directory[name_at : name_at + fields[10]]
        position = name_at + sum(fields[10:13])
        yield _entry(fields, name)
    if position != len(directory):
        raise SubmissionZipRefused("the zip's directory does not end with its last entry")


def _entry(fields: tuple[Any, ...], name: bytes) -> _Entry:
    signature, _, _, flags, method, _, _, crc32, packed, size = fields[:10]
    disk, header_offset = fields[13], fields[16]
    if signature != b"PK\x01\x02" or disk:
        raise SubmissionZipRefused("the zip's directory is damaged")
    if method != _STORED or packed != size:
        raise SubmissionZipRefused(f"{_shown(name)} must be stored, not compressed (method {method})")
    if flags & ~_UTF8_NAMES:
        raise SubmissionZipRefused(
            f"{_shown(name)} has flags 0x{flags:04x}; encryption and trailing sizes are not accepted"
        )
    return _Entry(name, flags, crc32, size, header_offset)


def _require_names(found: list[bytes], *, wanted: Collection[str]) -> None:
    """Compare bytes: a name that only looks or decodes like a wanted one is another name."""
    expected = {name.encode() for name in wanted}
    if len(set(found)) < len(found):
        twice = next(name for name in sorted(found) if found.count(name) > 1)
        raise SubmissionZipRefused(f"{_shown(twice)} is in the zip more than once")
    missing, extra = sorted(expected - set(found)), sorted(set(found) - expected)
    if missing or extra:
        raise SubmissionZipRefused(
            f"the zip must hold exactly the {len(expected)} photos of the target set; "
            f"{len(missing)} are missing{_some(missing)}, {len(extra)} are unknown{_some(extra)}"
        )


def _files(
    archive: BinaryIO, entries: list[_Entry], *, end: int, max_file_bytes: int
) -> Iterator[StoredFile]:
    """Walk the files in the order of their bytes; each begins where the one before it ends."""
    position = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset != position:
            raise SubmissionZipRefused(
                f"{_shown(entry.name)} begins at byte {entry.header_offset}, expected {position}; files may "
                "neither overlap nor leave gaps"
            )
        if not 0 < entry.size <= max_file_bytes:
            raise SubmissionZipRefused(
                f"{_shown(entry.name)} has {entry.size} bytes; 1 to {max_file_bytes} are accepted"
            )
        offset = _content_offset(archive, entry)
        position = offset + entry.size
        if position > end:
            raise SubmissionZipRefused(f"{_shown(entry.name)} reaches into the zip's directory")
        yield StoredFile(entry.name.decode(), offset, entry.size, entry.crc32)
    if position != end:
        raise SubmissionZipRefused(f"{end - position} bytes of the zip belong to no file")


def _content_offset(archive: BinaryIO, entry: _Entry) -> int:
    """Return where the content begins, if the file's own header agrees with the directory."""
    header = _LOCAL.unpack(_bytes_at(archive, entry.header_offset, _LOCAL.size))
    signature, _, flags, method, _, _, crc32, packed, size, name_length, extra_length = header
    name = _bytes_at(archive, entry.header_offset + _LOCAL.size, name_length)
    found = (signature, flags, method, crc32, packed, size, name)
    if found != (b"PK\x03\x04", entry.flags, _STORED, entry.crc32, entry.size, entry.size, entry.name):
        raise SubmissionZipRefused(f"the header of {_shown(entry.name)} and the zip's directory disagree")
    return entry.header_offset + _LOCAL.size + int(name_length) + int(extra_length)


def _require_crc(archive: BinaryIO, file: StoredFile) -> None:
    archive.seek(file.offset)
    crc, remaining = 0, file.size
    while remaining:
        chunk = archive.read(min(_CHUNK, remaining))
        if not chunk:
            break
        crc = zlib.crc32(chunk, crc)
        remaining -= len(chunk)
    if remaining or crc != file.crc32:
        raise SubmissionZipRefused(f"{quoted(file.name)} is damaged: its CRC does not hold")


def _bytes_at(archive: BinaryIO, offset: int, length: int) -> bytes:
    archive.seek(offset)
    found = archive.read(length)
    if len(found) < length:
        raise SubmissionZipRefused(f"the zip has no {length} bytes at byte {offset}, where it says so")
    return found


def _shown(name: bytes) -> str:
    return quoted(name.decode("utf-8", "backslashreplace"))


def _some(names: list[bytes]) -> str:
    return (
        f" ({', '.join(_shown(name) for name in names[:3])}{' ...' if len(names) > 3 else ''})"
        if names
        else ""
    )

"""Reads the orientation from an EXIF block and takes its stale thumbnail out.

Everything else in the block stays byte for byte where it is, so offsets inside MakerNotes hold. Refuses
nothing: a block that is garbage, points outside itself or loops is opaque, and passes unchanged. The GPS
directory is part of the block and is kept.
"""

import struct
from typing import NamedTuple

EXIF_SIGNATURE = b"Exif\x00\x00"
UPRIGHT = 1

_ORIENTATION, _THUMBNAIL_OFFSET, _THUMBNAIL_LENGTH = 0x0112, 0x0201, 0x0202
_SHORT, _LONG = 3, 4
_BYTE_ORDER = {b"II*\x00": "<", b"MM\x00*": ">"}


class _Directory(NamedTuple):
    """One image file directory: integer values by tag, and where its link to the next one lies."""

    values: dict[int, int]
    link_at: int
    next_at: int


def exif_orientation(payload: bytes) -> int:
    """Return the EXIF orientation 1 to 8 of an APP1 payload, 1 (upright) when it tells none.

    Args:
        payload: From ``Exif`` and its two zero bytes on, without marker and length.
    """
    try:
        _, main = _main_directory(payload[len(EXIF_SIGNATURE) :])
    except (struct.error, KeyError):
        return UPRIGHT
    orientation = main.values.get(_ORIENTATION, UPRIGHT)
    return orientation if 1 <= orientation <= 8 else UPRIGHT


def without_thumbnail(payload: bytes) -> bytes:
    """Return the APP1 payload of the same length with the thumbnail unlinked and its JPEG zeroed.

    Args:
        payload: From ``Exif`` and its two zero bytes on, without marker and length.

    Source:
        CIPA DC-008 (Exif 2.32), 4.5.4 and 4.5.5: the thumbnail is described by IFD1, which IFD0 links to.
    """
    tiff = payload[len(EXIF_SIGNATURE) :]
    try:
        order, main = _main_directory(tiff)
    except (struct.error, KeyError):
        return payload
    thumbnail = _thumbnail_span(tiff, order, main)
    if thumbnail is None:
        return payload
    first, last = thumbnail
    bare = bytearray(tiff)
    bare[first:last] = bytes(last - first)
    bare[main.link_at : main.link_at + 4] = bytes(4)
    return payload[: len(EXIF_SIGNATURE)] + bytes(bare)


def _main_directory(tiff: bytes) -> tuple[str, _Directory]:
    order = _BYTE_ORDER[tiff[:4]]
    (offset,) = struct.unpack_from(order + "I", tiff, 4)
    return order, _read_directory(tiff, order, offset)


def _read_directory(tiff: bytes, order: str, offset: int) -> _Directory:
    (count,) = struct.unpack_from(order + "H", tiff, offset)
    link_at = offset + 2 + 12 * count
    (next_at,) = struct.unpack_from(order + "I", tiff, link_at)
    values = {}
    for tag, kind, number, raw in struct.iter_unpack(order + "HHI4s", tiff[offset + 2 : link_at]):
        if number == 1 and kind in (_SHORT, _LONG):
            (values[tag],) = struct.unpack_from(order + ("H" if kind == _SHORT else "I"), raw)
    return _Directory(values, link_at, next_at)


def _thumbnail_span(tiff: bytes, order: str, main: _Directory) -> tuple[int, int] | None:
    """Return the bytes to blank, possibly none of them, or None when IFD0 links to no directory.

    A hostile or edited block may point anywhere, so only bytes past IFD0 that start like a JPEG count.
    """
    try:
        values = _read_directory(tiff, order, main.next_at).values if main.next_at else None
    except struct.error:
        return None
    if values is None:
        return None
    first = values.get(_THUMBNAIL_OFFSET, 0)
    last = first + values.get(_THUMBNAIL_LENGTH, 0)
    inside = main.link_at + 4 <= first < last <= len(tiff)
    return (first, last) if inside and tiff.startswith(b"\xff\xd8", first) else (0, 0)

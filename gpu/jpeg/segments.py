"""The chain of segments of a JPEG stream, walked without decoding anything.

Refuses whatever breaks the chain: a byte that is no marker where one must be, a length that leaves the
file, a stream without end. What the segments mean is read by ``header``, ``exif`` and ``metadata``.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from gpu.jpeg.rejection import PhotoRejected, damaged

SOI, EOI, SOS, DRI, COM = 0xD8, 0xD9, 0xDA, 0xDD, 0xFE
APP0, APP1, APP2, APP8, APP11, APP14, APP15 = 0xE0, 0xE1, 0xE2, 0xE8, 0xEB, 0xEE, 0xEF

# Stuffing, TEM, restarts and a second SOI: none may stand between segments.
_WITHOUT_LENGTH = (0x00, 0x01, *range(0xD0, 0xD8), SOI)

_FILLERS = re.compile(rb"\xff+")
# In entropy-coded data FF 00 is a stuffed byte, FF D0..D7 a restart and FF FF a filler; ITU-T T.81, B.1.1.
_MARKER_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


class Segment(NamedTuple):
    """One marker segment, as offsets into the stream."""

    marker: int
    """Second byte of the marker, such as 0xDA for SOS."""
    start: int
    """Of the 0xFF of the marker."""
    payload: int
    """Of the first byte after the length field."""
    payload_end: int
    """Past the last byte that the length field covers."""
    end: int
    """Past the segment; for SOS past its entropy-coded data as well."""


def walk_segments(data: bytes) -> Iterator[Segment]:
    """Yield the segments after SOI in file order, EOI last; bytes after EOI are not looked at.

    Raises:
        PhotoRejected: ``truncated`` or ``damaged``, naming the offset, when the chain breaks.
    """
    position = 2
    while True:
        segment = _segment_at(data, position)
        if segment.marker == SOS:
            segment = segment._replace(end=_end_of_scan(data, segment.payload_end))
        yield segment
        if segment.marker == EOI:
            return
        position = segment.end


def leading_segments(data: bytes) -> Iterator[Segment]:
    """Yield the segments before the first scan: tables, frame header and metadata.

    Reads nothing of the picture data, so it costs microseconds on any photo.

    Raises:
        PhotoRejected: ``truncated`` or ``damaged``, naming the offset, when the chain breaks.
    """
    position = 2
    while (segment := _segment_at(data, position)).marker not in (SOS, EOI):
        yield segment
        position = segment.end


def _segment_at(data: bytes, position: int) -> Segment:
    """Return the segment at ``position``, entropy-coded data not included."""
    start = _marker_start(data, position)
    marker = data[start + 1]
    after = start + 2
    if marker == EOI:
        return Segment(marker, start, after, after, after)
    if marker in _WITHOUT_LENGTH:
        raise damaged(f"expected a segment at byte {start}, found FF {marker:02X}")
    end = after + _length(data, after)
    return Segment(marker, start, after + 2, end, end)


def _marker_start(data: bytes, position: int) -> int:
    """Return the offset of the last 0xFF of a marker, past any fillers."""
    fillers = _FILLERS.match(data, position)
    if fillers and fillers.end() < len(data):
        return fillers.end() - 1
    if fillers or position >= len(data):
        raise _cut(data, "a marker")
    raise damaged(f"expected a marker at byte {position}, found {data[position]:02X}")


def _length(data: bytes, position: int) -> int:
    length = int.from_bytes(data[position : position + 2])
    if position + max(length, 2) > len(data):
        raise _cut(data, "a segment")
    if length < 2:
        raise damaged(f"expected a segment length of 2 or more at byte {position}, found {length}")
    return length


def _end_of_scan(data: bytes, position: int) -> int:
    found = _MARKER_AFTER_SCAN.search(data, position)
    if found is None:
        raise _cut(data, "the picture data")
    return found.start()


def _cut(data: bytes, where: str) -> PhotoRejected:
    return PhotoRejected(
        "truncated",
        f"expected an end-of-image marker, but the file ends within {where} at byte {len(data)}; "
        "copy or download the photo again",
    )

"""Carries the metadata of an original over to its rendered photo by splicing segments, never re-encoding.

EXIF with GPS, ICC in any number of chunks, XMP, IPTC and comments pass byte for byte, garbage included. The
orientation tag stays because the pixels stay as stored: the viewer rotates, once. Left behind is what
describes the old stream: the EXIF thumbnail, Adobe's colour code, JFXX thumbnails, multi-picture and gain-map
indexes with the pictures after the end, SPIFF, and JUMBF with its signatures over the old bytes.
"""

from collections.abc import Iterator

from gpu.jpeg.exif import EXIF_SIGNATURE, without_thumbnail
from gpu.jpeg.segments import APP0, APP1, APP2, APP8, APP11, APP14, APP15, COM, Segment, leading_segments

_JFIF_SIGNATURE = b"JFIF\x00"
_OF_THE_OLD_STREAM: dict[int, tuple[bytes, ...]] = {
    APP0: (_JFIF_SIGNATURE, b"JFXX\x00"),
    APP2: (b"MPF\x00", b"urn:iso:std:iso:ts:21496:-1\x00"),
    APP8: (b"SPIFF\x00",),
    APP11: (b"JP",),
    APP14: (b"Adobe",),
}


def carry_metadata(original: bytes, rendered: bytes) -> bytes:
    """Return the rendered photo with the metadata of the original.

    Args:
        original: A file that ``read_header`` accepted; only its segments before the first scan are read.
        rendered: What ``codec.encode`` wrote: SOI and a JFIF segment, then no other metadata.

    Raises:
        PhotoRejected: The segments of either file do not chain.
        ValueError: The rendered photo does not start with a JFIF segment.
    """
    jfif = next(leading_segments(rendered), None)
    if jfif is None or not rendered.startswith(_JFIF_SIGNATURE, jfif.payload, jfif.payload_end):
        raise ValueError(f"the rendered photo must start with a JFIF segment, got {rendered[:12].hex(' ')}")
    segments = [segment for segment in leading_segments(original) if _is_metadata(segment)]
    density = _density(original, segments)
    head = bytearray(rendered[: jfif.end])
    if density:
        head[jfif.payload + 7 : jfif.payload + 12] = density
    carried = _carried_segments(original, segments)
    return b"".join([head, *carried, memoryview(rendered)[jfif.end :]])


def _is_metadata(segment: Segment) -> bool:
    return APP0 <= segment.marker <= APP15 or segment.marker == COM


def _density(data: bytes, segments: list[Segment]) -> bytes | None:
    """Return unit and both densities as JFIF stores them, None without a usable JFIF segment."""
    for segment in segments:
        payload = data[segment.payload : segment.payload_end]
        if segment.marker == APP0 and payload.startswith(_JFIF_SIGNATURE) and len(payload) >= 12:
            usable = payload[7] <= 2 and any(payload[8:10]) and any(payload[10:12])
            return payload[7:12] if usable else None
    return None


def _carried_segments(data: bytes, segments: list[Segment]) -> Iterator[bytes]:
    for segment in segments:
        payload = data[segment.payload : segment.payload_end]
        if payload.startswith(_OF_THE_OLD_STREAM.get(segment.marker, ())):
            continue
        if segment.marker == APP1 and payload.startswith(EXIF_SIGNATURE):
            payload = without_thumbnail(payload)
        yield data[segment.start : segment.payload] + payload

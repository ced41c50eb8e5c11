"""Reads what a photo claims to be, before any decoder touches it, and refuses what must not be decoded.

Walks the whole chain of segments in pure Python, so a bomb costs microseconds and no memory: sides, pixels,
bytes and scans are bounded here. Refuses other formats under a ``.jpg`` name, naming what they are, and every
coding that ``frame`` refuses. Damage inside the picture data is the strict decoder's to find, see ``codec``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gpu.coordinates import ImageSize
from gpu.jpeg.exif import EXIF_SIGNATURE, UPRIGHT, exif_orientation
from gpu.jpeg.frame import Frame, chroma_subsampling, is_frame_marker, parse_frame
from gpu.jpeg.rejection import PhotoRejected, RejectionCode, damaged
from gpu.jpeg.segments import APP0, APP1, APP14, DRI, SOS, Segment, leading_segments, walk_segments
from gpu.jpeg.signature import identify

Colour = Literal["grey", "ycbcr", "rgb"]

_RGB_IDS = (0x52, 0x47, 0x42)  # "R", "G", "B"


@dataclass(frozen=True, slots=True)
class PhotoLimits:
    """Bounds of a photo that is rendered; all inclusive."""

    min_side: int = 16
    """Pixels. Two coding blocks: below that a lens correction has nothing to correct."""
    max_side: int = 30_000
    """Pixels."""
    max_pixels: int = 100_000_000
    max_bytes: int = 256 * 2**20
    """Of the file. Noise of 100 megapixels at quality 95 takes about 200 MB."""
    max_scans: int = 64
    """Progressive encoders write about ten; each scan costs the decoder one pass over the photo."""
    max_segments: int = 10_000
    """Ten times what 64 MB of XMP in 64 KB chunks take."""


DEFAULT_LIMITS = PhotoLimits()


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """What a JPEG stream says about itself; the picture data has not been looked at."""

    width: int
    """Pixels as stored; the orientation is not applied."""
    height: int
    """Pixels as stored."""
    colour: Colour
    subsampling: tuple[int, int]
    """Luma samples per chroma sample, horizontally and vertically: (2, 2) is 4:2:0, (1, 1) 4:4:4 or grey."""
    progressive: bool
    scans: int
    restart_interval: int
    """Coding units between restart markers, 0 for none."""
    orientation: int
    """EXIF orientation 1 to 8, for the viewer; 1 when the photo tells none."""
    end: int
    """Offset past the end-of-image marker."""
    trailing_bytes: int
    """Bytes after ``end``: phones and multi-picture files put further pictures there."""


def read_header(data: bytes, limits: PhotoLimits = DEFAULT_LIMITS) -> JpegHeader:
    """Read the header of a photo, refusing what must not reach a decoder.

    Any bytes at all give a header or a ``PhotoRejected``.

    Raises:
        PhotoRejected: Not a JPEG, outside the limits, cut off, or coded in a way that is not rendered.
    """
    _check_file(data, limits)
    segments = _bounded_walk(data, limits)
    frame = _only_frame(data, segments)
    _check_size(frame, limits)
    end = segments[-1].end
    _check_plausible(frame, end)
    return JpegHeader(
        width=frame.width,
        height=frame.height,
        colour=_colour(data, segments, frame),
        subsampling=chroma_subsampling(frame),
        progressive=frame.progressive,
        scans=sum(segment.marker == SOS for segment in segments),
        restart_interval=_restart_interval(data, segments),
        orientation=_orientation(data, segments),
        end=end,
        trailing_bytes=len(data) - end,
    )


def read_size(start: bytes, limits: PhotoLimits = DEFAULT_LIMITS) -> ImageSize:
    """Read a photo's size in pixels as stored from the first bytes of its file.

    For folders too large to be read whole: whether the picture data is intact is not looked at.

    Raises:
        PhotoRejected: As ``read_header`` for what stands before the picture data; ``truncated`` also where
            the frame header lies beyond these bytes.
    """
    _check_file(start, limits)
    found = next((segment for segment in leading_segments(start) if is_frame_marker(segment.marker)), None)
    if found is None:
        raise damaged("expected a frame header before the picture data, found none")
    frame = parse_frame(found.marker, start[found.payload : found.payload_end])
    _check_size(frame, limits)
    return ImageSize(frame.width, frame.height)


def _check_file(data: bytes, limits: PhotoLimits) -> None:
    if not data:
        raise PhotoRejected("empty", "expected a JPEG photo, found an empty file; copy or download it again")
    if not data.startswith(b"\xff\xd8\xff"):
        found = identify(data)
        raise PhotoRejected(
            "not_a_jpeg", f"expected a JPEG photo, found {found.name} named .jpg; {found.advice}"
        )
    if len(data) > limits.max_bytes:
        raise PhotoRejected(
            "too_large",
            f"expected at most {limits.max_bytes} bytes, found {len(data)}; save the photo smaller",
        )


def _bounded_walk(data: bytes, limits: PhotoLimits) -> list[Segment]:
    """Return all segments up to EOI, giving up at the first one too many."""
    segments = []
    scans = 0
    for segment in walk_segments(data):
        segments.append(segment)
        scans += segment.marker == SOS
        if scans > limits.max_scans:
            raise _bomb("scan_bomb", limits.max_scans, "scans", segment)
        if len(segments) > limits.max_segments:
            raise _bomb("segment_bomb", limits.max_segments, "segments", segment)
    return segments


def _bomb(code: RejectionCode, limit: int, what: str, segment: Segment) -> PhotoRejected:
    return PhotoRejected(
        code,
        f"expected at most {limit} {what}, found one more at byte {segment.start}; "
        "such a file keeps a decoder busy for minutes, save the photo again",
    )


def _only_frame(data: bytes, segments: Sequence[Segment]) -> Frame:
    order = [segment for segment in segments if segment.marker == SOS or is_frame_marker(segment.marker)]
    frames = [segment for segment in order if segment.marker != SOS]
    if len(frames) != 1 or order[0] is not frames[0] or len(order) == 1:
        raise damaged(
            f"expected one frame header followed by picture data, found {len(frames)} frame headers and "
            f"{len(order) - len(frames)} scans"
        )
    return parse_frame(frames[0].marker, data[frames[0].payload : frames[0].payload_end])


def _check_size(frame: Frame, limits: PhotoLimits) -> None:
    found = f"{frame.width}x{frame.height}"
    if frame.height == 0:
        raise PhotoRejected(
            "unknown_height",
            "expected the height in the frame header, found 0; save the photo as a plain JPEG",
        )
    if max(frame.width, frame.height) > limits.max_side or frame.width * frame.height > limits.max_pixels:
        raise PhotoRejected(
            "too_large",
            f"expected sides of at most {limits.max_side} and {limits.max_pixels} pixels in all, "
            f"found {found}; scale the photo down",
        )
    if min(frame.width, frame.height) < limits.min_side:
        raise PhotoRejected(
            "too_small",
            f"expected sides of at least {limits.min_side} pixels, found {found}; supply the full photo",
        )


def _check_plausible(frame: Frame, size: int) -> None:
    """Refuse a stream too short for its pixels: each 8x8 block of luma costs at least one bit."""
    blocks = -(-frame.width // 8) * -(-frame.height // 8)
    if size * 8 < blocks:
        raise PhotoRejected(
            "implausible_size",
            f"expected at least {-(-blocks // 8)} bytes for {frame.width}x{frame.height} pixels, "
            f"found {size}; restore the photo from its source",
        )


def _colour(data: bytes, segments: Sequence[Segment], frame: Frame) -> Colour:
    """Tell the colour coding in libjpeg's order of trust: JFIF, then Adobe, then component identifiers."""
    if len(frame.components) == 1:
        return "grey"
    if any(s.marker == APP0 and data.startswith(b"JFIF\x00", s.payload, s.payload_end) for s in segments):
        return "ycbcr"
    for segment in segments:
        adobe = data[segment.payload : segment.payload_end] if segment.marker == APP14 else b""
        if adobe.startswith(b"Adobe") and len(adobe) >= 12:
            return "ycbcr" if adobe[11] else "rgb"
    return "rgb" if tuple(part.id for part in frame.components) == _RGB_IDS else "ycbcr"


def _restart_interval(data: bytes, segments: Sequence[Segment]) -> int:
    intervals = [int.from_bytes(data[s.payload : s.payload_end]) for s in segments if s.marker == DRI]
    return intervals[-1] if intervals else 0


def _orientation(data: bytes, segments: Sequence[Segment]) -> int:
    for segment in segments:
        if segment.marker == APP1 and data.startswith(EXIF_SIGNATURE, segment.payload, segment.payload_end):
            return exif_orientation(data[segment.payload : segment.payload_end])
    return UPRIGHT

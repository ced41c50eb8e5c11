"""Parses the frame header of a JPEG: size, components and how the picture is coded.

Refuses the codings that the fleet's decoders do not share (arithmetic, lossless, hierarchical, 12 bit), CMYK,
whose colours a YCbCr JPEG cannot hold, and sampling factors that no encoder could give back.
"""

from typing import NamedTuple

from gpu.jpeg.rejection import PhotoRejected, RejectionCode, damaged

_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2  # ITU-T T.81, table B.1
_CODINGS: dict[int, tuple[RejectionCode, str]] = {
    0xC3: ("lossless", "lossless coding"),
    0xC5: ("hierarchical", "hierarchical coding"),
    0xC6: ("hierarchical", "hierarchical coding"),
    0xC7: ("hierarchical", "hierarchical coding"),
    0xC9: ("arithmetic", "arithmetic coding"),
    0xCA: ("arithmetic", "arithmetic coding"),
    0xCB: ("arithmetic", "arithmetic coding"),
    0xCD: ("arithmetic", "arithmetic coding"),
    0xCE: ("arithmetic", "arithmetic coding"),
    0xCF: ("arithmetic", "arithmetic coding"),
    0xDE: ("hierarchical", "hierarchical coding"),
    0xF7: ("lossless", "JPEG-LS coding"),
}


class Component(NamedTuple):
    """One colour component: its identifier and sampling factors."""

    id: int
    horizontal: int
    vertical: int


class Frame(NamedTuple):
    """A frame header: size in pixels as stored, components in stream order."""

    width: int
    height: int
    components: tuple[Component, ...]
    progressive: bool


def is_frame_marker(marker: int) -> bool:
    """Tell whether the marker starts a frame of any coding, supported or not."""
    return marker in (_BASELINE, _EXTENDED, _PROGRESSIVE) or marker in _CODINGS


def parse_frame(marker: int, payload: bytes) -> Frame:
    """Parse the payload of a start-of-frame segment.

    Raises:
        PhotoRejected: A coding, precision or number of components that is not rendered, or a torn header.

    Source:
        ITU-T T.81, B.2.2.
    """
    _check_coding(marker)
    if len(payload) < 6 or len(payload) != 6 + 3 * payload[5]:
        raise damaged(f"expected a frame header of 6 bytes and 3 per component, found {len(payload)} bytes")
    _check_precision(payload[0])
    _check_component_count(payload[5])
    components = tuple(
        Component(payload[at], payload[at + 1] >> 4, payload[at + 1] & 15) for at in range(6, len(payload), 3)
    )
    _check_factors(components)
    width, height = int.from_bytes(payload[3:5]), int.from_bytes(payload[1:3])
    return Frame(width, height, components, progressive=marker == _PROGRESSIVE)


def chroma_subsampling(frame: Frame) -> tuple[int, int]:
    """Return luma samples per chroma sample, horizontally and vertically; (1, 1) for grey.

    Raises:
        PhotoRejected: The chroma planes differ in size or do not divide the luma evenly.
    """
    luma, *chroma = frame.components
    if not chroma:
        return 1, 1
    first, second = chroma
    even = luma.horizontal % first.horizontal == 0 and luma.vertical % first.vertical == 0
    if first[1:] != second[1:] or not even:
        factors = ", ".join(f"{part.horizontal}x{part.vertical}" for part in frame.components)
        raise PhotoRejected(
            "subsampling",
            f"expected two chroma planes that divide the luma evenly, found sampling factors {factors}; "
            "save the photo as 4:2:0 or 4:4:4",
        )
    return luma.horizontal // first.horizontal, luma.vertical // first.vertical


def _check_coding(marker: int) -> None:
    if marker in _CODINGS:
        code, coding = _CODINGS[marker]
        raise PhotoRejected(
            code,
            f"expected Huffman-coded DCT in one frame, found {coding} (marker FF {marker:02X}); "
            "save the photo as a baseline or progressive JPEG",
        )


def _check_precision(bits: int) -> None:
    if bits == 12:
        raise PhotoRejected(
            "twelve_bit", "expected 8 bits per sample, found 12; save the photo as an 8-bit JPEG"
        )
    if bits != 8:
        raise damaged(f"expected 8 bits per sample, found {bits}")


def _check_component_count(count: int) -> None:
    if count == 4:
        raise PhotoRejected(
            "cmyk",
            "expected a grey or RGB photo, found CMYK, whose colours the corrected JPEG cannot keep; "
            "convert it to RGB with its ICC profile first",
        )
    if count not in (1, 3):
        raise PhotoRejected(
            "components", f"expected 1 or 3 colour components, found {count}; save the photo as RGB"
        )


def _check_factors(components: tuple[Component, ...]) -> None:
    factors = {factor for part in components for factor in (part.horizontal, part.vertical)}
    if not factors <= {1, 2, 3, 4}:
        raise damaged(f"expected sampling factors from 1 to 4, found {sorted(factors)}")

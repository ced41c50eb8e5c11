"""Reads from a photo's EXIF block which camera and lens took it, and at which focal length.

Only what names the optics is read. A block that is garbage tells nothing and is no reason to refuse the
photo; a photo whose chain of segments is broken is refused as everywhere.
"""

import struct
import warnings
from dataclasses import dataclass

from PIL import Image

from gpu.jpeg.exif import EXIF_SIGNATURE
from gpu.jpeg.segments import APP1, leading_segments

_MAKE, _MODEL, _PHOTO_DIRECTORY = 0x010F, 0x0110, 0x8769
_FOCAL_LENGTH, _LENS_MODEL = 0x920A, 0xA434
_LONGEST = 100  # characters; EXIF has no limit
_LONGEST_FOCAL_MM = 5000.0
# What Pillow raises on blocks that point outside themselves, loop, or hold other types than they should.
_GARBAGE = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, struct.error)


@dataclass(frozen=True, slots=True)
class Camera:
    """What took a photo; empty words and None where the block does not tell.

    Attributes:
        focal_mm: Focal length of the lens itself, not its equivalent.
    """

    maker: str
    model: str
    lens: str
    focal_mm: float | None


def read_camera(photo: bytes) -> Camera | None:
    """Read the camera of a photo, None where no EXIF block tells any.

    Raises:
        PhotoRejected: The chain of segments is broken.

    Source:
        CIPA DC-008 (Exif 2.32), 4.6: the tags.
    """
    for segment in leading_segments(photo):
        payload = photo[segment.payload : segment.payload_end]
        if segment.marker == APP1 and payload.startswith(EXIF_SIGNATURE):
            return _camera(payload)
    return None


def _camera(payload: bytes) -> Camera | None:
    exif = Image.Exif()
    try:
        with warnings.catch_warnings(action="ignore"):  # about garbage, which is told by its absence
            exif.load(payload)
            details = exif.get_ifd(_PHOTO_DIRECTORY)
            camera = Camera(
                maker=_words(exif.get(_MAKE)),
                model=_words(exif.get(_MODEL)),
                lens=_words(details.get(_LENS_MODEL)),
                focal_mm=_focal(details.get(_FOCAL_LENGTH)),
            )
    except _GARBAGE:
        return None
    return camera if camera.model else None


def _words(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(sign for sign in text if sign.isprintable()).strip()[:_LONGEST]


def _focal(value: object) -> float | None:
    if value is None:
        return None
    focal = float(value)  # type: ignore[arg-type]  # a rational of Pillow's own, or a TypeError
    return focal if 0.0 < focal < _LONGEST_FOCAL_MM else None

"""Sorts photos by size into the seven buckets that coefficients and gates are keyed by.

It knows pixels as stored only; an orientation tag is never looked at.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from gpu.coordinates import ImageSize

Bucket = Literal[
    "standard",
    "near_standard_tall",
    "near_standard_short",
    "moderate_crop",
    "heavy_crop",
    "portrait_standard",
    "portrait_cropped",
]

BUCKETS: Final[tuple[Bucket, ...]] = (
    "standard",
    "near_standard_tall",
    "near_standard_short",
    "moderate_crop",
    "heavy_crop",
    "portrait_standard",
    "portrait_cropped",
)

HIGH_RISK: Final[frozenset[Bucket]] = frozenset({"heavy_crop", "portrait_cropped"})
"""Buckets whose primary coefficients are never trusted without an own row's evidence."""

CROP_SENSITIVE: Final[frozenset[Bucket]] = frozenset({"moderate_crop", "heavy_crop", "portrait_cropped"})
"""Buckets that a promotion must not make worse."""

NOMINAL_SIZE: Final[Mapping[Bucket, ImageSize]] = MappingProxyType(
    {
        "standard": ImageSize(2048, 1367),
        "near_standard_tall": ImageSize(2048, 1371),
        "near_standard_short": ImageSize(2048, 1366),
        "moderate_crop": ImageSize(2048, 1364),
        "heavy_crop": ImageSize(2048, 1536),
        "portrait_standard": ImageSize(1367, 2048),
        "portrait_cropped": ImageSize(1152, 2048),
    }
)
"""A frame of each bucket to judge coefficients on: the one that reaches the largest radius.

1536 rows are the 4:3 group of the training set; 9:16 is the narrowest common portrait crop.
"""

_STANDARD_SHORT_SIDE = 1367


def bucket_of(width: int, height: int) -> Bucket:
    """Name the bucket of a photo of this size in pixels; a square counts as landscape."""
    if height > width:
        return "portrait_standard" if width == _STANDARD_SHORT_SIDE else "portrait_cropped"
    if height == _STANDARD_SHORT_SIDE:
        return "standard"
    if 1368 <= height <= 1371:
        return "near_standard_tall"
    if 1365 <= height <= 1366:
        return "near_standard_short"
    if 1360 <= height <= 1364:
        return "moderate_crop"
    return "heavy_crop"

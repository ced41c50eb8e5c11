"""One coefficient set that a search may choose, and what is known of it before any pixel is looked at.

Everything here is in the runbook's first convention (see ``gpu.legacy``). Photos are searched at a reduced
size, but the map is always that of the full size, read at the centres of the reduced pixels.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import hypot

import numpy as np

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.legacy import legacy_radial_map
from gpu.radial_map import RadialMap
from gpu.remap.strip_map import map_strips

MOST_BORDER = 0.002
"""Share of the pixels that may read outside the original, for a candidate to be valid."""

_DIGITS = 6  # a step of 1e-6 in k1 moves no corner of a 2048 px photo by more than 0.001 px
_WARP_GAIN = 14.0  # the runbook's: the seed pair (-0.17, 0.35) then has a warp of 0.15
_RADII = 129


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """k1, k2 and alpha as ``gpu.legacy`` takes them; ordered, so that ties have one winner."""

    k1: float
    k2: float
    alpha: float = 0.0

    @classmethod
    def rounded(cls, k1: float, k2: float, alpha: float) -> "Candidate":
        """Make a candidate of six decimals, so that sums such as -0.17 + 0.03 write well in a table."""
        return cls(*(round(float(value), _DIGITS) + 0.0 for value in (k1, k2, alpha)))


@dataclass(frozen=True, slots=True)
class Geometry:
    """What a candidate does to photos of one size.

    Attributes:
        mapping: In pixels of the reduced photo.
        border: Share of the pixels that read outside the original, 0..1.
        warp: Strength of the warp, 0..1, clipped.
    """

    mapping: RadialMap
    border: float
    warp: float

    @property
    def valid(self) -> bool:
        """Whether so little border shows that the candidate may be chosen."""
        return self.border <= MOST_BORDER


@lru_cache(maxsize=4096)  # pairs of one size meet the same candidates; a border share costs 1 ms
def geometry(candidate: Candidate, size: ImageSize, *, reduction: int) -> Geometry | None:
    """Measure a candidate on photos of this full size, searched at 1 / ``reduction``; None if it folds."""
    try:
        full = legacy_radial_map(candidate.k1, candidate.k2, candidate.alpha, size)
    except LensModelError:
        return None
    mapping = full.on_subsampled_plane(reduction, reduction)
    return Geometry(
        mapping=mapping,
        border=_border_share(mapping, reduced_size(size, reduction)),
        warp=_warp_strength(candidate, size),
    )


def reduced_size(size: ImageSize, reduction: int) -> ImageSize:
    """Give the size that ``cv2.resize`` makes of a photo when it is asked for a factor, not for a size."""
    return ImageSize(max(1, round(size.width / reduction)), max(1, round(size.height / reduction)))


def _border_share(mapping: RadialMap, size: ImageSize) -> float:
    """Count pixels that read outside the original's area, which ends half a pixel past the last centres."""
    outside = sum(
        np.count_nonzero(
            (strip.map_x < -0.5)
            | (strip.map_x > size.width - 0.5)
            | (strip.map_y < -0.5)
            | (strip.map_y > size.height - 0.5)
        )
        for strip in map_strips(mapping, size)
    )
    return int(outside) / (size.width * size.height)


def _warp_strength(candidate: Candidate, size: ImageSize) -> float:
    """Clip 14 times the largest displacement |k1 r^3 + k2 r^5| up to the corner, r in photo widths."""
    radii = np.linspace(0.0, hypot(size.width, size.height) / 2 / size.width, _RADII)
    largest = np.abs(candidate.k1 * radii**3 + candidate.k2 * radii**5).max()
    return min(1.0, _WARP_GAIN * float(largest))

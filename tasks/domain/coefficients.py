"""The user's coefficient pair, and what becomes of it for a photo of a given size.

Whether a pair folds a photo is for ``gpu.legacy`` to say; this module only puts it in a sentence.
"""

from functools import lru_cache
from typing import Final

from pydantic import Field, field_validator

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.legacy import legacy_radial_map
from tasks.domain.errors import UnusableWarpError
from tasks.domain.schemas import IdentityWarp, LegacyWarp, Record

_BEYOND_REASON: Final = 100.0  # k1 = 100 would read a landscape photo's corner from 37 times its radius


class CoefficientPair(Record):
    """k1 and k2 of OpenCV's Brown model with fx = fy = width; ``gpu.legacy`` has the equations."""

    k1: float = Field(ge=-_BEYOND_REASON, le=_BEYOND_REASON)
    k2: float = Field(ge=-_BEYOND_REASON, le=_BEYOND_REASON)
    alpha: float | None = Field(default=None, ge=0.0, le=1.0)
    """0 zooms until no empty pixel is left, 1 keeps every pixel of the photo; None: the table's default."""

    @field_validator("k1", "k2", "alpha")
    @classmethod
    def _without_negative_zero(cls, value: float | None) -> float | None:
        return None if value is None else value + 0.0  # -0.0 would give an equal table another digest

    def __str__(self) -> str:
        """Write the pair as ``(k1, k2)``, with alpha where it has its own."""
        alpha = "" if self.alpha is None else f", alpha {self.alpha:g}"
        return f"({self.k1:g}, {self.k2:g}{alpha})"


def warp_of(pair: CoefficientPair, *, alpha: float) -> IdentityWarp | LegacyWarp:
    """Give the warp of a pair; ``alpha`` serves a pair that has none of its own.

    A pair of exactly (0, 0) gives the identity. Its legacy map is the identity too (0.0 px off at
    2048x1367, 1.4e-13 px at 1360x2048, measured with OpenCV 5.0), so warping would only cost the photo
    one more JPEG generation, while the identity passes its bytes on.
    """
    if pair.k1 == 0.0 and pair.k2 == 0.0:
        return IdentityWarp()
    return LegacyWarp(k1=pair.k1, k2=pair.k2, alpha=alpha if pair.alpha is None else pair.alpha)


@lru_cache(maxsize=4096)  # a data set has fewer sizes than photos, and a map costs 1 ms
def usable_warp(pair: CoefficientPair, *, alpha: float, size: ImageSize) -> IdentityWarp | LegacyWarp:
    """Give the warp of a pair for a photo of this size in pixels, known to have a map.

    Raises:
        UnusableWarpError: The pair folds the photo, or the photo is too small or slim for the model.
    """
    warp = warp_of(pair, alpha=alpha)
    if isinstance(warp, LegacyWarp):
        try:
            legacy_radial_map(warp.k1, warp.k2, warp.alpha, size)
        except LensModelError as error:
            raise UnusableWarpError(str(error)) from error
    return warp

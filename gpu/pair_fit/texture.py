"""What two photos of one scene share whatever their tone: texture.

Texture is brightness less its local mean, over its local spread. Tone curves, vignetting and white balance
change mean and spread, hardly the texture; where there is nothing but noise a floor under the spread holds
it near zero.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gpu.pair_fit.luma import Luma, Samples

# The three below: of those tried on two sets of 120 generated pairs the ones with the least error, which
# doubles where the window does and changes by a tenth with the others.
_WINDOW = 11  # samples a side
_SPREAD_FLOOR = 4.0  # grey levels; the noise of a sample at quarter size is about 1
_STEEP_SHARE = 0.20  # of the samples
_LEAST_STEEPNESS = 0.2  # texture per sample; noise on a bare wall has 0.07
_BORDER = 2  # samples beyond which neighbourhoods are not whole
_FOLD = 1024  # lists of places are folded, because OpenCV remaps at most 32766 rows


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The steepest samples of a texture.

    Attributes:
        places: ``(N, 2)`` in pixels of the full photo.
        values: ``(N,)`` texture.
        gradient: ``(N, 2)`` of the texture, per pixel of the full photo.
    """

    places: NDArray[np.float64]
    values: Samples
    gradient: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """Texture ``(h, w)`` of a luma; ``step`` and ``first`` are the luma's."""

    values: Samples
    step: int
    first: NDArray[np.float64]

    def read(self, places: NDArray[np.float64]) -> tuple[Samples, NDArray[np.bool_]]:
        """Give the texture at (2, N) places in pixels, and which of them lie inside."""
        u, v = ((places - self.first[:, None]) / self.step).astype(np.float32)
        height, width = self.values.shape
        inside = (u >= _BORDER) & (u <= width - 1 - _BORDER) & (v >= _BORDER) & (v <= height - 1 - _BORDER)
        fold = (-(-len(u) // _FOLD), _FOLD)
        read = cv2.remap(self.values, np.resize(u, fold), np.resize(v, fold), cv2.INTER_CUBIC)
        return np.asarray(read, np.float32).ravel()[: len(u)], inside

    def steep_points(self) -> Points:
        """Choose the samples with the largest gradient, which carry nearly all that tells places apart."""
        across, down = (0.5 * cv2.Sobel(self.values, -1, *axis, ksize=1) for axis in ((1, 0), (0, 1)))
        steepness = across * across + down * down
        for edge in (slice(None, _BORDER), slice(-_BORDER, None)):
            steepness[edge], steepness[:, edge] = 0.0, 0.0
        limit = max(float(np.quantile(steepness[::3, ::3], 1.0 - _STEEP_SHARE)), _LEAST_STEEPNESS**2)
        chosen = np.flatnonzero(steepness.ravel() > limit)
        rows, columns = np.divmod(chosen, self.values.shape[1])
        gradient = np.stack([across.ravel()[chosen], down.ravel()[chosen]], axis=1).astype(np.float64)
        places = np.stack([columns, rows], axis=1) * float(self.step) + self.first
        return Points(places, self.values.ravel()[chosen], gradient / self.step)


def texture_of(luma: Luma) -> Texture:
    """Take the texture out of a luma."""
    window = (_WINDOW, _WINDOW)
    mean = cv2.boxFilter(luma.samples, -1, window, borderType=cv2.BORDER_REFLECT)
    square = cv2.sqrBoxFilter(luma.samples, cv2.CV_32F, window, borderType=cv2.BORDER_REFLECT)
    spread = np.sqrt(np.maximum(square - mean * mean, 0.0))
    values = (luma.samples - mean) / (spread + np.float32(_SPREAD_FLOOR))
    return Texture(np.asarray(values, np.float32), luma.step, luma.first)


def correlation(one: Samples, other: Samples) -> float:
    """Give the correlation of two lists of texture, which has no mean to take off; 0 for empty ones."""
    return float(one @ other) / (float(np.sqrt((one @ one) * (other @ other))) + 1e-9)

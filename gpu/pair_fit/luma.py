"""The luma of a pair at a fraction of its size, with the place of every sample in the full photo.

A sample of step s stands for s x s pixels of the full photo and lies at their centre, so what is measured on
samples is told in pixels of the full photo. Samples that reach past the right or lower edge are cut, and so
are bars of one level that both photos of a pair carry: their edges are straight whatever the lens does.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from gpu.coordinates import ImageSize
from gpu.jpeg.codec import Reduction, decode_luma
from gpu.jpeg.header import JpegHeader

Samples = NDArray[np.float32]
Sides = tuple[int, int, int, int]
OfPair = Literal["original", "target"]

_BAR_LEVELS = 6  # grey levels within a line of a bar, at most: what JPEG adds to a flat colour
_BAR_SLACK = 1  # samples by which the bars of a pair's photos may differ
_BESIDE_BAR = 2  # samples beside a bar that its ringing reaches


@dataclass(frozen=True, slots=True, eq=False)
class Luma:
    """Luma samples of one photo, or of a rectangle of it.

    Attributes:
        samples: ``(h, w)`` grey levels, 0 to 255.
        step: Pixels of the full photo from one sample to the next.
        origin: (u, v) in the full photo of the first pixel that the first sample stands for.
    """

    samples: Samples
    step: int
    origin: tuple[int, int] = (0, 0)

    @property
    def first(self) -> NDArray[np.float64]:
        """The place (u, v) of the first sample in the full photo, in pixels."""
        return np.array(self.origin) + (self.step - 1) / 2

    def halved(self) -> "Luma":
        """Average two by two samples; an odd last row or column is left out."""
        height, width = (length // 2 for length in self.samples.shape)
        whole = self.samples[: 2 * height, : 2 * width]
        smaller = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
        return Luma(np.asarray(smaller, np.float32), 2 * self.step, self.origin)

    def without(self, sides: Sides) -> "Luma":
        """Cut this many samples off the left, upper, right and lower side."""
        left, top, right, bottom = sides
        height, width = self.samples.shape
        origin = (self.origin[0] + left * self.step, self.origin[1] + top * self.step)
        return Luma(self.samples[top : height - bottom, left : width - right], self.step, origin)


def read_luma(photo: bytes, header: JpegHeader, *, reduction: Reduction) -> Luma:
    """Decode a JPEG's luma at 1 / ``reduction`` of its size.

    Raises:
        PhotoRejected: The picture data is damaged.
    """
    samples = decode_luma(photo, header, reduction=reduction)
    height, width = header.height // reduction, header.width // reduction
    return Luma(samples[:height, :width].astype(np.float32), reduction)


def common_bars(one: Luma, other: Luma) -> Sides:
    """Give the samples that bars of both photos take, left, top, right and bottom; 0 for no bar."""
    bars = zip(_bars(one.samples), _bars(other.samples), strict=True)
    left, top, right, bottom = (
        max(pair) + _BESIDE_BAR if min(pair) > 0 and max(pair) - min(pair) <= _BAR_SLACK else 0
        for pair in bars
    )
    return left, top, right, bottom


def barred_alone(original: Luma, target: Luma) -> OfPair | None:
    """Name the photo that has a bar on a side where the other has not even a line of one level."""
    for one, other in zip(_bars(original.samples), _bars(target.samples), strict=True):
        if min(one, other) == 0 and max(one, other) > _BAR_SLACK:
            return "original" if one > other else "target"
    return None


def content_size(size: ImageSize, bars: Sides, step: int) -> ImageSize:
    """Give the size in pixels of what the bars leave of a photo."""
    left, top, right, bottom = bars
    return ImageSize(size.width - (left + right) * step, size.height - (top + bottom) * step)


def _bars(samples: Samples) -> Sides:
    rows, columns = (np.flatnonzero(np.ptp(samples, axis=axis) > _BAR_LEVELS) for axis in (1, 0))
    if not (rows.size and columns.size):
        return 0, 0, 0, 0
    height, width = samples.shape
    return int(columns[0]), int(rows[0]), width - 1 - int(columns[-1]), height - 1 - int(rows[-1])

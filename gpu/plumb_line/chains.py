"""Long edge chains of one photo: the evidence that its lens bends what is straight.

Places are told in half diagonals from the photo's centre, u to the right and v down, so that chains of any
scale and any size of photo speak of one curve. Which curve would straighten them is asked elsewhere; here an
edge is only found and measured. The photo's own frame is masked, and so are black or white bars along it:
their straight edges are none of the lens'.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gpu.coordinates import ImageSize
from gpu.curve_space import FRAME
from gpu.plumb_line.edge_places import BINS, EdgeRun, measure_run
from gpu.plumb_line.segments import Array, Samples, find_segments, join, polyline_length

FRAME_SHARE = 0.014  # of the long side, masked along each border
_BLACK, _WHITE = 24, 232  # no level of a black bar is above, none of a white one below, after JPEG
_SMOOTHING = 0.8  # samples; what makes the slope across an edge a single peak
_SHORTEST = 0.12  # half diagonals: 148 px at 2048x1367, over which a strong lens bows an edge by 1 px
_MOST_MEASURED, _MOST_CHAINS = 96, 64
_LOOKED_AT = 1024  # samples along the long side: edges of larger photos are no sharper than that shows
_SMALLEST = 32  # samples along the short side, of what is a photo of anything
_PX = 1.0 / FRAME.half_diagonal  # of 2048x1367, in half diagonals
_ROUGHEST = 0.6 * _PX  # RMS off a smooth line; what wiggles more is no building's edge
_LEAST_SIGMA = 0.05 * _PX  # no place is better known than that, whatever its neighbours say


@dataclass(frozen=True, slots=True, eq=False)
class Chains:
    """Chains of one photo, the longest first.

    Attributes:
        places: (C, J, 2) in half diagonals from the centre, in order along each chain; 0 where not seen.
        seen: (C, J), whether there is a place.
        sigma: (C,) standard deviation of each place across its chain, in half diagonals.
        size: Of the photo.
    """

    places: Array
    seen: NDArray[np.bool_]
    sigma: Array
    size: ImageSize

    @property
    def lengths(self) -> Array:
        """(C,) from the first place to the last, in half diagonals."""
        return np.array([_chord(places[seen]) for places, seen in zip(self.places, self.seen, strict=True)])


def find_chains(luma: Samples, *, frame_share: float = FRAME_SHARE) -> Chains:
    """Find the long smooth edges of a photo, looking at it at about 1024 samples along its long side.

    Args:
        luma: (H, W) grey levels at full size.
        frame_share: Of the long side; edges so near to the border are left out.
    """
    size = ImageSize(luma.shape[1], luma.shape[0])
    step = max(1, round(max(luma.shape) / _LOOKED_AT))
    if size.short_side // step < _SMALLEST:
        return _chosen([], size)
    small = luma if step == 1 else _reduced(luma, step)
    levels = np.asarray(cv2.GaussianBlur(small, (0, 0), _SMOOTHING), np.float32)
    inside = _inside(small, size, step, frame_share)
    long = [
        corners
        for corners in join(find_segments(small))
        if polyline_length(corners) * step >= _SHORTEST * size.half_diagonal
    ]
    measured = (measure_run(levels, corners) for corners in long[:_MOST_MEASURED])
    runs = [_in_half_diagonals(run, size, step, inside) for run in measured if run is not None]
    return _chosen(runs, size)


def _reduced(luma: Samples, step: int) -> Samples:
    height, width = (length // step for length in luma.shape)
    whole = luma[: height * step, : width * step]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _inside(small: Samples, size: ImageSize, step: int, share: float) -> tuple[Array, Array]:
    """Give the corners in half diagonals between which edges count: inside the frame and its bars, if any."""
    margin = share * max(size.width, size.height)
    reach = (np.array([size.width, size.height]) - 1) / 2 - margin
    before = step * np.array([_bar(small.T), _bar(small)])
    after = step * np.array([_bar(small.T[::-1]), _bar(small[::-1])])
    return (before - reach) / size.half_diagonal, (reach - after) / size.half_diagonal


def _bar(levels: Samples) -> int:
    """Count the rows of plain black or white before a picture; 0 where nothing follows them."""
    least, most = levels.min(axis=1), levels.max(axis=1)
    shown = np.flatnonzero((most > _BLACK) & (least < _WHITE))
    return int(shown[0]) if shown.size else 0


def _in_half_diagonals(
    run: EdgeRun, size: ImageSize, step: int, inside: tuple[Array, Array]
) -> tuple[Array, NDArray[np.bool_], float]:
    """Turn samples into half diagonals; sample i stands for the pixels from i * step on."""
    pixels = run.places * step + (step - 1) / 2
    places = (pixels - (np.array([size.width, size.height]) - 1) / 2) / size.half_diagonal
    with np.errstate(invalid="ignore"):
        seen = np.all((places >= inside[0]) & (places <= inside[1]), axis=1)
    return np.where(seen[:, None], places, 0.0), np.asarray(seen), run.roughness * step


def _chosen(runs: list[tuple[Array, NDArray[np.bool_], float]], size: ImageSize) -> Chains:
    kept = [
        run
        for run in runs
        if run[2] <= _ROUGHEST * size.half_diagonal
        and run[1].sum() >= BINS // 2
        and _chord(run[0][run[1]]) >= _SHORTEST
    ]
    kept.sort(key=lambda run: -_chord(run[0][run[1]]))
    kept = kept[:_MOST_CHAINS]
    places = np.array([run[0] for run in kept]).reshape(-1, BINS, 2)
    seen = np.array([run[1] for run in kept], bool).reshape(-1, BINS)
    sigma = np.maximum(np.array([run[2] for run in kept], np.float64) / size.half_diagonal, _LEAST_SIGMA)
    return Chains(places, seen, sigma, size)


def _chord(places: Array) -> float:
    return float(np.hypot(*(places[-1] - places[0]))) if len(places) else 0.0

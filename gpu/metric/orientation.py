"""How the directions of lines and of gradients are distributed, and how much two distributions overlap.

A direction has no sign: angles are modulo 180 degrees, in the first bin from 0 (along u) upwards. A photo
without lines or without gradients has the distribution of all zeros, never NaN.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from gpu.metric.pixels import Pixels
from gpu.metric.profile import MetricProfile

Distribution = NDArray[np.float64]
Wholes = NDArray[np.int64]

_LARGEST_STEP = 1020  # of a 3x3 Sobel on 8 bit: (1 + 2 + 1) * 255
_COLUMNS = 2 * _LARGEST_STEP + 1


def line_distribution(edges: Pixels, profile: MetricProfile) -> Distribution:
    """Bin the directions of straight segments by length, smoothed round the circle, sum 1.

    The search draws edge pixels at random, from OpenCV's own generator with a fixed seed in each call, and
    on one thread: equal edges give equal segments.
    """
    segments = cv2.HoughLinesP(
        edges,
        profile.line_rho,
        np.deg2rad(profile.line_theta),
        profile.line_threshold,
        minLineLength=profile.line_min_length,
        maxLineGap=profile.line_max_gap,
    )
    if segments is None:
        return np.zeros(profile.line_bins)
    ends = segments.astype(np.int64).reshape(-1, 4)
    across, down = ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]
    lengths = direction_histogram(across, down, np.hypot(across, down), profile.line_bins)
    return _normalised(_smoothed(lengths, profile.line_smoothing))


def gradient_distribution(grey: Pixels, profile: MetricProfile) -> Distribution:
    """Bin the directions of gradients by magnitude, the weakest pixels left out, sum 1.

    Pixels as weak as the weakest that stays also stay, so a plain ramp keeps all of its pixels.
    """
    across, down, pixels = _distinct_gradients(grey)
    squares = across * across + down * down
    weakest = _quantile(squares, pixels, profile.gradient_dropped)
    weights = np.where(squares >= weakest, np.sqrt(squares) * pixels, 0.0)
    return _normalised(direction_histogram(across, down, weights, profile.gradient_bins))


def overlap(a: Distribution, b: Distribution) -> float:
    """Give the Bhattacharyya coefficient; 1 where both are empty, 0 where one is.

    Written as 1 minus half the squared distance of the square roots, which is the same for sums of 1, and
    exactly 1 for equal distributions whatever the rounding.
    """
    if not (a.any() and b.any()):
        return float(a.any() == b.any())
    return max(0.0, 1.0 - 0.5 * float(np.square(np.sqrt(a) - np.sqrt(b)).sum()))


def direction_histogram(
    across: NDArray[Any], down: NDArray[Any], weights: Distribution, bins: int
) -> Distribution:
    """Add up the weights of directions in bins over 180 degrees, the first from 0 (along u) upwards."""
    turns = np.arctan2(down, across) / np.pi
    # Whole steps meet a bin's border at 0, 45, 90 and 135 degrees, else they miss it by more than 1e-8 of a
    # bin: rounding puts those four on it, whichever way the library's arctan2 errs in its last digit.
    numbers = np.floor(np.round(turns * bins, 9)).astype(np.intp) % bins
    return np.bincount(numbers, weights, bins).astype(np.float64)


def _distinct_gradients(grey: Pixels) -> tuple[Wholes, Wholes, Wholes]:
    """List the gradients that occur, opposite ones taken together, and how many pixels have each.

    A photo of 2.8 million pixels has some ten thousand of them, so their angles and roots cost little even
    in exact arithmetic. ``cv2.phase`` puts 4 % of a photo's pixels into the neighbouring bin, and
    ``cv2.magnitude`` depends on where the array lies in memory.
    """
    across, down = cv2.spatialGradient(grey)
    # One number for each gradient; the opposite gradient has the opposite number.
    numbers = np.abs(down.astype(np.int64) * _COLUMNS + across)
    pixels = np.bincount(numbers.ravel())
    present = np.flatnonzero(pixels)
    rows, columns = np.divmod(present + _LARGEST_STEP, _COLUMNS)
    return columns - _LARGEST_STEP, rows, pixels[present]


def _quantile(values: Wholes, counts: Wholes, share: float) -> int:
    """Give the value below which at most that share of the counts lies."""
    order = np.argsort(values, kind="stable")
    up_to = np.cumsum(counts[order])
    return int(values[order[np.searchsorted(up_to, int(share * up_to[-1]), side="right")]])


def _smoothed(histogram: Distribution, sigma: float) -> Distribution:
    bins = np.arange(histogram.size)
    apart = np.abs(bins[:, None] - bins)
    kernel = np.exp(-0.5 * np.square(np.minimum(apart, histogram.size - apart) / sigma))
    return np.asarray((kernel * histogram).sum(axis=1))


def _normalised(histogram: Distribution) -> Distribution:
    total = histogram.sum()
    return np.asarray(histogram / total) if total else histogram

"""The runbook's three ways to tell how far a photo is from its target, for searches only.

    mae                the mean difference alone: what the first grid and the micro-grid looked at
    legacy             Canny 80/160, exact F1; HoughP, 18 bins, half L1; Sobel, 36 bins, 1 - cosine
    competition_lite   the same distances over: Canny 50/150, 80/160 and 110/220 together; LSD segments;
                       Scharr above its 60th percentile

They are **proxies**, kept as they were to repeat the user's tables; the judge's metric is ``gpu.metric``. The
runbook names no threshold of its HoughP, so the judge's are taken, at the reduced size.
"""

from dataclasses import astuple, dataclass
from math import fsum
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from gpu.metric.orientation import Distribution, direction_histogram
from gpu.metric.pixels import FULL_SCALE, LocalMoments, local_moments, structural_similarity
from gpu.metric.profile import PROFILES
from gpu.search.pair import Grey

ProfileName = Literal["mae", "legacy", "competition_lite"]

_JUDGE = PROFILES["portal"]
_LINE_BINS, _GRADIENT_BINS = 18, 36
_SCHARR_PERCENTILE = 60.0
_SHARES = (0.40, 0.22, 0.18, 0.15, 0.05)
_WARP_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Distances:
    """How far a photo is from its target, five ways, 0 for the target itself.

    Attributes:
        edge: 1 - F1 of edge pixels, exact to the pixel.
        line: Half the L1 distance of line directions, 0..1.
        gradient: 1 - cosine of gradient directions, 0..1.
        ssim: 1 - SSIM, 0..2.
        pixel: Mean absolute difference, 0..1.
    """

    edge: float
    line: float
    gradient: float
    ssim: float
    pixel: float

    def loss(self, profile: ProfileName, *, warp: float) -> float:
        """Weigh the distances, and the strength of the warp (0..1), as the profile does."""
        if profile == "mae":
            return self.pixel
        products = (share * part for share, part in zip(_SHARES, astuple(self), strict=True))
        return fsum((*products, _WARP_SHARE * warp))


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """All that a profile compares of one photo; ``mae`` needs the grey levels only."""

    grey: Grey
    edges: NDArray[np.bool_]
    lines: Distribution
    gradients: Distribution
    moments: LocalMoments


def features(grey: Grey, profile: ProfileName) -> Features:
    """Measure a photo (H, W) once, for any number of comparisons; not for ``mae``."""
    if profile == "legacy":
        edges = _edges(grey, 80, 160)
        lines, gradients = _hough_segments(edges), _sobel_directions(grey)
    else:
        edges = _edges(grey, 50, 150) | _edges(grey, 80, 160) | _edges(grey, 110, 220)
        lines, gradients = _lsd_segments(grey), _scharr_directions(grey)
    return Features(
        grey=grey,
        edges=edges.astype(np.bool_),
        lines=_line_directions(lines),
        gradients=gradients,
        moments=local_moments(grey, _JUDGE),
    )


def distances(photo: Features, target: Features) -> Distances:
    """Compare two photos measured under one profile."""
    return Distances(
        edge=1.0 - _f1(photo.edges, target.edges),
        line=_half_l1(photo.lines, target.lines),
        gradient=_cosine_distance(photo.gradients, target.gradients),
        ssim=1.0 - structural_similarity(photo.moments, target.moments, profile=_JUDGE),
        pixel=pixel_distance(photo.grey, target.grey),
    )


def pixel_distance(photo: Grey, target: Grey) -> float:
    """Mean absolute difference of grey levels, 0..1."""
    return float(cv2.absdiff(photo, target).sum(dtype=np.int64)) / (photo.size * FULL_SCALE)


def _edges(grey: Grey, low: int, high: int) -> Grey:
    return np.asarray(cv2.Canny(grey, low, high), np.uint8)


def _f1(photo: NDArray[np.bool_], target: NDArray[np.bool_]) -> float:
    """Give the F1 of edges that lie on the same pixel; without any edge on both sides 1."""
    edges = np.count_nonzero(photo) + np.count_nonzero(target)
    return 2.0 * np.count_nonzero(photo & target) / edges if edges else 1.0


def _half_l1(photo: Distribution, target: Distribution) -> float:
    if not (photo.any() and target.any()):
        return float(photo.any() != target.any())
    return 0.5 * float(np.abs(photo / photo.sum() - target / target.sum()).sum())


def _cosine_distance(photo: Distribution, target: Distribution) -> float:
    if not (photo.any() and target.any()):
        return float(photo.any() != target.any())
    # sums in place of BLAS products, whose last digit may depend on where an array lies
    lengths = np.sqrt(np.square(photo).sum() * np.square(target).sum())
    return max(0.0, 1.0 - float((photo * target).sum() / lengths))


def _hough_segments(edges: NDArray[Any]) -> NDArray[Any] | None:
    segments: NDArray[Any] | None = cv2.HoughLinesP(
        edges,
        _JUDGE.line_rho,
        np.deg2rad(_JUDGE.line_theta),
        _JUDGE.line_threshold,
        minLineLength=_JUDGE.line_min_length,
        maxLineGap=_JUDGE.line_max_gap,
    )
    return segments


def _lsd_segments(grey: Grey) -> NDArray[Any] | None:
    segments: NDArray[Any] | None = cv2.createLineSegmentDetector().detect(grey)[0]
    return segments


def _line_directions(segments: NDArray[Any] | None) -> Distribution:
    """Bin the directions of segments by their length in pixels."""
    if segments is None:
        return np.zeros(_LINE_BINS)
    ends = segments.reshape(-1, 4).astype(np.float64)
    across, down = ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]
    return direction_histogram(across, down, np.hypot(across, down), _LINE_BINS)


def _sobel_directions(grey: Grey) -> Distribution:
    across, down = cv2.spatialGradient(grey)
    return _directions(across.astype(np.int64), down.astype(np.int64), above=0.0)


def _scharr_directions(grey: Grey) -> Distribution:
    across, down = (cv2.Scharr(grey, cv2.CV_16S, *axis).astype(np.int64) for axis in ((1, 0), (0, 1)))
    weakest = float(np.percentile(across * across + down * down, _SCHARR_PERCENTILE))
    return _directions(across, down, above=weakest)


def _directions(across: NDArray[np.int64], down: NDArray[np.int64], *, above: float) -> Distribution:
    """Bin the directions of gradients whose square is above a limit, by magnitude."""
    squares = across * across + down * down
    kept = squares > above
    return direction_histogram(across[kept], down[kept], np.sqrt(squares[kept]), _GRADIENT_BINS)

"""Straight pieces of edges and how they join: the coarse half of finding chains.

A line detector breaks a bowed edge into straight pieces, and an edge that something stands in front of into
more. Pieces that go on from one another are joined here into polylines; where exactly the edge runs is
measured afterwards, in ``edge_places``. Nothing here judges whether an edge is straight in the world.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Samples = NDArray[np.uint8]

_DETECTOR_SCALE = 0.8  # the detector's own smoothing, which its false-alarm rule was made for
_LEVEL_ERROR = 1.0  # grey levels; the detector's usual 2 misses where a white wall meets a white ceiling
_SHORTEST = 10.0  # samples; shorter pieces are texture
_MOST_SEGMENTS = 500  # the longest; joining compares each with each
_WIDEST_TURN = np.deg2rad(5.0)  # a strong lens turns an edge by 1 degree over 100 px near the corner
_OVERLAP = 4.0  # samples by which the next piece may begin before this one ends
_WIDEST_GAP = 80.0  # samples
_GAP_SHARE = 0.7  # of the shorter piece: what bridges a gap must be longer than the gap
_ASIDE = 1.2  # samples beside each other's lines, and
_ASIDE_PER_GAP = 0.02  # so much more for each sample of gap


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Straight pieces of edges, darker side always on the same hand.

    Attributes:
        starts: (N, 2) places (u, v) in samples.
        ends: (N, 2), likewise.
    """

    starts: Array
    ends: Array

    @property
    def lengths(self) -> Array:
        """(N,) in samples."""
        return np.asarray(np.hypot(*(self.ends - self.starts).T))


def find_segments(grey: Samples) -> Segments:
    """Find the straight pieces of a grey picture, the longest first, 500 at most."""
    detector = cv2.createLineSegmentDetector(cv2.LSD_REFINE_NONE, scale=_DETECTOR_SCALE, quant=_LEVEL_ERROR)
    found = detector.detect(grey)[0]
    lines = np.zeros((0, 4)) if found is None else np.asarray(found, np.float64).reshape(-1, 4)
    segments = Segments(lines[:, :2], lines[:, 2:])
    longest = np.argsort(-segments.lengths, kind="stable")[:_MOST_SEGMENTS]
    kept = longest[segments.lengths[longest] >= _SHORTEST]
    return Segments(segments.starts[kept], segments.ends[kept])


def join(segments: Segments) -> tuple[Array, ...]:
    """Join pieces that continue one another into polylines, (2 n, 2) corners each, the longest first.

    A piece goes on in the one that fits best, if that one in turn fits nothing before it better.
    """
    if not len(segments.starts):
        return ()
    misfit = _misfits(segments)
    following, preceding = misfit.argmin(axis=1), misfit.argmin(axis=0)
    pieces = np.arange(len(following))
    mutual = np.isfinite(misfit[pieces, following]) & (preceding[following] == pieces)
    successor = np.where(mutual, following, -1)
    paths = _paths(successor)
    corners = np.stack([segments.starts, segments.ends], axis=1)
    polylines = [corners[path].reshape(-1, 2) for path in paths]
    return tuple(sorted(polylines, key=polyline_length, reverse=True))


def _misfits(segments: Segments) -> Array:
    """Give (N, N) how badly piece j goes on from piece i, infinity where it does not.

    Pieces keep their dark side on one hand, so the end of one always meets the start of the next.
    """
    lengths = segments.lengths
    along = (segments.ends - segments.starts) / lengths[:, None]
    steps = segments.starts[None] - segments.ends[:, None]
    ahead = np.einsum("ijk,ik->ij", steps, along)
    aside_here = np.abs(steps[..., 0] * along[:, None, 1] - steps[..., 1] * along[:, None, 0])
    aside_there = np.abs(steps[..., 0] * along[None, :, 1] - steps[..., 1] * along[None, :, 0])
    aside = np.maximum(aside_here, aside_there)
    shorter = np.minimum(lengths[:, None], lengths[None])
    fits = (
        (along @ along.T > np.cos(_WIDEST_TURN))
        & (ahead > -_OVERLAP)
        & (ahead < np.minimum(_WIDEST_GAP, _GAP_SHARE * shorter + _OVERLAP))
        & (aside < _ASIDE + _ASIDE_PER_GAP * np.abs(ahead))
    )
    np.fill_diagonal(fits, val=False)
    return np.where(fits, np.abs(ahead) + 5.0 * aside, np.inf)


def _paths(successor: NDArray[np.intp]) -> list[list[int]]:
    """Follow each path from a piece that continues none; a closed ring has no such piece and is left out."""
    begins = np.setdiff1d(np.arange(len(successor)), successor)
    paths = []
    for begin in begins:
        path = [int(begin)]
        while (following := int(successor[path[-1]])) >= 0:
            path.append(following)
        paths.append(path)
    return paths


def polyline_length(corners: Array) -> float:
    """Give the length of a polyline in samples."""
    return float(np.hypot(*np.diff(corners, axis=0).T).sum())

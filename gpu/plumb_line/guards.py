"""Looks at a curve through a photo's own lines: what speaks against it.

Works with any centred lens curve, wherever it comes from. It decides nothing: a caller that meets an
objection takes another curve.
"""

from collections.abc import Sequence

import numpy as np

from gpu.coordinates import ImageSize
from gpu.curve_space import FRAME
from gpu.errors import LensModelError
from gpu.lens_curve import LensCurve
from gpu.plumb_line.chains import Chains
from gpu.plumb_line.estimate import FoundCurve
from gpu.plumb_line.shape import Array, frame_rms_px

IDENTITY = LensCurve((1.0,))
_LONG = 0.3  # half diagonals: 370 px at 2048x1367; shorter chains hardly bend
_MOST_LINES = 24
_FEWEST = 3
_SLACK = 0.05 / FRAME.half_diagonal  # half diagonals by which a typical line may seem less straight

Lines = Sequence[Array]
"""Each (n, 2) places in half diagonals from the centre, in order along the line."""


def long_lines(chains: Chains) -> tuple[Array, ...]:
    """Take the longest chains, 24 at most, of those that are long enough to show a bow."""
    long = np.flatnonzero(chains.lengths >= _LONG)[:_MOST_LINES]
    return tuple(chains.places[number][chains.seen[number]] for number in long)


def objection(curve: LensCurve, lines: Lines, size: ImageSize) -> str | None:
    """Say in one sentence what speaks against a curve for this photo, None if nothing does."""
    try:
        curve.check_monotone(size)
    except LensModelError as error:
        return str(error)
    if len(lines) < _FEWEST:
        return None
    before, after = (float(np.median(bows_px(each, lines, size))) for each in (IDENTITY, curve))
    if after <= before + _SLACK * size.half_diagonal:
        return None
    return (
        f"{len(lines)} long lines are typically {after:.2f} px off a straight line under the curve and "
        f"{before:.2f} px without it; a curve must not bend what is straight"
    )


def disagreement(curve: LensCurve, alone: Sequence[FoundCurve], size: ImageSize) -> str | None:
    """Say so where most photos of a listing, each by its own lines, contradict the curve that they share.

    Args:
        curve: For all of them.
        alone: What each tells by itself, for photos of the same size.
        size: Of the photos.
    """
    astray = sum(frame_rms_px(curve, each.curve, size) > each.bound_px for each in alone)
    if 2 * astray <= len(alone):
        return None
    return (
        f"{astray} of {len(alone)} photos that seem to share it tell of other curves, each beyond its own "
        "90 % bound"
    )


def bows_px(curve: LensCurve, lines: Lines, size: ImageSize) -> Array:
    """Give (N,) the RMS distance of each line from its own straight line once corrected, in pixels.

    Infinite where the curve does not reach all of a line.
    """
    return np.array([off_line(_corrected(curve, line)) for line in lines]) * size.half_diagonal


def _corrected(curve: LensCurve, line: Array) -> Array:
    """Give where a line's places lie in the corrected photo, NaN where nowhere."""
    radii = np.hypot(*line.T)
    return np.asarray(line * (curve.invert(radii).radii / np.maximum(radii, 1e-9))[:, None])


def off_line(places: Array) -> float:
    """Give the RMS distance of places, (J, 2) with J of 1 or more, from the line that fits them best.

    In their own unit; infinite where one of them is nowhere.
    """
    if not np.isfinite(places).all():
        return float("inf")
    centred = places - places.mean(axis=0)
    return float(np.linalg.svd(centred, compute_uv=False)[-1] / np.sqrt(len(places)))

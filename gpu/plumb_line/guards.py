"""Looks at a curve through a photo's own chains: what speaks against it, and what a report draws of it.

Works with any centred lens curve, wherever it comes from. It decides nothing: a caller that meets an
objection takes another curve.
"""

from dataclasses import dataclass

import numpy as np

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.lens_curve import LensCurve
from gpu.plumb_line.chains import Chains
from gpu.plumb_line.shape import Array

IDENTITY = LensCurve((1.0,))
_LONG = 0.3  # half diagonals: 370 px at 2048x1367; shorter chains hardly bend
_FEWEST = 3
_SLACK_PX = 0.05  # by which the typical long chain may seem less straight; that much is noise


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """One chain twice, as polylines in pixels of the photo, first pixel centre at (0, 0).

    Attributes:
        before: (n, 2) in the original.
        after: (n, 2) in the corrected photo; parts of it may lie outside, where zoom cut them off.
    """

    before: Array
    after: Array


def objections(curve: LensCurve, chains: Chains) -> tuple[str, ...]:
    """Say in one sentence each what speaks against a curve for this photo; nothing if all is well."""
    try:
        curve.check_monotone(chains.size)
    except LensModelError as error:
        return (str(error),)
    long = chains.lengths >= _LONG
    if long.sum() < _FEWEST:
        return ()
    before, after = (_typical(bows_px(each, chains)[long]) for each in (IDENTITY, curve))
    if after <= before + _SLACK_PX:
        return ()
    return (
        f"{long.sum()} long chains are typically {after:.2f} px off a straight line under the curve and "
        f"{before:.2f} px without it; a curve must not bend what is straight",
    )


def bows_px(curve: LensCurve, chains: Chains) -> Array:
    """Give (C,) the RMS distance of each chain from its own straight line once corrected, in pixels.

    Infinite where the curve does not reach all of a chain.
    """
    return np.array([_off_line(places) for places in _corrected(curve, chains)]) * chains.size.half_diagonal


def overlay(curve: LensCurve, chains: Chains) -> tuple[Overlay, ...]:
    """Give the chains before and after the correction; those that the curve does not reach are left out."""
    before = [places[seen] for places, seen in zip(chains.places, chains.seen, strict=True)]
    return tuple(
        Overlay(_pixels(taken, chains.size), _pixels(corrected, chains.size))
        for taken, corrected in zip(before, _corrected(curve, chains), strict=True)
        if np.isfinite(corrected).all()
    )


def _corrected(curve: LensCurve, chains: Chains) -> list[Array]:
    """Give where the seen places of each chain lie in the corrected photo, NaN where nowhere."""
    corrected = []
    for places, seen in zip(chains.places, chains.seen, strict=True):
        radii = np.hypot(*places[seen].T)
        inversion = curve.invert(radii)
        corrected.append(places[seen] * (inversion.radii / np.maximum(radii, 1e-9))[:, None])
    return corrected


def _off_line(places: Array) -> float:
    """The lesser eigenvalue of the places' covariance is the mean square distance from the best line."""
    if not np.isfinite(places).all():
        return float("inf")
    least = float(np.linalg.eigvalsh(np.cov(places.T, bias=True))[0])
    return float(np.sqrt(max(least, 0.0)))


def _typical(bows: Array) -> float:
    return float(np.median(bows))


def _pixels(places: Array, size: ImageSize) -> Array:
    return np.asarray(places * size.half_diagonal + (np.array([size.width, size.height]) - 1) / 2)

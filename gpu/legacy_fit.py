"""The legacy (k1, k2, alpha) nearest to lens curves: what a method that speaks no curve can make of them.

The legacy warp has its own zoom and stretches x against y, so warps are compared as they render, place by
place over the frame. What is left is told: it is what a method loses by its form. An alpha at which the
best pair would show more border than a search allows is passed over.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.legacy import legacy_radial_map
from gpu.lens_curve import LensCurve
from gpu.pair_fit.model import Array
from gpu.radial_map import RadialMap
from gpu.search.candidate import Candidate, geometry

_DECIMALS = 4  # moves no place of a photo of 2048 px by more than 0.05 px
_NODES, _SHARES = np.polynomial.legendre.leggauss(12)  # means over the frame are exact for smooth warps
# Off the ridge near k2 = -2 k1 the legacy map stretches by many pixels, so there are valleys to be misled by.
_STARTS = [(k1, k2) for k1 in np.linspace(-0.4, 0.2, 13) for k2 in np.linspace(-0.5, 1.0, 16)]
_FIRST_STEPS = np.array([[0.0, 0.0], [0.02, 0.0], [0.0, 0.04]])
_FAR_PX = 1e6  # of a pair that has no map
_REDUCTION = 4  # of the frame in which border is counted, as the searches do
AT_ZERO = (0.0,)
"""The one alpha that shows no border, whatever the pair."""


@dataclass(frozen=True, slots=True)
class LegacyFit:
    """The best coefficients and the RMS distance over the frame, in pixels, to the nearest curve."""

    k1: float
    k2: float
    residual_px: float
    alpha: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """Where curves read the original at the nodes of a frame of this size, and what the nodes weigh."""

    size: ImageSize
    places: Array
    shares: Array
    curves: Array

    @classmethod
    def of(cls, curves: Sequence[LensCurve], size: ImageSize) -> "_Wanted":
        u, v = np.meshgrid(0.5 * (_NODES + 1.0) * size.width - 0.5, 0.5 * (_NODES + 1.0) * size.height - 0.5)
        places, shares = np.stack([u.ravel(), v.ravel()]), 0.25 * np.outer(_SHARES, _SHARES).ravel()
        return cls(
            size,
            places,
            shares,
            np.stack([source_places(curve.radial_map(size), places) for curve in curves]),
        )

    def distances(self, pair: Array, alpha: float) -> Array:
        """Give the RMS distance of a pair's map from each curve, in pixels."""
        try:
            mapping = legacy_radial_map(float(pair[0]), float(pair[1]), alpha, self.size)
        except LensModelError:
            return np.full(len(self.curves), _FAR_PX)
        apart = np.square(source_places(mapping, self.places) - self.curves).sum(axis=1)
        return np.asarray(np.sqrt(apart @ self.shares))


def nearest_legacy(curve: LensCurve, size: ImageSize, *, alphas: Sequence[float] = AT_ZERO) -> LegacyFit:
    """Search the coefficients whose legacy map is nearest to the curve's over a frame of this size.

    Raises:
        LensModelError: None have a map at this size that shows no border.
    """
    return _best([curve], size, loss=lambda distances: float(distances[0]), alphas=alphas)


def middle_legacy(
    curves: Sequence[LensCurve], weights: Array, size: ImageSize, *, alphas: Sequence[float] = AT_ZERO
) -> LegacyFit:
    """Search the coefficients with the least mean distance to curves of these weights.

    The pair that would score best is no better a choice: few curves have a legacy form, and whichever of them
    lies among a hundred listings takes it (mean error 5.5 instead of 5.0 px on 101 rendered photos).

    Raises:
        LensModelError: None have a map at this size that shows no border.
    """
    return _best(curves, size, loss=lambda distances: float(weights @ distances), alphas=alphas)


def source_places(mapping: RadialMap, places: Array) -> Array:
    """Give where a map reads for places (2, N) of the corrected photo, in pixels."""
    middle, unit, source_middle, source_unit = (
        np.array(pair)[:, None]
        for pair in (mapping.out_centre, mapping.out_scale, mapping.src_centre, mapping.src_scale)
    )
    p = (places - middle) / unit
    growth = np.polynomial.polynomial.polyval(np.hypot(*p), mapping.factors)
    return np.asarray(source_middle + source_unit * p * growth)


def _best(
    curves: Sequence[LensCurve],
    size: ImageSize,
    *,
    loss: Callable[[Array], float],
    alphas: Sequence[float],
) -> LegacyFit:
    wanted = _Wanted.of(curves, size)
    found = [
        (loss(wanted.distances(pair, alpha)), alpha, pair)
        for alpha in alphas
        if _is_valid(pair := _descended(wanted, loss, alpha), alpha, size)
    ]
    if not found:
        shown = ", ".join(f"{alpha:g}" for alpha in alphas)
        raise LensModelError(f"no legacy (k1, k2) has a map at {size} without border, alpha {shown}")
    _, alpha, pair = min(found, key=lambda one: one[:2])
    return LegacyFit(float(pair[0]), float(pair[1]), float(wanted.distances(pair, alpha).min()), alpha)


def _descended(wanted: _Wanted, loss: Callable[[Array], float], alpha: float) -> Array:
    """Give the best pair at one alpha."""

    def of(pair: Array) -> float:
        return loss(wanted.distances(pair, alpha))

    start = min(map(np.array, _STARTS), key=of)
    found = minimize(
        of,
        start,
        method="Nelder-Mead",
        options={"initial_simplex": start + _FIRST_STEPS, "xatol": 1e-5, "fatol": 1e-6, "maxiter": 400},
    )
    return np.asarray(np.round(found.x, _DECIMALS) + 0.0)


def _is_valid(pair: Array, alpha: float, size: ImageSize) -> bool:
    found = geometry(Candidate.rounded(pair[0], pair[1], alpha), size, reduction=_REDUCTION)
    return found is not None and found.valid

"""The legacy (k1, k2) nearest to lens curves: what a method that speaks no curve can make of them.

The legacy warp has its own zoom and stretches x against y, so warps are compared as they render, place by
place over the frame, at alpha 0. What is left is told: it is what a method loses by its form.
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

_DECIMALS = 4  # moves no place of a photo of 2048 px by more than 0.05 px
_NODES, _SHARES = np.polynomial.legendre.leggauss(12)  # means over the frame are exact for smooth warps
# Off the ridge near k2 = -2 k1 the legacy map stretches by many pixels, so there are valleys to be misled by.
_STARTS = [(k1, k2) for k1 in np.linspace(-0.4, 0.2, 13) for k2 in np.linspace(-0.5, 1.0, 16)]
_FIRST_STEPS = np.array([[0.0, 0.0], [0.02, 0.0], [0.0, 0.04]])
_FAR_PX = 1e6  # of a pair that has no map


@dataclass(frozen=True, slots=True)
class LegacyFit:
    """The best pair and the RMS distance over the frame, in pixels, that it leaves to the nearest curve."""

    k1: float
    k2: float
    residual_px: float


def nearest_legacy(curve: LensCurve, size: ImageSize) -> LegacyFit:
    """Search the pair whose legacy map is nearest to the curve's over a frame of this size.

    Raises:
        LensModelError: No pair has a map at this size.
    """
    return _best([curve], size, loss=lambda distances: float(distances[0]))


def middle_legacy(curves: Sequence[LensCurve], weights: Array, size: ImageSize) -> LegacyFit:
    """Search the pair with the least mean distance to curves of these weights.

    The pair that would score best is no better a choice: few curves have a legacy form, and whichever of them
    lies among a hundred listings takes it (mean error 5.5 instead of 5.0 px on 101 rendered photos).

    Raises:
        LensModelError: No pair has a map at this size.
    """
    return _best(curves, size, loss=lambda distances: float(weights @ distances))


def source_places(mapping: RadialMap, places: Array) -> Array:
    """Give where a map reads for places (2, N) of the corrected photo, in pixels."""
    middle, unit, source_middle, source_unit = (
        np.array(pair)[:, None]
        for pair in (mapping.out_centre, mapping.out_scale, mapping.src_centre, mapping.src_scale)
    )
    p = (places - middle) / unit
    growth = np.polynomial.polynomial.polyval(np.hypot(*p), mapping.factors)
    return np.asarray(source_middle + source_unit * p * growth)


def _best(curves: Sequence[LensCurve], size: ImageSize, *, loss: Callable[[Array], float]) -> LegacyFit:
    u, v = np.meshgrid(0.5 * (_NODES + 1.0) * size.width - 0.5, 0.5 * (_NODES + 1.0) * size.height - 0.5)
    places, shares = np.stack([u.ravel(), v.ravel()]), 0.25 * np.outer(_SHARES, _SHARES).ravel()
    wanted = np.stack([source_places(curve.radial_map(size), places) for curve in curves])

    def distances(pair: Array) -> Array:
        try:
            found = source_places(legacy_radial_map(float(pair[0]), float(pair[1]), 0.0, size), places)
        except LensModelError:
            return np.full(len(wanted), _FAR_PX)
        return np.asarray(np.sqrt(np.square(found - wanted).sum(axis=1) @ shares))

    start = np.array(min(_STARTS, key=lambda pair: loss(distances(np.array(pair)))))
    found = minimize(
        lambda pair: loss(distances(pair)),
        start,
        method="Nelder-Mead",
        options={"initial_simplex": start + _FIRST_STEPS, "xatol": 1e-5, "fatol": 1e-6, "maxiter": 400},
    )
    k1, k2 = (float(value) + 0.0 for value in np.round(found.x, _DECIMALS))
    residual = float(distances(np.array([k1, k2])).min())
    if residual >= _FAR_PX:
        raise LensModelError(f"no legacy (k1, k2) has a map at {size}")
    return LegacyFit(k1, k2, residual)

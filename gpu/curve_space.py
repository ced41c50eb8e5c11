"""Lens curves as points whose distance is the RMS displacement between them, in pixels.

A curve is linear in its factors p, so averaged over a frame ``mean |src' - src|^2 = (p' - p)^T M (p' - p)``
(see ``gpu.pair_fit.model``). With ``M = L L^T`` the points ``y = L^T p`` lie as far apart as the warps do,
and means, medians and clusters of curves are those of points. Pixels are those of ``FRAME``. Centre shifts
and powers above r^4 are refused; no known lens needs them.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.lens_curve import LensCurve
from gpu.pair_fit.model import Array, WarpModel

FRAME: Final = ImageSize(2048, 1367)
"""The commonest size of the training set."""
POWERS: Final = (0, 1, 2, 3, 4)
"""Lensfun's models and the runbook's (k1, k2) need no others."""


def points_of(curves: Sequence[LensCurve]) -> Array:
    """Give the point of each curve: ``(N, 5)``, in pixels.

    Raises:
        LensModelError: A curve has a centre shift, or a power above r^4.
    """
    factors = np.zeros((len(curves), len(POWERS)))
    for row, curve in zip(factors, curves, strict=True):
        if any(curve.centre_shift) or any(curve.factors[len(POWERS) :]):
            raise LensModelError(f"only centred curves up to r^4 can be compared, got {curve!r}")
        row[: len(curve.factors)] = curve.factors[: len(POWERS)]
    return np.asarray(factors @ _root())


def curve_at(point: Array) -> LensCurve:
    """Give the curve of a point."""
    return LensCurve(tuple(map(float, np.linalg.solve(_root().T, point))))


def distance_px(one: LensCurve, other: LensCurve, size: ImageSize) -> float:
    """Give the RMS distance over a frame of this size, in its pixels, of the places two curves read."""
    first, second = points_of([one, other])
    return float(np.linalg.norm(first - second)) * size.half_diagonal / FRAME.half_diagonal


@lru_cache(maxsize=1)
def _root() -> Array:
    metric = WarpModel(FRAME, POWERS).frame_metric()[: len(POWERS), : len(POWERS)]
    return np.asarray(np.linalg.cholesky(metric), np.float64)

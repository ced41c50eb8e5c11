"""Gauss-Newton with robust weights on one level of the pyramid; and the equations at its end.

Each step solves ``J^T W J dp = -J^T W e`` for the residuals ``e = O(src(x)) - T(x)``. J takes the gradient
of T in place of that of O at src: the two differ by the local scale of the warp, a few per cent, so the rows
are computed once a level and the steps still shrink twentyfold; where they end, ``J^T W e = 0``, is the same.
"""

from dataclasses import dataclass

import numpy as np

from gpu.pair_fit.model import Array, WarpModel, frame_rms
from gpu.pair_fit.texture import Points, Texture, correlation

_TUKEY = 4.685  # of the residuals' spread: 95 % efficient where errors are normal
_MAD = 1.4826  # spread of normal errors over their median absolute value
# Texture. Where most of a photo is bare the median tells its noise, and without a floor every real edge would
# be an outlier: on two sets of 120 generated pairs 0.05 leaves 0.90 px RMS at worst, 0.1 0.33, 0.2 0.23.
_LEAST_SPREAD = 0.2
_MOST_STEPS = 12
_SMALL_STEP = 0.02  # samples RMS over the frame: the next step would be twentyfold smaller


@dataclass(frozen=True, slots=True, eq=False)
class Equations:
    """One level's equations at one warp.

    Attributes:
        rows: J, ``(N, K)``: texture per unit of the parameters.
        residuals: e, ``(N,)`` texture.
        weights: 0 to 1, ``(N,)``; 0 for what lies outside or does not fit at all.
        correlation: Of the two textures, over the points inside.
    """

    rows: Array
    residuals: Array
    weights: Array
    correlation: float

    @property
    def rms_residual(self) -> float:
        """Weighted RMS of the residuals, in texture."""
        total = max(float(self.weights.sum()), 1e-9)
        return float(np.sqrt(self.weights @ (self.residuals * self.residuals) / total))

    @property
    def matrix(self) -> Array:
        """``J^T W J``."""
        return np.asarray(self.rows.T @ (self.rows * self.weights[:, None]))

    @property
    def vector(self) -> Array:
        """``-J^T W e``."""
        return np.asarray(-(self.rows.T @ (self.weights * self.residuals)))


@dataclass(frozen=True, slots=True, eq=False)
class Descent:
    """Where the iteration ended.

    Attributes:
        parameters: Of the warp.
        steps: How many were taken.
        last_step: RMS over the frame in pixels.
        converged: Whether the last step was small.
        equations: Those that gave the last step.
    """

    parameters: Array
    steps: int
    last_step: float
    converged: bool
    equations: Equations


def descend(model: WarpModel, points: Points, original: Texture, start: Array) -> Descent:
    """Iterate until a step is small or the steps are used up."""
    fields, metric = model.fields(points.places), model.frame_metric()
    rows = points.gradient[:, :1] * fields[0] + points.gradient[:, 1:] * fields[1]
    parameters, steps, last_step, converged = start, 0, np.inf, False
    while not converged and steps < _MOST_STEPS:
        equations = _linearise(rows, model.source(fields, parameters), points, original)
        step = np.asarray(np.linalg.lstsq(equations.matrix, equations.vector, rcond=None)[0], np.float64)
        parameters, steps, last_step = parameters + step, steps + 1, frame_rms(metric, step)
        converged = last_step <= _SMALL_STEP * original.step
    return Descent(parameters, steps, last_step, converged, equations)


def _linearise(rows: Array, source: Array, points: Points, original: Texture) -> Equations:
    read, inside = original.read(source)
    seen, wanted = read[inside], points.values[inside]
    residuals = (read - points.values).astype(np.float64)
    spread = max(_MAD * float(np.median(np.abs(seen - wanted))), _LEAST_SPREAD) if seen.size else 1.0
    ratio = np.minimum(np.abs(residuals) / (_TUKEY * spread), 1.0)
    weights = np.where(inside, (1.0 - ratio * ratio) ** 2, 0.0)
    return Equations(rows, residuals, weights, correlation(seen, wanted))

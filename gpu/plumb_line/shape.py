"""The curves that lines can tell apart: shape without zoom, and its exact way to the lens curve.

    src = y f(|y|),  f(r) = 1 + a1 r^n1 + a2 r^n2 + a3 r^n3,  y = z x

x is a place in the corrected photo, src in the original, both from the centre in half diagonals; z is the
isotropic zoom. Straight lines in y are straight in x, so chains tell theta = (a1, a2, a3) and never z: that
is why r is measured in y. Written in |x| the coefficients are ``ai z^ni``, and depend on z.

Undistorting a chain's places needs y of src: Newton's steps on ``g(r) = r f(r) = s``. Holding s,

    d r / d ai = -r^(ni + 1) / g'(r)

Functions take one theta (3,) or a stack of them (..., 3) against the same radii.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve

Array = NDArray[np.float64]
Powers = tuple[int, int, int]

EVEN_POWERS: Powers = (2, 4, 6)
_NEWTON_STEPS = 4  # from a bow of a tenth of the radius to 1e-9
_LEAST_SLOPE = 0.15  # a real lens keeps 0.5; below this a step would leap over the fold
_CELLS = 40


def to_lens_curve(theta: ArrayLike, zoom: float, powers: Powers) -> LensCurve:
    """Write a shape and its zoom as a lens curve, exactly."""
    factors = [1.0] + [0.0] * max(powers)
    for power, coefficient in zip(powers, np.asarray(theta, np.float64), strict=True):
        factors[power] = float(coefficient)
    return LensCurve(tuple(factors)).zoomed(1.0 / zoom)


def from_lens_curve(curve: LensCurve, size: ImageSize, powers: Powers) -> tuple[Array, float]:
    """Give shape and zoom of the curve nearest to a lens curve, by RMS displacement over the frame.

    Exact where the curve's own powers are among ``powers``; its centre shift is not looked at. The fit is
    linear: ``src = x (z + b1 |x|^n1 + ...)`` with ``bi = ai z^(ni + 1)``.
    """
    x = frame_radii(size)
    wanted = curve.distort(x)
    basis = np.stack([x, *(x ** (power + 1) for power in powers)], axis=1)
    zoom, *rest = np.linalg.lstsq(basis, wanted, rcond=None)[0]
    theta = [b / zoom ** (power + 1) for b, power in zip(rest, powers, strict=True)]
    return np.array(theta), float(zoom)


def frame_radii(size: ImageSize) -> Array:
    """Give the radii in half diagonals of an even grid over a quarter of the frame: (1600,)."""
    cells = (np.arange(_CELLS) + 0.5) / _CELLS
    u, v = np.meshgrid(cells * size.width / 2, cells * size.height / 2)
    return np.asarray(np.hypot(u, v).ravel() / size.half_diagonal)


def frame_rms_px(one: LensCurve, other: LensCurve, size: ImageSize) -> float:
    """Give the RMS distance over the frame, in pixels, of the places that two centred curves read."""
    x = frame_radii(size)
    return float(np.sqrt(np.mean(np.square(one.distort(x) - other.distort(x))))) * size.half_diagonal


def shape_metric(size: ImageSize, powers: Powers) -> Array:
    """Give M, (3, 3) in square pixels: mean square displacement by a small shape, zoom left free.

    The best zoom takes from each field ``|x|^(n + 1)`` its part along ``|x|``.
    """
    x = frame_radii(size)
    fields = np.stack([x * term for term in raised(x, powers)], axis=1) * size.half_diagonal
    fields -= np.outer(x, x @ fields) / (x @ x)
    return np.asarray(fields.T @ fields / len(x))


def one_pixel(size: ImageSize, powers: Powers) -> Array:
    """Give the covariance of theta that is 1 px RMS over the frame, spread evenly over the directions."""
    return np.asarray(np.linalg.inv(shape_metric(size, powers)) / 3.0)


def undistort(theta: Array, radii: Array, powers: Powers) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Give r, g'(r) and whether the steps arrived, for each source radius: three of (..., P)."""
    r = np.broadcast_to(radii, (*theta.shape[:-1], radii.shape[-1])).copy()
    for _ in range(_NEWTON_STEPS):
        value, slope = growth(theta, r, powers)
        r = np.clip(r - (value - radii) / np.maximum(slope, _LEAST_SLOPE), 0.0, 4.0)
    value, slope = growth(theta, r, powers)
    return r, slope, (np.abs(value - radii) < 1e-9) & (slope > _LEAST_SLOPE)


def growth(theta: Array, r: Array, powers: Powers) -> tuple[Array, Array]:
    """Give g(r) = r f(r) and its derivative, for a stack of shapes."""
    value, slope = np.ones_like(r), np.ones_like(r)
    for number, term in enumerate(raised(r, powers)):
        part = theta[..., number, None] * term
        value += part
        slope += (powers[number] + 1) * part
    return r * value, slope


def curvature(theta: Array, r: Array, powers: Powers) -> Array:
    """Give the second derivative of g(r) = r f(r), for a stack of shapes."""
    bend = np.zeros_like(r)
    for number, term in enumerate(raised(r, (powers[0] - 1, powers[1] - 1, powers[2] - 1))):
        bend += powers[number] * (powers[number] + 1) * theta[..., number, None] * term
    return bend


def raised(r: Array, powers: Powers) -> list[Array]:
    """Give r to each of the powers, by products: ``**`` on arrays takes many times longer."""
    terms, reached, term = [], 0, np.ones_like(r)
    for power in powers:
        for _ in range(power - reached):
            term = term * r
        reached = power
        terms.append(term)
    return terms

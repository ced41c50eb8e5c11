"""How far chains are from straight under a shape: their bows, with derivatives by theta.

A chain's places, undistorted, are y_j. Their best line passes through their mean along the direction of
greatest spread (closed form: the angle of a 2x2 covariance), n is its normal, and

    d_j = n (y_j - mean)        b = Q d / m      Q: (4, J) fits Legendre's polynomials P0..P5, keeps P2..P5

b is the bow: what is left of d after any line, in four numbers whatever the number of places. Undistorting
also magnifies, and a shape that shrinks everything would seem to straighten it: m is the chain's mean
magnification across it, so b is told in half diagonals of the photo as taken. A change of theta moves the
places, turns the line by w and changes m; with a_j the place along the line,

    d b / d ai = Q (n dy_j/dai - a_j dw/dai) / m - b d log m / dai
    dw/dai = sum (a_j n dy_j + d_j da_j) / sum (a_j^2 - d_j^2)

Undistorting stretches by 1/g' along the radius and by r/s round it, s = g(r) being where a place was seen.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpu.plumb_line.chains import Chains
from gpu.plumb_line.shape import Array, Powers, curvature, raised, undistort

BOWS = 4  # numbers that tell a bow
_DEGREES = 5
# Scales of P2..P5 in half diagonals. Under the true curves chains show 0.41, 0.18, 0.11 and 0.03 px of 2048
# in photographs and 0.13, 0.05, 0.03 and 0.03 in drawn rooms; of six choices these gave the best curves.
_WORLD = np.array([0.225, 0.165, 0.14, 0.125]) / 1231.0


@dataclass(frozen=True, slots=True, eq=False)
class Bows:
    """Chains made ready for many shapes.

    Attributes:
        places: (P, 2) in half diagonals, all chains one after another, J each.
        weights: (C, J) 1 for a place that was seen.
        readers: (C, 4, J), Q of each chain.
        sigma: (C, 4) standard deviations of the bow.
    """

    places: Array
    weights: Array
    readers: Array
    sigma: Array


@dataclass(frozen=True, slots=True, eq=False)
class Linearised:
    """Bows under K shapes and their first derivatives by theta.

    Attributes:
        bows: (K, C, 4) in half diagonals, b.
        slopes: (K, C, 4, 3), the magnification held.
        magnification_slopes: (K, C, 3), of the log magnification.
    """

    bows: Array
    slopes: Array
    magnification_slopes: Array


def make_ready(chains: Chains, *, scale: float = 1.0) -> Bows:
    """Work out what does not change from shape to shape; ``scale`` multiplies all standard deviations."""
    weights = chains.seen.astype(np.float64)
    readers = np.array(
        [_reader(places, seen) for places, seen in zip(chains.places, chains.seen, strict=True)]
    ).reshape(-1, BOWS, weights.shape[1])
    noise = np.sqrt(np.square(readers).sum(axis=2)) * chains.sigma[:, None]
    sigma = scale * np.hypot(_WORLD, noise)
    return Bows(chains.places.reshape(-1, 2), weights, readers, sigma)


@dataclass(frozen=True, slots=True, eq=False)
class _Laid:
    """Chains undistorted by K shapes, each laid along its best line; (K, C, J) where nothing else is said.

    Attributes:
        weights: (C, J) 1 for a place that was seen.
        s: (C, J) radius where it was seen.
        r: Radius where it belongs.
        slope: g'(r).
        bend: g''(r).
        a: Place along the line, from the mean of all.
        d: Place across it.
        along: Part along the line of a step outwards.
        across: Part across it.
        lever: (K, C, 1), what turns the line is divided by it.
        radial: What the normal is stretched by along the radius.
        tangential: The same round it.
        stretch: Both together.
    """

    weights: Array
    s: Array
    r: Array
    slope: Array
    bend: Array
    a: Array
    d: Array
    along: Array
    across: Array
    lever: Array
    radial: Array
    tangential: Array
    stretch: Array


def linearised(bows: Bows, theta: Array, powers: Powers) -> tuple[Linearised, NDArray[np.bool_]]:
    """Give the bows of all chains under K shapes, (K, 3), and whether each shape is usable (K,)."""
    laid, usable = _laid(bows, theta, powers)
    readers = bows.readers.transpose(0, 2, 1)
    total = _sum(laid.weights, laid.stretch)
    magnification = (total / bows.weights.sum(axis=1))[..., None]
    terms = zip(powers, raised(laid.r, powers), strict=True)
    changes = [_changes(laid, power, term) for power, term in terms]
    there = Linearised(
        bows=_read(laid.d, readers) / magnification,
        slopes=np.stack([_read(moved, readers) for moved, _ in changes], axis=-1) / magnification[..., None],
        magnification_slopes=np.stack([stretched / total for _, stretched in changes], axis=-1),
    )
    return there, usable


def _laid(bows: Bows, theta: Array, powers: Powers) -> tuple[_Laid, NDArray[np.bool_]]:
    """Undistort all chains and lay each along its line; tell which shapes do not fold within the chains."""
    w, count = bows.weights, bows.weights.sum(axis=1)
    shape = (len(theta), *w.shape)
    source = np.hypot(*bows.places.T)
    r, slope, arrived = undistort(theta, source, powers)
    bend = curvature(theta, r, powers).reshape(shape)
    r, slope = r.reshape(shape), slope.reshape(shape)
    s = np.maximum(source, 1e-9).reshape(w.shape)
    u, v = (part.reshape(w.shape) / s for part in bows.places.T)  # outwards, unit length
    x, y = _centred(r * u, w, count), _centred(r * v, w, count)
    angle = 0.5 * np.arctan2(2.0 * _sum(w, x * y), _sum(w, x * x - y * y))[..., None]
    cosine, sine = np.cos(angle), np.sin(angle)
    a, d = x * cosine + y * sine, y * cosine - x * sine
    along, across = u * cosine + v * sine, v * cosine - u * sine
    lever = _sum(w, a * a - d * d)[..., None]
    radial, tangential = across / slope, along * r / s
    stretch = np.maximum(np.hypot(radial, tangential), 1e-9)
    laid = _Laid(w, s, r, slope, bend, a, d, along, across, lever, radial, tangential, stretch)
    return laid, np.asarray(arrived.all(axis=-1))


def _changes(laid: _Laid, power: int, term: Array) -> tuple[Array, Array]:
    """Give what one coefficient moves across the line (K, C, J), and adds to the sum of stretches (K, C)."""
    w, along, across, radial, tangential = laid.weights, laid.along, laid.across, laid.radial, laid.tangential
    dr = -laid.r * term / laid.slope
    turn = _sum(w, laid.a * across * dr + laid.d * along * dr)[..., None] / laid.lever
    d_slope = (power + 1) * term + laid.bend * dr
    d_radial = -(along * turn + radial * d_slope) / laid.slope
    d_tangential = (across * turn * laid.r + along * dr) / laid.s
    stretched = _sum(w, (radial * d_radial + tangential * d_tangential) / laid.stretch)
    return across * dr - laid.a * turn, stretched


def _reader(places: Array, seen: NDArray[np.bool_]) -> Array:
    """Give Q of one chain, (4, J): zero columns where nothing was seen."""
    shown = places[seen]
    chord = shown[-1] - shown[0]
    t = (shown - shown[0]) @ chord / (chord @ chord)
    basis = np.polynomial.legendre.legvander(2.0 * t - 1.0, _DEGREES)
    reader = np.zeros((BOWS, len(seen)))
    reader[:, seen] = np.linalg.pinv(basis)[2:]
    return reader


def _sum(weights: Array, values: Array) -> Array:
    """Add (K, C, J) over the places that were seen: (K, C)."""
    return np.asarray((weights * values).sum(axis=-1))


def _centred(values: Array, weights: Array, count: Array) -> Array:
    return np.asarray(values - (_sum(weights, values) / count)[..., None])


def _read(values: Array, readers: Array) -> Array:
    """Apply each chain's Q: (K, C, J) with (C, J, 4) to (K, C, 4)."""
    return np.asarray(np.matmul(values.transpose(1, 0, 2), readers).transpose(1, 0, 2))

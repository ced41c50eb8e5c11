"""How straight chains are under a shape, as a likelihood with its derivatives.

A chain's places, undistorted, are y_j. Their best line passes through their mean along the direction of
greatest spread (closed form: the angle of a 2x2 covariance), n is its normal, and

    d_j = n (y_j - mean)        b = Q d / m      Q: (4, J) fits Legendre's polynomials P0..P5, keeps P2..P5

b is the bow: what is left of d after any line, in four numbers whatever the number of places. Undistorting
also magnifies, and a shape that shrinks everything would seem to straighten it: m is the chain's mean
magnification across it, so b is told in half diagonals of the photo as taken. A change of theta moves the
places, turns the line by w and changes m; with a_j the place along the line,

    d b / d ai = Q (n dy_j/dai - a_j dw/dai) / m - b d log m / dai
    dw/dai = sum (a_j n dy_j + d_j da_j) / sum (a_j^2 - d_j^2)

All of it is in the gradient. Without the last term noise alone would pull the shape: by 0.3 px RMS where
edges are bent by 0.45 px, by 2.3 px at 1.5. The information is made without it, or noise would inform.

A bow is noise of the places, and the world: beams sag, chains join what is not one line. Its standard
deviations are those of ``Bows``; its tails are Student's t with 3 degrees of freedom over the chain's four
numbers, so a chain that fits nothing soon counts for nothing:

    -log p(b) = (nu + 4) / 2 log(1 + q / nu) + ...,   q = sum b_k^2 / sigma_k^2,
    weight of the chain in the gradient: w = (nu + 4) / (nu + q)

The information is Fisher's of that t: w is 1 on average, and a chain informs (nu + 4) / (nu + 6) as much as
it would for a Gaussian of the same sigma. Chains that fit badly inform by their small w.

Source:
    Lange, Little, Taylor, "Robust statistical modeling using the t distribution", JASA 84, 1989.
"""

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from gpu.plumb_line.chains import Chains
from gpu.plumb_line.shape import Array, Powers, curvature, raised, undistort

_DEGREES = 5
_BOWS = _DEGREES - 1
_FREEDOM = 3.0
_FISHER = (_FREEDOM + _BOWS) / (_FREEDOM + _BOWS + 2.0)
# Scales of P2..P5 in half diagonals. Under the true curves chains show 0.41, 0.18, 0.11 and 0.03 px of 2048
# in photographs and 0.13, 0.05, 0.03 and 0.03 in drawn rooms; of six choices these gave the best curves.
_WORLD = np.array([0.225, 0.165, 0.14, 0.125]) / 1231.0
_IMPOSSIBLE = -1e9


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
class Likelihood:
    """Of one photo's chains under K shapes, with derivatives by theta.

    Attributes:
        log: (K,).
        gradient: (K, 3).
        information: (K, 3, 3), positive semidefinite.
    """

    log: Array
    gradient: Array
    information: Array

    def where(self, chosen: NDArray[np.bool_], other: "Likelihood") -> "Likelihood":
        """Take the shapes that are chosen, (K,), from here and the rest from another."""
        return Likelihood(
            np.where(chosen, self.log, other.log),
            np.where(chosen[:, None], self.gradient, other.gradient),
            np.where(chosen[:, None, None], self.information, other.information),
        )


def make_ready(chains: Chains, *, scale: float = 1.0) -> Bows:
    """Work out what does not change from shape to shape; ``scale`` multiplies all standard deviations."""
    weights = chains.seen.astype(np.float64)
    readers = np.array(
        [_reader(places, seen) for places, seen in zip(chains.places, chains.seen, strict=True)]
    ).reshape(-1, _BOWS, weights.shape[1])
    noise = np.sqrt(np.square(readers).sum(axis=2)) * chains.sigma[:, None]
    sigma = scale * np.hypot(_WORLD, noise)
    return Bows(chains.places.reshape(-1, 2), weights, readers, sigma)


def likelihood(bows: Bows, theta: Array, powers: Powers) -> Likelihood:
    """Ask K shapes at once, (K, 3); one that folds within the chains is as good as impossible."""
    there, good = _linearised(bows, theta, powers)
    scaled = there.bows / bows.sigma
    steps = there.slopes / bows.sigma[..., None]
    pulls = steps - scaled[..., None] * there.magnification_slopes[:, :, None]
    q = np.square(scaled).sum(axis=-1)
    log_each = -0.5 * (_FREEDOM + _BOWS) * np.log1p(q / _FREEDOM)
    weights = (_FREEDOM + _BOWS) / (_FREEDOM + q)
    total = log_each.sum(axis=1) - np.log(bows.sigma).sum()
    return Likelihood(
        log=np.where(good, total, _IMPOSSIBLE),
        gradient=-np.einsum("kc,kcb,kcbi->ki", weights, scaled, pulls),
        information=_FISHER * np.einsum("kc,kcbi,kcbj->kij", weights, steps, steps),
    )


def misfit(bows: Bows, theta: Array, powers: Powers) -> Array:
    """Give (C,) how far each chain is from straight under one shape: q, 4 on average for mere noise."""
    there, _ = _linearised(bows, theta[None], powers)
    return np.asarray(np.square(there.bows[0] / bows.sigma).sum(axis=-1))


def noise_scale(bows: Bows, theta: Array, powers: Powers, *, prior_chains: float = 8.0) -> float:
    """Give the factor by which the photo's bows are larger than foretold, drawn towards 1.

    Maximum of the t likelihood in the scale by its fixed point, with as many chains of scale 1 added as
    ``prior_chains`` says: a photo of few chains does not judge its own noise.
    """
    q = misfit(bows, theta, powers)
    square = 1.0
    for _ in range(10):
        weighted = q * (_FREEDOM + _BOWS) / (_FREEDOM + q / square)
        square = (weighted.sum() + prior_chains * _BOWS) / (_BOWS * (len(q) + prior_chains))
    return float(np.exp(0.5 * log(square)))


def _reader(places: Array, seen: NDArray[np.bool_]) -> Array:
    """Give Q of one chain, (4, J): zero columns where nothing was seen."""
    shown = places[seen]
    chord = shown[-1] - shown[0]
    t = (shown - shown[0]) @ chord / (chord @ chord)
    basis = np.polynomial.legendre.legvander(2.0 * t - 1.0, _DEGREES)
    reader = np.zeros((_BOWS, len(seen)))
    reader[:, seen] = np.linalg.pinv(basis)[2:]
    return reader


@dataclass(frozen=True, slots=True, eq=False)
class _Linearised:
    """Bows under K shapes and their first derivatives by theta.

    Attributes:
        bows: (K, C, 4) in half diagonals, b.
        slopes: (K, C, 4, 3), the magnification held.
        magnification_slopes: (K, C, 3), of the log magnification.
    """

    bows: Array
    slopes: Array
    magnification_slopes: Array


def _linearised(bows: Bows, theta: Array, powers: Powers) -> tuple[_Linearised, NDArray[np.bool_]]:
    """Give the bows of all chains, and whether each shape is usable (K,)."""
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
    along, across = u * cosine + v * sine, v * cosine - u * sine  # parts of "outwards"
    lever = _sum(w, a * a - d * d)[..., None]
    # undistorting stretches by 1/g' along the radius and by r/s round it
    radial, tangential = across / slope, along * r / s
    stretch = np.maximum(np.hypot(radial, tangential), 1e-9)
    total = _sum(w, stretch)
    readers = bows.readers.transpose(0, 2, 1)
    slopes, magnification_slopes = [], []
    for power, term in zip(powers, raised(r, powers), strict=True):
        dr = -r * term / slope
        turn = _sum(w, a * across * dr + d * along * dr)[..., None] / lever
        slopes.append(_read(across * dr - a * turn, readers))
        d_slope = (power + 1) * term + bend * dr
        d_radial = -(along * turn + radial * d_slope) / slope
        d_tangential = (across * turn * r + along * dr) / s
        magnification_slopes.append(
            _sum(w, (radial * d_radial + tangential * d_tangential) / stretch) / total
        )
    magnification = (total / count)[..., None]
    there = _Linearised(
        bows=_read(d, readers) / magnification,
        slopes=np.stack(slopes, axis=-1) / magnification[..., None],
        magnification_slopes=np.stack(magnification_slopes, axis=-1),
    )
    return there, np.asarray(arrived.all(axis=-1))


def _sum(weights: Array, values: Array) -> Array:
    """Add (K, C, J) over the places that were seen: (K, C)."""
    return np.asarray((weights * values).sum(axis=-1))


def _centred(values: Array, weights: Array, count: Array) -> Array:
    return np.asarray(values - (_sum(weights, values) / count)[..., None])


def _read(values: Array, readers: Array) -> Array:
    """Apply each chain's Q: (K, C, J) with (C, J, 4) to (K, C, 4)."""
    return np.asarray(np.matmul(values.transpose(1, 0, 2), readers).transpose(1, 0, 2))

"""Builds the prior over lens curves from curves that are known, each with how often it was met.

Curves that are as good as one are drawn together, by pixels. The mixture then has three layers: narrow
components, each a lens that is met again, broad ones for a lens like those that are known, and one as wide as
all of them twice over for a lens like none. How broad is asked of the curves themselves: each is foretold by
the others, all but those that are as good as the same, and the width that does so best is taken; what few
curves say of a component's own spread counts by their number. Were all this narrower, a lens that is not
known would rather be taken for one that is, in front of a bowed scene.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from gpu.plumb_line.gaussians import Mixture
from gpu.plumb_line.prior import CurvePrior, LineTrust
from gpu.plumb_line.shape import EVEN_POWERS, Array, Powers, from_lens_curve, one_pixel, shape_metric

_WIDTHS = (0.05, 0.08, 0.12, 0.18, 0.27, 0.4, 0.6, 0.9)  # of the curves' own spread
_STRANGE, _STRANGE_WIDTH = 1 / 6, 2.0  # share of unseen lenses that are like none; of the curves' own spread
_NARROW_PX = 0.15  # RMS over the frame: copies of a lens, focus, and what three coefficients leave
_RIDGE_PX = 0.1
_SAME_PX = 0.5  # a lens that was met twice says nothing of others
_TRUST = LineTrust()
_MOST_NARROW, _MOST_BROAD = 512, 16


@dataclass(frozen=True, slots=True, eq=False)
class _Clusters:
    weights: Array  # (K,)
    means: Array  # (K, 3)
    scatters: Array  # (K, 3, 3), covariance of the curves within each


def learn_prior(
    curves: Sequence[tuple[LensCurve, float]],
    size: ImageSize,
    *,
    others: Sequence[tuple[LensCurve, float]] = (),
    unseen: float = 0.3,
    surplus: float = 0.0,
    surplus_sigma: float = 0.0,
    trust: LineTrust = _TRUST,
    powers: Powers = EVEN_POWERS,
) -> CurvePrior:
    """Build a prior from curves and how often each was met.

    Args:
        curves: Curve and count, counts above 0; their zoom is not looked at.
        size: Photos' size for which pixels are counted.
        others: Curves that were not met, and for how many each stands; a lens like these may be met, so they
            shape the broad components only.
        unseen: Probability that a listing's lens is none of these.
        surplus: See ``CurvePrior``; so are ``surplus_sigma`` and ``trust``.
        surplus_sigma: In log zoom.
        trust: How far lines are to be trusted.
        powers: Of r, of the shape.
    """
    known, met = [*curves, *others], slice(len(curves))
    thetas = np.array([from_lens_curve(curve, size, powers)[0] for curve, _ in known])
    weights = np.array([count for _, count in known], np.float64)
    weights /= weights.sum()
    metric, pixel = shape_metric(size, powers), one_pixel(size, powers)
    spread = _scatter(thetas, weights) + _RIDGE_PX**2 * pixel
    width = _best_width(thetas, weights, spread, metric)
    narrow = _drawn_together(thetas[met], weights[met] / weights[met].sum(), metric, most=_MOST_NARROW)
    broad = _drawn_together(thetas, weights, metric, most=_MOST_BROAD)
    strange = _STRANGE * unseen
    shares = [(1.0 - unseen) * narrow.weights, (unseen - strange) * broad.weights, np.array([strange])]
    covariances = [
        narrow.scatters + _NARROW_PX**2 * pixel,
        broad.scatters + width**2 * spread,
        _STRANGE_WIDTH**2 * spread[None],
    ]
    return CurvePrior(
        weights=np.concatenate(shares),
        means=np.concatenate([narrow.means, broad.means, weights[None] @ thetas]),
        covariances=np.concatenate(covariances),
        narrow=np.arange(len(narrow.means) + len(broad.means) + 1) < len(narrow.means),
        pixel=pixel,
        focal=2.0 * _scatter(thetas, weights) + _NARROW_PX**2 * pixel,  # of a difference: as if of two lenses
        surplus=surplus,
        surplus_sigma=surplus_sigma,
        powers=powers,
        trust=trust,
    )


def with_counts(prior: CurvePrior, curves: Sequence[tuple[LensCurve, float]], size: ImageSize) -> CurvePrior:
    """Give the prior for photos that met these curves so often; lenses that were not met stay as likely.

    Args:
        prior: As ``learn_prior`` made it of the same curves.
        curves: Curves and counts, 0 allowed for some.
        size: Photos' size for which the curves are made.
    """
    own = prior.narrow
    profiles = Mixture(prior.weights[own], prior.means[own], prior.covariances[own])
    shares = np.array([count for _, count in curves]) / sum(count for _, count in curves)
    members = [profiles.memberships(from_lens_curve(curve, size, prior.powers)[0]) for curve, _ in curves]
    weights = prior.weights.copy()
    weights[own] = prior.weights[own].sum() * (shares @ np.array(members))
    return replace(prior, weights=weights)


def _scatter(thetas: Array, weights: Array) -> Array:
    offset = thetas - weights @ thetas / weights.sum()
    return np.asarray(offset.T @ (weights[:, None] * offset) / weights.sum())


def _drawn_together(thetas: Array, weights: Array, metric: Array, *, most: int) -> _Clusters:
    """Join the two clusters whose joining moves the curves least (Ward's rule), until few are left."""
    weights, means, scatters = weights.copy(), thetas.copy(), np.zeros((len(thetas), 3, 3))
    costs = np.array([_costs(number, weights, means, metric) for number in range(len(means))])
    alive = np.ones(len(means), bool)
    for _ in range(len(means) - most):
        one, other = (int(part) for part in np.unravel_index(costs.argmin(), costs.shape))
        share = weights[[one, other]] / weights[[one, other]].sum()
        step = means[one] - means[other]
        scatters[one] = np.tensordot(share, scatters[[one, other]], 1) + share.prod() * np.outer(step, step)
        means[one] = share @ means[[one, other]]
        weights[one] += weights[other]
        alive[other] = False
        costs[one] = costs[:, one] = np.where(alive, _costs(one, weights, means, metric), np.inf)
        costs[other] = costs[:, other] = np.inf
    return _Clusters(weights[alive], means[alive], scatters[alive])


def _costs(number: int, weights: Array, means: Array, metric: Array) -> Array:
    """Give (K,) what joining one cluster with each other moves: pixels squared, by weight."""
    apart = means - means[number]
    cost = np.einsum("ki,ij,kj->k", apart, metric, apart) * weights * weights[number]
    cost /= weights + weights[number]
    cost[number] = np.inf
    return np.asarray(cost)


def _best_width(thetas: Array, weights: Array, spread: Array, metric: Array) -> float:
    """Take the width whose mixture of the other curves foretells each one best."""
    apart = thetas[:, None] - thetas[None]
    squares = np.einsum("abi,ij,abj->ab", apart, np.linalg.inv(spread), apart)
    other = np.einsum("abi,ij,abj->ab", apart, metric, apart) > _SAME_PX**2
    judged = other.any(axis=1)
    if not judged.any():
        return _WIDTHS[-1]

    def foretold(width: float) -> float:
        terms = np.where(other, np.log(weights)[None] - 0.5 * squares / width**2, -np.inf)[judged]
        top = terms.max(axis=1)
        logs = top + np.log(np.exp(terms - top[:, None]).sum(axis=1)) - 3.0 * np.log(width)
        return float(weights[judged] @ logs)

    return max(_WIDTHS, key=foretold)

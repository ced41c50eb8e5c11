"""What the chains of one photo say of its shape, as a quadratic log likelihood that photos can share.

The likelihood of ``straightness`` is climbed under the prior from several of its components, all at once, by
Levenberg's damped Gauss-Newton steps; where the highest climb ends it is expanded to second order. How much
larger the photo's bows are than foretold is judged there, and the climb repeated with that.

The form takes chains for independent. They are less than that, and how far to trust them is learned with the
prior: ``CurvePrior.trust``.
"""

from dataclasses import dataclass

import numpy as np

from gpu.coordinates import ImageSize
from gpu.plumb_line.bows import Bows, make_ready
from gpu.plumb_line.chains import Chains
from gpu.plumb_line.gaussians import NOTHING, Array, Quadratic, expanded
from gpu.plumb_line.prior import CurvePrior
from gpu.plumb_line.straightness import Likelihood, likelihood, noise_scale

_MOST_STARTS = 16
_MOST_STEPS = 15
_SETTLED = 1e-3  # in log posterior
_FIRST_DAMPING, _MOST_DAMPING = 1e-3, 1e6


@dataclass(frozen=True, slots=True, eq=False)
class LineEvidence:
    """The evidence of one photo.

    Attributes:
        form: Log likelihood of theta, every chain trusted; expanded at the highest place of the posterior.
        size: Of the photo.
        chains: How many there are.
    """

    form: Quadratic
    size: ImageSize
    chains: int


def line_evidence(chains: Chains, prior: CurvePrior) -> LineEvidence:
    """Ask the chains of one photo; without any the form says nothing."""
    if not len(chains.sigma):
        return LineEvidence(NOTHING, chains.size, 0)
    starts = _starts(prior)
    theta, _ = _climb(make_ready(chains), prior, starts)
    scale = noise_scale(make_ready(chains), theta, prior.powers)
    theta, seen = _climb(make_ready(chains, scale=scale), prior, np.concatenate([theta[None], starts]))
    form = expanded(float(seen.log[0]), seen.gradient[0], seen.information[0], theta)
    return LineEvidence(form, chains.size, len(chains.sigma))


def trusted_form(photo: LineEvidence, prior: CurvePrior) -> Quadratic:
    """Give the form for as much as lines are to be trusted: a log likelihood of the photo's true theta."""
    trust = prior.trust
    bow = trust.scene_bow_px**2 * prior.pixel
    return (photo.form / trust.overcount**2).strayed(bow)


def _starts(prior: CurvePrior) -> Array:
    """Take the means of the broad components, or of the heaviest if there are none: (M, 3)."""
    wide = np.flatnonzero(~prior.narrow)
    chosen = wide if wide.size else np.arange(len(prior.weights))
    heaviest = chosen[np.argsort(-prior.weights[chosen], kind="stable")[:_MOST_STARTS]]
    return np.asarray(prior.means[heaviest])


def _climb(bows: Bows, prior: CurvePrior, starts: Array) -> tuple[Array, Likelihood]:
    """Give the highest place of the posterior that is reached, (3,), and the likelihood there."""
    mean = prior.mixture.mean
    precision = np.linalg.inv(prior.mixture.spread_about(mean))
    theta, damping = starts.copy(), np.full(len(starts), _FIRST_DAMPING)
    here = likelihood(bows, theta, prior.powers)
    height = here.log - 0.5 * np.einsum("ki,ij,kj->k", theta - mean, precision, theta - mean)
    for _ in range(_MOST_STEPS):
        hessian = here.information + precision
        uphill = here.gradient - (theta - mean) @ precision
        damped = hessian + (damping[:, None] * np.einsum("kii->ki", hessian))[:, :, None] * np.eye(3)
        trial = theta + np.linalg.solve(damped, uphill[..., None])[..., 0]
        there = likelihood(bows, trial, prior.powers)
        reached = there.log - 0.5 * np.einsum("ki,ij,kj->k", trial - mean, precision, trial - mean)
        better = reached > height
        done = np.where(better, reached - height < _SETTLED, damping > _MOST_DAMPING)
        theta = np.where(better[:, None], trial, theta)
        here = there.where(better, here)
        height = np.where(better, reached, height)
        damping = np.where(better, 0.1 * damping, 10.0 * damping)
        if done[height.argmax()]:
            break
    best = slice(int(height.argmax()), int(height.argmax()) + 1)
    return theta[best][0], Likelihood(here.log[best], here.gradient[best], here.information[best])

"""Scenes that are bowed themselves: lines show them and the lens together, and cannot tell which is which.

A listing's scenes are straight, or all of them are bowed as a lens would bow them, like photographs whose own
lens nobody corrected. With theta for the lens, and d bending by 1 px RMS as the prior's mean does,

    shown = theta               probability 1 - ``LineTrust.bowed``
    shown = theta + beta d      ``LineTrust.bowed``,  beta ~ N(4 px, (2 px)^2)

So the prior over what is shown has twice the components of that over lenses. Lines are judged under it; then
the bow is taken from each bowed component, m and C being the lens' own mean and covariance, V that of beta d:

    theta | shown = m + C (C + V)^-1 (shown - m - 4 d)
"""

from dataclasses import replace
from typing import Final

import numpy as np

from gpu.plumb_line.gaussians import Array, Mixture, Quadratic
from gpu.plumb_line.prior import CurvePrior

# Of 22 photographed scenes four were bowed by 3.3 to 6.2 px, all barrel, and two facades by 2.3 and 2.7.
_BOW_PX: Final = 4.0
_BOW_SPREAD_PX: Final = 2.0


def shown_by_lines(prior: CurvePrior) -> CurvePrior:
    """Give the prior over what lines show: its components with straight scenes, then with bowed ones."""
    bowed, (bow, spread) = prior.trust.bowed, _bow(prior)
    return replace(
        prior,
        weights=np.concatenate([(1.0 - bowed) * prior.weights, bowed * prior.weights]),
        means=np.concatenate([prior.means, prior.means + bow]),
        covariances=np.concatenate([prior.covariances, prior.covariances + spread]),
        narrow=np.tile(prior.narrow, 2),
    )


def without_bows(shown: Mixture, prior: CurvePrior) -> Mixture:
    """Give the posterior over a photo's theta from the one over what its lines show, (2 K,) both."""
    count, (bow, spread) = len(prior.weights), _bow(prior)
    own = prior.covariances + prior.wiggle
    gain = own @ np.linalg.inv(own + spread)
    beyond = shown.means[count:] - prior.means - bow
    means = prior.means + np.einsum("kij,kj->ki", gain, beyond)
    covariances = own - gain @ own + gain @ shown.covariances[count:] @ gain.transpose(0, 2, 1)
    return Mixture(
        shown.weights,
        np.concatenate([shown.means[:count], means]),
        np.concatenate([shown.covariances[:count], covariances]),
    )


def log_odds_of_a_bow(excess: Quadratic, prior: CurvePrior) -> float:
    """Give how much more probable lines are with bowed scenes than with straight ones.

    Args:
        excess: Log likelihood of what the lines show beyond a curve that is known.
        prior: Tells the bows.
    """
    bow, spread = _bow(prior)
    return float(excess.moved(bow).strayed(spread).constant - excess.constant)


def _bow(prior: CurvePrior) -> tuple[Array, Array]:
    """Give mean (3,) and covariance (3, 3) of beta d; none where the prior's mean bends nothing."""
    mean = prior.mixture.mean
    px = np.sqrt(mean @ prior.metric @ mean)
    bend = mean / px if px > 0.0 else np.zeros(3)
    return _BOW_PX * bend, _BOW_SPREAD_PX**2 * np.outer(bend, bend)

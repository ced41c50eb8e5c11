"""How straight chains are under a shape, as a likelihood with its derivatives.

A chain's bow b is told by four numbers, see ``bows``; all that a shape changes of it is in the gradient.
Without the change of its magnification noise alone would pull the shape: by 0.3 px RMS where edges are bent
by 0.45 px, by 2.3 px at 1.5. The information is made without it, or noise would inform.

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

from gpu.plumb_line.bows import BOWS, Bows, linearised
from gpu.plumb_line.shape import Array, Powers

_FREEDOM = 3.0
_FISHER = (_FREEDOM + BOWS) / (_FREEDOM + BOWS + 2.0)
_IMPOSSIBLE = -1e9


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


def likelihood(bows: Bows, theta: Array, powers: Powers) -> Likelihood:
    """Ask K shapes at once, (K, 3); one that folds within the chains is as good as impossible."""
    there, good = linearised(bows, theta, powers)
    scaled = there.bows / bows.sigma
    steps = there.slopes / bows.sigma[..., None]
    pulls = steps - scaled[..., None] * there.magnification_slopes[:, :, None]
    q = np.square(scaled).sum(axis=-1)
    log_each = -0.5 * (_FREEDOM + BOWS) * np.log1p(q / _FREEDOM)
    weights = (_FREEDOM + BOWS) / (_FREEDOM + q)
    total = log_each.sum(axis=1) - np.log(bows.sigma).sum()
    return Likelihood(
        log=np.where(good, total, _IMPOSSIBLE),
        gradient=-np.einsum("kc,kcb,kcbi->ki", weights, scaled, pulls),
        information=_FISHER * np.einsum("kc,kcbi,kcbj->kij", weights, steps, steps),
    )


def misfit(bows: Bows, theta: Array, powers: Powers) -> Array:
    """Give (C,) how far each chain is from straight under one shape: q, 4 on average for mere noise."""
    there, _ = linearised(bows, theta[None], powers)
    return np.asarray(np.square(there.bows[0] / bows.sigma).sum(axis=-1))


def noise_scale(bows: Bows, theta: Array, powers: Powers, *, prior_chains: float = 8.0) -> float:
    """Give the factor by which the photo's bows are larger than foretold, drawn towards 1.

    Maximum of the t likelihood in the scale by its fixed point, with as many chains of scale 1 added as
    ``prior_chains`` says: a photo of few chains does not judge its own noise.
    """
    q = misfit(bows, theta, powers)
    square = 1.0
    for _ in range(10):
        weighted = q * (_FREEDOM + BOWS) / (_FREEDOM + q / square)
        square = (weighted.sum() + prior_chains * BOWS) / (BOWS * (len(q) + prior_chains))
    return float(np.exp(0.5 * log(square)))

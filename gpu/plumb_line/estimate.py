"""Estimates the curves of a listing's photos from their lines, under the prior: the plumb-line method.

Each photo's evidence is a quadratic form in theta. Photos of a listing that were taken at one focal length
speak of one theta: their forms add up. Others share the lens: theta strays by the prior's ``focal``, and a
form that strays still tells something. A few share nothing (cropped off the centre, or straight already).
Which is which is not known, so it is asked; with Z the evidence under the prior, and groups A and B,

    together    Z(A + B)                 odds before: the prior's ``together``
    one lens    Z(A + strayed B)                      a third of the rest
    apart       Z(A) Z(B)                             two thirds of it

Groups are merged while "together" is more probable than the rest, the surest first. Then each group takes its
own form, and those of the groups that more probably share its lens than not, strayed. A photo without lines
goes to the largest group. A photo of no listing is a listing of one; without lines it gets the prior.

All this is asked of what lines show; what a bowed scene adds to the lens is taken away in the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from gpu.plumb_line.bowed_scenes import shown_by_lines, without_bows
from gpu.plumb_line.evidence import LineEvidence, trusted_form
from gpu.plumb_line.gaussians import NOTHING, Array, Mixture, Quadratic
from gpu.plumb_line.prior import CurvePrior, bound_px, expected_px

_NEAR_PX = 2.0  # RMS over the frame of 2048 px: an error of this gets half of the score


@dataclass(frozen=True, slots=True, eq=False)
class CurveEstimate:
    """What the lines say of one photo's shape.

    Attributes:
        posterior: Over theta, two components for each of the prior: should scenes be straight, or bowed.
        theta: (3,) the shape to take.
        together: Numbers of the photos with lines that were taken for one focal length of one lens with it.
        siblings: How many other photos tell something of it by their lines, those at other focal lengths too.
    """

    posterior: Mixture
    theta: Array
    together: tuple[int, ...]
    siblings: int

    @property
    def bowed(self) -> float:
        """Probability that the scene is bowed itself."""
        return float(self.posterior.weights.reshape(2, -1)[1].sum())

    def likeliest_profile(self, prior: CurvePrior) -> tuple[int, float]:
        """Give the number of the likeliest profile, and its probability; 0 where the prior has none."""
        shares = np.where(prior.narrow, self.posterior.weights.reshape(2, -1).sum(axis=0), 0.0)
        best = int(shares.argmax())
        return best, float(shares[best])


@dataclass(frozen=True, slots=True)
class FoundCurve:
    """A curve for one photo.

    Attributes:
        curve: Zoomed by the prior's rule.
        expected_px: RMS error over the frame that is to be expected, zoom included.
        bound_px: The error stays below it with a probability of 0.9.
    """

    curve: LensCurve
    expected_px: float
    bound_px: float


def curve_of(
    estimate: CurveEstimate, prior: CurvePrior, size: ImageSize, *, theta: Array | None = None
) -> FoundCurve:
    """Give the curve of an estimate for a photo of this size, or how good another one would be.

    Args:
        estimate: Of the photo.
        prior: That the estimate was made under.
        size: Of the photo.
        theta: (3,) shape of the curve; by default the estimate's.

    Raises:
        LensModelError: The curve folds before it reaches the corner.
    """
    chosen = estimate.theta if theta is None else theta
    metric = prior.pixel_metric(chosen, size)
    width = prior.trust.pooled_width if estimate.siblings else prior.trust.width
    return FoundCurve(
        curve=prior.curve(chosen, size),
        expected_px=width * expected_px(metric, estimate.posterior, chosen),
        bound_px=width * bound_px(metric, estimate.posterior, chosen),
    )


def straight_probability(photo: LineEvidence, prior: CurvePrior, *, share: float) -> float:
    """Give the probability that a photo needs no correction, its scene being straight, by its own lines.

    Args:
        photo: The evidence.
        prior: Of photos that need one.
        share: Of photos that need none, before this one is looked at; above 0 and below 1.
    """
    form = trusted_form(photo, prior).strayed(prior.wiggle)
    straight = np.log(share) + form.constant
    bent = np.log1p(-share) + _log_evidence(form, prior)
    return float(np.exp(straight - np.logaddexp(straight, bent)))


def estimate_listing(photos: Sequence[LineEvidence], prior: CurvePrior) -> tuple[CurveEstimate, ...]:
    """Estimate the curves of photos of one listing, in the order given."""
    shown = shown_by_lines(prior)
    own = [trusted_form(photo, prior) for photo in photos]
    lens = [form.strayed(prior.wiggle) for form in own]
    groups = _groups(lens, [number for number, photo in enumerate(photos) if photo.chains], shown)
    groups[0] += [number for number, photo in enumerate(photos) if not photo.chains]
    estimates: dict[int, CurveEstimate] = {}
    for group in groups:
        mine = _total([lens[number] for number in group])
        akin = [other for other in groups if other is not group and _share_a_lens(mine, other, lens, shown)]
        told = _total([_total([lens[number] for number in other]).strayed(prior.focal) for other in akin])
        together = tuple(number for number in sorted(group) if photos[number].chains)
        speak = {*together, *(number for other in akin for number in other if photos[number].chains)}
        for number in group:
            siblings = _total([lens[other] for other in group if other != number])
            view, _ = shown.mixture.absorb(siblings + told)
            seen, _ = view.strayed(prior.wiggle).absorb(own[number])
            posterior = without_bows(seen, prior)
            estimates[number] = CurveEstimate(
                posterior, _nearest(posterior, prior), together, siblings=len(speak - {number})
            )
    return tuple(estimates[number] for number in range(len(photos)))


def _nearest(posterior: Mixture, prior: CurvePrior) -> Array:
    """Take the shape that is expected to score best: the mean, or that with straight or with bowed scenes.

    Where both are likely, the mean of all lies between them, near to neither.
    """
    halves = zip(posterior.weights.reshape(2, -1), posterior.means.reshape(2, -1, 3), strict=True)
    candidates = [posterior.mean, *(w @ means / w.sum() for w, means in halves if w.sum() > 0.0)]

    def score(theta: Array) -> float:
        away = np.sqrt(posterior.mean_squares(theta, prior.metric))
        return float(posterior.weights @ (1.0 / (1.0 + away / _NEAR_PX)))

    return np.asarray(max(candidates, key=score))


def _groups(forms: Sequence[Quadratic], numbers: Sequence[int], prior: CurvePrior) -> list[list[int]]:
    """Merge photos that speak of one theta, the surest first; the largest group leads."""
    groups, sums = [[number] for number in numbers], [forms[number] for number in numbers]
    gains = np.array([_gains(number, sums, prior) for number in range(len(sums))])
    while len(groups) > 1:
        a, b = sorted(map(int, np.unravel_index(gains.argmax(), gains.shape)), reverse=True)
        if gains[a, b] <= 0.0:
            break
        groups[b] += groups.pop(a)
        sums[b] += sums.pop(a)
        gains = np.delete(np.delete(gains, a, axis=0), a, axis=1)
        gains[b] = gains[:, b] = _gains(b, sums, prior)
    return sorted(groups, key=len, reverse=True) or [[]]


def _gains(number: int, sums: Sequence[Quadratic], prior: CurvePrior) -> Array:
    """Give (N,) how much more probable it is that one group and each other speak of one theta than not."""
    others = _stacked(sums)
    one = _stacked([sums[number]] * len(sums))
    gains = log(prior.trust.together) + _log_evidence(one + others, prior) - _otherwise(one, others, prior)
    gains[number] = -np.inf
    return np.asarray(gains)


def _otherwise(one: Quadratic, other: Quadratic, prior: CurvePrior) -> Array:
    return np.logaddexp(_of_one_lens(one, other, prior), _apart(one, other, prior))


def _of_one_lens(one: Quadratic, other: Quadratic, prior: CurvePrior) -> Array:
    """Either is what the prior speaks of, and the other strays from it: the better reading counts."""
    first = _log_evidence(one + other.strayed(prior.focal), prior)
    second = _log_evidence(one.strayed(prior.focal) + other, prior)
    return np.asarray(log((1.0 - prior.trust.together) / 3.0) + np.maximum(first, second))


def _apart(one: Quadratic, other: Quadratic, prior: CurvePrior) -> Array:
    return np.asarray(
        log(2.0 * (1.0 - prior.trust.together) / 3.0)
        + _log_evidence(one, prior)
        + _log_evidence(other, prior)
    )


def _share_a_lens(mine: Quadratic, group: list[int], forms: Sequence[Quadratic], prior: CurvePrior) -> bool:
    """Tell whether another group more probably has one's own lens than not."""
    other = _total([forms[number] for number in group])
    return bool(_of_one_lens(mine, other, prior) > _apart(mine, other, prior))


def _log_evidence(form: Quadratic, prior: CurvePrior) -> Array:
    return prior.mixture.absorb(form)[1]


def _total(forms: Sequence[Quadratic]) -> Quadratic:
    return sum(forms, start=NOTHING)


def _stacked(forms: Sequence[Quadratic]) -> Quadratic:
    return Quadratic(
        np.stack([form.constant for form in forms]),
        np.stack([form.linear for form in forms]),
        np.stack([form.information for form in forms]),
    )

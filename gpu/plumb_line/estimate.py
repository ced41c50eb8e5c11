"""Estimates the curves of a listing's photos from their lines, under the prior: the plumb-line method.

Each photo's evidence is a quadratic form in theta. Photos of a listing that were taken at one focal length
speak of one theta: their forms add up. Others share the lens: theta strays by the prior's ``focal``, and a
form that strays still tells something. A few share nothing (cropped off the centre, or straight already).
Which is which is not known, so it is asked; with Z the evidence under the prior, and groups A and B,

    together    Z(A + B)                 odds before: TOGETHER
    one lens    Z(A + strayed B)                      ONE_LENS
    apart       Z(A) Z(B)                             APART

Groups are merged while "together" is more probable than the rest, the surest first. Then each group takes its
own form, and those of the groups that more probably share its lens than not, strayed. A photo without lines
goes to the largest group. A photo of no listing is a listing of one; without lines it gets the prior.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gpu.lens_curve import LensCurve
from gpu.plumb_line.evidence import LineEvidence, trusted_form
from gpu.plumb_line.gaussians import NOTHING, Array, Mixture, Quadratic
from gpu.plumb_line.prior import CurvePrior, bound_px, expected_px

SNAP_FROM = 0.8
# Before two photos of a listing are looked at; most photographers stay at the shortest focal length.
_TOGETHER, _ONE_LENS, _APART = np.log([0.55, 0.35, 0.1])


@dataclass(frozen=True, slots=True, eq=False)
class CurveEstimate:
    """What the lines say of one photo.

    Attributes:
        curve: The posterior's mean shape, with the zoom of the rule.
        posterior: Over theta, one component for each of the prior.
        theta: (3,) its mean.
        covariance: (3, 3) of the whole of it, as the Gaussians tell it.
        expected_px: RMS error over the frame that is to be expected, zoom rule included.
        bound_px: The error stays below it with a probability of 0.9.
        chains: How many of the photo's own were used.
        total_length: Of them, in half diagonals.
        pooled: How many photos speak of this curve, itself included.
    """

    curve: LensCurve
    posterior: Mixture
    theta: Array
    covariance: Array
    expected_px: float
    bound_px: float
    chains: int
    total_length: float
    pooled: int

    def snapped(self, prior: CurvePrior, *, least: float = SNAP_FROM) -> int | None:
        """Give the number of the profile that is this probable, None if there is none."""
        best = int(np.where(prior.narrow, self.posterior.weights, 0.0).argmax())
        return best if prior.narrow[best] and self.posterior.weights[best] >= least else None


def estimate_listing(photos: Sequence[LineEvidence], prior: CurvePrior) -> tuple[CurveEstimate, ...]:
    """Estimate the curves of photos of one listing, in the order given."""
    own = [trusted_form(photo, prior) for photo in photos]
    lens = [form.strayed(prior.wiggle) for form in own]
    groups = _groups(lens, prior)
    estimates: dict[int, CurveEstimate] = {}
    for group in groups:
        shared = [_total([lens[number] for number in other]) for other in groups if other is not group]
        told = _told_by(shared, _total([lens[number] for number in group]), prior)
        for number in group:
            siblings = _total([lens[other] for other in group if other != number])
            view, _ = prior.mixture.absorb(siblings + told)
            posterior, _ = view.strayed(prior.wiggle).absorb(own[number])
            estimates[number] = _summary(posterior, photos[number], prior, pooled=len(group))
    return tuple(estimates[number] for number in range(len(photos)))


def _groups(forms: Sequence[Quadratic], prior: CurvePrior) -> list[list[int]]:
    """Merge photos that speak of one theta."""
    groups, sums = [[number] for number in range(len(forms))], list(forms)
    while len(groups) > 1:
        pairs = [(a, b) for a in range(len(groups)) for b in range(a)]
        one, other = (_stacked([sums[pair[side]] for pair in pairs]) for side in (0, 1))
        gains = _TOGETHER + _log_evidence(one + other, prior) - _otherwise(one, other, prior)
        # a photo without lines gains the same anywhere, but for rounding: it goes to the most
        sizes = [max(len(groups[a]), len(groups[b])) for a, b in pairs]
        best = int(np.lexsort((sizes, np.round(gains, 6)))[-1])
        if gains[best] <= 0.0:
            break
        a, b = pairs[best]
        groups[b] += groups.pop(a)
        sums[b] += sums.pop(a)
    return groups


def _otherwise(one: Quadratic, other: Quadratic, prior: CurvePrior) -> Array:
    return np.logaddexp(_of_one_lens(one, other, prior), _apart(one, other, prior))


def _of_one_lens(one: Quadratic, other: Quadratic, prior: CurvePrior) -> Array:
    """Either is what the prior speaks of, and the other strays from it: the better reading counts."""
    first = _log_evidence(one + other.strayed(prior.focal), prior)
    second = _log_evidence(one.strayed(prior.focal) + other, prior)
    return np.asarray(_ONE_LENS + np.maximum(first, second))


def _apart(one: Quadratic, other: Quadratic, prior: CurvePrior) -> Array:
    return np.asarray(_APART + _log_evidence(one, prior) + _log_evidence(other, prior))


def _told_by(others: Sequence[Quadratic], own: Quadratic, prior: CurvePrior) -> Quadratic:
    """Add up what other groups say of a group's theta, if they share its lens."""
    return _total(
        [
            other.strayed(prior.focal)
            for other in others
            if _of_one_lens(own, other, prior) > _apart(own, other, prior)
        ]
    )


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


def _summary(posterior: Mixture, photo: LineEvidence, prior: CurvePrior, *, pooled: int) -> CurveEstimate:
    """Reduce one photo's mixture to its mean and covariance."""
    theta, covariance = posterior.moments()
    metric = prior.pixel_metric(theta, photo.chains.size)
    return CurveEstimate(
        curve=prior.curve(theta, photo.chains.size),
        posterior=posterior,
        theta=theta,
        covariance=covariance,
        expected_px=prior.trust.width * expected_px(metric, covariance),
        bound_px=prior.trust.width * bound_px(metric, covariance),
        chains=len(photo.chains.sigma),
        total_length=float(photo.chains.lengths.sum()),
        pooled=pooled,
    )

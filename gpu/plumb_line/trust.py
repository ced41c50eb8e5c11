"""Learns how far lines are to be trusted, from listings whose curves are known: calibrates expected errors.

Chains are counted as independent, and they are not; scenes have a bow of their own; photos of a listing
differ. The numbers that say how much are taken such that the known curves are most probable under the
posteriors: too much trust is punished by misses of many widths, too little by wide posteriors. One photo in
twenty may miss altogether, or a few scenes whose lines are bent would blunt the estimates of all. What that
leaves unsaid is said by the width: all expected errors times the factor that keeps nine in ten of the known
errors below their bounds, of photos alone and with their siblings alike.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import log

import numpy as np

from gpu.lens_curve import LensCurve
from gpu.plumb_line.estimate import estimate_listing
from gpu.plumb_line.evidence import LineEvidence
from gpu.plumb_line.prior import CurvePrior, LineTrust
from gpu.plumb_line.shape import frame_rms_px, from_lens_curve, one_pixel

KnownPhoto = tuple[LineEvidence, LensCurve]
KnownListing = Sequence[KnownPhoto]

_OVERCOUNTS = (1.0, 1.5, 2.0, 3.0)
_SCENE_BOWS_PX = (0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0)
_WIGGLES_PX = (0.1, 0.2, 0.4, 0.7, 1.0, 1.4)
_MISS = 0.05


def with_learned_trust(prior: CurvePrior, listings: Sequence[KnownListing]) -> CurvePrior:
    """Give the prior with trust and wiggle as known listings teach them.

    Photos on their own tell how far to trust lines; together they tell what siblings share, and once more
    how far to trust, since siblings may show one scene and its bow.

    Args:
        prior: Its own trust and wiggle are not looked at.
        listings: Photos with their true curves, of many scenes and lenses.

    Raises:
        ValueError: No photo at all.
    """
    alone = [[photo] for listing in listings for photo in listing]
    if not alone:
        raise ValueError("trust is learned from one or more photos with known curves, got none")
    pixel = one_pixel(alone[0][0][0].chains.size, prior.powers)
    singly = [replace(prior, trust=LineTrust(*pair)) for pair in product(_OVERCOUNTS, _SCENE_BOWS_PX)]
    best = max(singly, key=lambda each: _probability(each, alone))
    bows = [bow for bow in _SCENE_BOWS_PX if bow >= best.trust.scene_bow_px][:3]
    jointly = [
        replace(best, trust=replace(best.trust, scene_bow_px=bow), wiggle=wiggle**2 * pixel)
        for bow, wiggle in product(bows, _WIGGLES_PX)
    ]
    best = max(jointly, key=lambda each: _probability(each, listings))
    return replace(best, trust=replace(best.trust, width=_width(best, [*listings, *alone])))


def _probability(prior: CurvePrior, listings: Sequence[KnownListing]) -> float:
    """Add up the log densities of the true shapes, each with a share of the prior's own."""
    total = 0.0
    for listing in listings:
        estimates = estimate_listing([photo for photo, _ in listing], prior)
        for estimate, (photo, curve) in zip(estimates, listing, strict=True):
            truth, _ = from_lens_curve(curve, photo.chains.size, prior.powers)
            told = log(1.0 - _MISS) + estimate.posterior.log_density(truth)
            missed = log(_MISS) + prior.mixture.log_density(truth)
            total += float(np.logaddexp(told, missed))
    return total


def _width(prior: CurvePrior, listings: Sequence[KnownListing]) -> float:
    """Give the factor that the bounds lack; the zoom counts here."""
    ratios = [
        frame_rms_px(estimate.curve, curve, photo.chains.size) / estimate.bound_px
        for listing in listings
        for estimate, (photo, curve) in zip(
            estimate_listing([photo for photo, _ in listing], prior), listing, strict=True
        )
    ]
    return float(np.quantile(ratios, 0.9))

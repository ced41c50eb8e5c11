"""Learns how far lines are to be trusted, from listings whose curves are known: calibrates expected errors.

Chains are counted as independent, and they are not; scenes have a bow of their own; photos of a listing
differ. The numbers that say how much are taken such that the known curves are most probable under the
posteriors: too much trust is punished by misses of many widths, too little by wide posteriors. One photo in
twenty may miss altogether, or a few scenes whose lines are bent would blunt the estimates of all. These are
told apart next: how many listings show bowed scenes is learned by expectation maximisation. What that leaves
unsaid is said by the widths: all expected errors times the factor that keeps nine in ten of the known errors
below their bounds, for photos by themselves and for photos with siblings. None is below its default, since a
few dozen listings do not show all that scenes can be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import log

import numpy as np

from gpu.errors import LensModelError
from gpu.lens_curve import LensCurve
from gpu.plumb_line.bowed_scenes import log_odds_of_a_bow
from gpu.plumb_line.estimate import CurveEstimate, curve_of, estimate_listing
from gpu.plumb_line.evidence import LineEvidence, trusted_form
from gpu.plumb_line.gaussians import NOTHING, Quadratic
from gpu.plumb_line.prior import CurvePrior, LineTrust
from gpu.plumb_line.shape import Array, frame_rms_px, from_lens_curve

KnownPhoto = tuple[LineEvidence, LensCurve]
KnownListing = Sequence[KnownPhoto]

_OVERCOUNTS = (1.0, 1.5, 2.0, 3.0)
_SCENE_BOWS_PX = (0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0)
_WIGGLES_PX = (0.1, 0.2, 0.4, 0.7, 1.0, 1.4)
_TOGETHERS = (0.03, 0.1, 0.25, 0.5)
_MISS = 0.05
_DOUBTED = 20.0  # listings that the default share of bowed ones stands for: many may show one home
_ROUNDS = 50
_CERTAIN = 30.0  # log odds, for numbers' sake


def with_learned_trust(prior: CurvePrior, listings: Sequence[KnownListing]) -> CurvePrior:
    """Give the prior with the trust that known listings teach.

    Photos on their own tell how far to trust lines; together they tell what siblings share, and once more
    how far to trust, since siblings may show one scene and its bow.

    Args:
        prior: Its own trust is not looked at.
        listings: Photos with their true curves, of many scenes and lenses.

    Raises:
        ValueError: No photo at all.
    """
    alone = [[photo] for listing in listings for photo in listing]
    if not alone:
        raise ValueError("trust is learned from one or more photos with known curves, got none")
    truths = {id(photo): from_lens_curve(curve, photo.size, prior.powers)[0] for [(photo, curve)] in alone}
    trust = LineTrust(together=_TOGETHERS[-1], bowed=0.0)  # where photos share a curve, a wiggle shows
    for name, values, known in (
        ("overcount", _OVERCOUNTS, alone),
        ("scene_bow_px", _SCENE_BOWS_PX, alone),
        ("overcount", _OVERCOUNTS, alone),
        ("wiggle_px", _WIGGLES_PX, listings),
        ("together", _TOGETHERS, listings),
        ("scene_bow_px", _SCENE_BOWS_PX, listings),
    ):
        tried = [replace(trust, **{name: value}) for value in values]
        trust = max(tried, key=lambda each: _probability(replace(prior, trust=each), known, truths))
    trust = replace(trust, width=1.0, pooled_width=1.0)
    trust = replace(trust, bowed=_share_of_bowed(replace(prior, trust=trust), listings, truths))
    best = replace(prior, trust=trust)
    width = max(_width(best, alone), LineTrust().width)
    pooled = max(_width(best, [one for one in listings if len(one) > 1]), LineTrust().pooled_width, width)
    return replace(prior, trust=replace(trust, width=width, pooled_width=pooled))


def _probability(prior: CurvePrior, listings: Sequence[KnownListing], truths: Mapping[int, Array]) -> float:
    """Add up the log densities of the true shapes, each with a share of the prior's own."""
    total = 0.0
    for listing in listings:
        photos = [photo for photo, _ in listing]
        for photo, estimate in zip(photos, estimate_listing(photos, prior), strict=True):
            truth = truths[id(photo)]
            told = log(1.0 - _MISS) + estimate.posterior.log_density(truth)
            missed = log(_MISS) + prior.mixture.log_density(truth)
            total += float(np.logaddexp(told, missed))
    return total


def _share_of_bowed(
    prior: CurvePrior, listings: Sequence[KnownListing], truths: Mapping[int, Array]
) -> float:
    """Learn in how many listings the lines show a bow beyond the known curves."""
    odds = np.exp([_log_odds(prior, listing, truths) for listing in listings])
    default = share = LineTrust().bowed
    for _ in range(_ROUNDS):
        bowed = share * odds / (1.0 - share + share * odds)
        share = (_DOUBTED * default + float(bowed.sum())) / (_DOUBTED + len(odds))
    return share


def _log_odds(prior: CurvePrior, listing: KnownListing, truths: Mapping[int, Array]) -> float:
    excess: Quadratic = sum(
        (trusted_form(photo, prior).strayed(prior.wiggle).moved(truths[id(photo)]) for photo, _ in listing),
        start=NOTHING,
    )
    return float(np.clip(log_odds_of_a_bow(excess, prior), -_CERTAIN, _CERTAIN))


def _width(prior: CurvePrior, listings: Sequence[KnownListing]) -> float:
    """Give the factor that the bounds lack; the zoom counts here."""
    ratios = [
        ratio
        for listing in listings
        for estimate, known in zip(
            estimate_listing([photo for photo, _ in listing], prior), listing, strict=True
        )
        if (ratio := _ratio(estimate, known, prior)) is not None
    ]
    return float(np.quantile(ratios, 0.9)) if ratios else 0.0


def _ratio(estimate: CurveEstimate, known: KnownPhoto, prior: CurvePrior) -> float | None:
    photo, curve = known
    try:
        found = curve_of(estimate, prior, photo.size)
    except LensModelError:
        return None
    return frame_rms_px(found.curve, curve, photo.size) / found.bound_px

"""Estimator ``plumb_line``: the curve that straightens a photo's lines and those of its listing.

Lines tell the shape, the atlas which lenses there are and how photos are zoomed. A listing is estimated once,
whatever the number of its photos; the rungs differ in what they rest on.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from math import sqrt
from typing import Final

import numpy as np

from gpu.coordinates import ImageSize
from gpu.curve_space import FRAME
from gpu.errors import LensModelError
from gpu.pair_fit.verdict import DEFAULT_LIMITS
from gpu.plumb_line.estimate import (
    CurveEstimate,
    FoundCurve,
    curve_of,
    estimate_listing,
    straight_probability,
)
from gpu.plumb_line.evidence import LineEvidence
from gpu.plumb_line.gaussians import Quadratic
from gpu.plumb_line.guards import disagreement
from gpu.plumb_line.looking import LensClues
from gpu.plumb_line.prior import CurvePrior
from tasks.domain.atlas import LensAtlas
from tasks.domain.estimators.estimate import Estimate, Estimator, Question, Row
from tasks.domain.line_prior import line_prior_of
from tasks.domain.observations import LinesFound, Listing

PriorOf = Callable[[LensAtlas, str], CurvePrior]
"""Gives what an atlas says of photos of a size."""

_NAME: Final = "plumb_line"
_DIGITS: Final = 5  # of half diagonals: 0.01 px at 2048x1367
_LIKELY: Final = 0.5  # a lens, or that nothing is to be corrected, is claimed where it is likelier than not
_BOUND: Final = 0.9  # probability that an error stays below its bound
_KEPT: Final = 256  # listings, of one photo too; those of a listing come one after another
_DOUBTED: Final = 5.0  # photos that needed a correction, before any of a size was seen
_UNDOUBTED: Final = 0.1  # photos that needed none


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """What the lines of a listing say, of each photo that was looked at, by id."""

    prior: CurvePrior
    lines: Mapping[str, LineEvidence]
    estimates: Mapping[str, CurveEstimate]


def line_estimator(prior_of: PriorOf = line_prior_of) -> Estimator:
    """Make the estimator; what is known of lenses beforehand may be told otherwise."""
    return Estimator(_NAME, partial(_estimates, prior_of=prior_of))


def lines_found(clues: LensClues) -> LinesFound:
    """Write down what a look at one photo found."""
    lines = clues.lines
    return LinesFound(
        width=lines.size.width,
        height=lines.size.height,
        constant=float(lines.form.constant),
        linear=tuple(lines.form.linear.tolist()),
        information=tuple(tuple(row) for row in lines.form.information.tolist()),
        chains=lines.chains,
        long_lines=tuple(tuple(map(tuple, line.round(_DIGITS).tolist())) for line in clues.long_lines),
    )


def _estimates(question: Question, _: Row, *, prior_of: PriorOf) -> Iterator[Estimate]:
    seen = question.observation
    if seen is None or seen.lines is None:
        return
    together = _told(question.listing, question.atlas, prior_of)
    alone = _told((seen,), question.atlas, prior_of)
    has_lines = seen.lines.chains > 0
    rungs: list[Callable[[], Iterator[Estimate]]] = []
    if has_lines or together.estimates[seen.photo_id].siblings:
        rungs += [
            partial(_snapped, question, together, prior_of),
            partial(_pooled, question, together, prior_of),
        ]
    if has_lines:
        rungs += [partial(_corrected, question, alone), partial(_by_itself, question, alone)]
    for rung in rungs:
        with suppress(LensModelError):  # its curve folds at the photo's size; that of another may not
            yield from rung()


def _snapped(question: Question, told: _Told, prior_of: PriorOf) -> Iterator[Estimate]:
    """Name the lens, where one is likelier than all others together."""
    estimate = told.estimates[question.photo.id]
    profile, share = estimate.likeliest_profile(told.prior)
    if share < _LIKELY:
        return
    found = curve_of(estimate, told.prior, question.size, theta=told.prior.means[profile])
    yield Estimate(
        rung="snap",
        by=_NAME,
        curve=found.curve,
        reason=f"{_lines_of(question, estimate)} are those of a lens that the atlas knows",
        expected_px=found.expected_px,
        bound_px=found.bound_px,
        confidence=share,
        objections=_objections(question, estimate, found, prior_of),
    )


def _pooled(question: Question, told: _Told, prior_of: PriorOf) -> Iterator[Estimate]:
    """Give the curve that a listing's lines tell together, with what photos of it object."""
    estimate = told.estimates[question.photo.id]
    if not estimate.siblings:
        return
    found = curve_of(estimate, told.prior, question.size)
    yield Estimate(
        rung="pooled",
        by=_NAME,
        curve=found.curve,
        reason=f"the curve that {_lines_of(question, estimate)} tell{_of_a_scene(estimate)}",
        expected_px=found.expected_px,
        bound_px=found.bound_px,
        objections=_objections(question, estimate, found, prior_of),
    )


def _objections(
    question: Question, estimate: CurveEstimate, found: FoundCurve, prior_of: PriorOf
) -> tuple[str, ...]:
    """Say what photos that share a curve have against it; one photo alone has nothing."""
    if not estimate.siblings:
        return ()
    objection = disagreement(found.curve, list(_alone(question, estimate, prior_of)), question.size)
    return () if objection is None else (objection,)


def _alone(question: Question, estimate: CurveEstimate, prior_of: PriorOf) -> Iterator[FoundCurve]:
    """Give what each photo of a group tells by itself, for photos of the size that is asked for.

    One whose own curve folds there says nothing.
    """
    looked_at = [seen for seen in question.listing if seen.lines is not None]
    for number in estimate.together:
        told = _told((looked_at[number],), question.atlas, prior_of)
        (own,) = told.estimates.values()
        with suppress(LensModelError):
            yield curve_of(own, told.prior, question.size)


def _corrected(question: Question, told: _Told) -> Iterator[Estimate]:
    """Say that nothing is to be corrected, where that is likelier than not."""
    estimate, lines = told.estimates[question.photo.id], told.lines[question.photo.id]
    confidence = straight_probability(lines, told.prior, share=_share_corrected(question))
    if confidence < _LIKELY:
        return
    wrong = curve_of(estimate, told.prior, question.size, theta=np.zeros(3))
    nothing = DEFAULT_LIMITS.identical * question.size.half_diagonal / FRAME.half_diagonal
    yield Estimate(
        rung="already_corrected",
        by=_NAME,
        curve=None,
        reason=f"its {lines.chains} lines are straight as taken",
        expected_px=sqrt(1.0 - confidence) * wrong.expected_px,
        bound_px=nothing if confidence >= _BOUND else wrong.bound_px,
        confidence=confidence,
    )


def _by_itself(question: Question, told: _Told) -> Iterator[Estimate]:
    estimate, lines = told.estimates[question.photo.id], told.lines[question.photo.id]
    found = curve_of(estimate, told.prior, question.size)
    yield Estimate(
        rung="photo",
        by=_NAME,
        curve=found.curve,
        reason=f"the curve that its own {lines.chains} lines tell{_of_a_scene(estimate)}",
        expected_px=found.expected_px,
        bound_px=found.bound_px,
    )


def _lines_of(question: Question, estimate: CurveEstimate) -> str:
    """Say whose lines an estimate rests on."""
    seen, count = question.observation, estimate.siblings
    has_lines = seen is not None and seen.lines is not None and seen.lines.chains > 0
    others = f"{count} other photo{'' if count == 1 else 's'} of its listing"
    if not has_lines:
        return f"the lines of {others}"
    return f"its lines and those of {others}" if count else "its lines"


def _of_a_scene(estimate: CurveEstimate) -> str:
    """Say so where a part of what the lines show is not the lens'."""
    if estimate.bowed < _LIKELY:
        return ""
    return f", less what a bowed scene adds to it (probability {estimate.bowed:.2f})"


def _share_corrected(question: Question) -> float:
    """Give the share of photos of a size that need no correction, as far as pairs tell."""
    _, group = next(iter(question.atlas.groups_of(question.size)))
    return (group.already_corrected + _UNDOUBTED) / (
        group.already_corrected + group.pairs + _UNDOUBTED + _DOUBTED
    )


@lru_cache(maxsize=_KEPT)
def _told(listing: Listing, atlas: LensAtlas, prior_of: PriorOf) -> _Told:
    """Estimate the photos of a listing that were looked at."""
    lines = {seen.photo_id: seen.lines for seen in listing if seen.lines is not None}
    sizes = Counter(f"{found.width}x{found.height}" for found in lines.values())
    prior = prior_of(atlas, max(sizes, key=lambda size: (sizes[size], size)))
    evidence = {photo_id: _evidence(found) for photo_id, found in lines.items()}
    estimates = estimate_listing(list(evidence.values()), prior)
    return _Told(prior, evidence, dict(zip(evidence, estimates, strict=True)))


def _evidence(found: LinesFound) -> LineEvidence:
    form = Quadratic(np.array(found.constant), np.array(found.linear), np.array(found.information))
    return LineEvidence(form, ImageSize(found.width, found.height), found.chains)


ESTIMATOR: Final = line_estimator()

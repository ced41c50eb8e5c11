"""What each part of the plumb-line estimator is worth: ``shoot_atlas`` without it, one entrant each."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from gpu.plumb_line.prior import CurvePrior
from tasks.domain.atlas import LensAtlas
from tasks.domain.estimators import dimension_prior, exif_lensfun, plumb_line
from tasks.domain.estimators.estimate import Estimate, Estimator, Question, Row
from tasks.domain.estimators.plumb_line import line_estimator
from tasks.domain.line_prior import line_prior_of
from tasks.domain.methods.shoot_atlas import METHOD, method_of
from tests.bench.quality.entrants import Entrant

_VARIANT: Final = "balanced"
_WIDE_PX: Final = 25.0  # RMS over the frame: more than any lens bends


def ablated(entrants: Iterable[Entrant]) -> Iterator[Entrant]:
    """Enter the balanced method with an atlas of its own once more without each part."""
    for entrant in entrants:
        options = entrant.options
        if entrant.method.name == METHOD.name and options.variant == _VARIANT and options.table is not None:
            for name, estimator in _ABLATED.items():
                estimators = (exif_lensfun.ESTIMATOR, estimator, dimension_prior.ESTIMATOR)
                yield Entrant(f"{entrant.name}, no {name}", method_of(estimators), options)


def _without_lenses(atlas: LensAtlas, dimension: str) -> CurvePrior:
    """Know nothing of lenses but how much they bend at most."""
    known = line_prior_of(atlas, dimension)
    return replace(
        known,
        weights=np.ones(1),
        means=np.zeros((1, 3)),
        covariances=_WIDE_PX**2 * known.pixel[None],
        narrow=np.zeros(1, bool),
    )


def _straight_scenes(atlas: LensAtlas, dimension: str) -> CurvePrior:
    """Take every bow for the lens'."""
    known = line_prior_of(atlas, dimension)
    return replace(known, trust=replace(known.trust, bowed=0.0))


def _with(change: Callable[[Question, Estimate], Estimate | None]) -> Estimator:
    """Change or drop what the estimator says."""

    def estimates(question: Question, row: Row) -> Iterator[Estimate]:
        for estimate in plumb_line.ESTIMATOR.estimates(question, row):
            changed = change(question, estimate)
            if changed is not None:
                yield changed

    return Estimator(plumb_line.ESTIMATOR.name, estimates)


def _alone(question: Question, row: Row) -> Iterator[Estimate]:
    seen = question.observation
    yield from plumb_line.ESTIMATOR.estimates(replace(question, listing=(seen,) if seen else ()), row)


def _unsnapped(_: Question, estimate: Estimate) -> Estimate | None:
    return None if estimate.rung == "snap" else estimate


def _unzoomed(_: Question, estimate: Estimate) -> Estimate:
    """Keep the scale in the middle of the photo, whatever its border then shows."""
    if estimate.curve is None:
        return estimate
    return replace(estimate, curve=estimate.curve.zoomed(estimate.curve.factors[0]))


_ABLATED: Final = {
    "pooling": Estimator(plumb_line.ESTIMATOR.name, _alone),
    "snap": _with(_unsnapped),
    "prior": line_estimator(_without_lenses),
    "bows": line_estimator(_straight_scenes),
    "zoom rule": _with(_unzoomed),
    "lines": Estimator(plumb_line.ESTIMATOR.name, lambda question, row: ()),
}
"""By what they do without."""

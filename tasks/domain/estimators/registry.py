"""The estimators that the router asks, each about every photo."""

from collections.abc import Iterable, Iterator
from typing import Final

from tasks.domain.estimators import dimension_prior, exif_lensfun, plumb_line
from tasks.domain.estimators.estimate import Estimate, Estimator, Question, Row

ESTIMATORS: Final[tuple[Estimator, ...]] = (
    exif_lensfun.ESTIMATOR,
    plumb_line.ESTIMATOR,
    dimension_prior.ESTIMATOR,
)


def all_estimates(question: Question, row: Row, estimators: Iterable[Estimator]) -> Iterator[Estimate]:
    """Ask every one of these."""
    for estimator in estimators:
        yield from estimator.estimates(question, row)

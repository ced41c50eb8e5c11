"""The estimators that the router asks, each about every photo."""

from collections.abc import Iterator
from typing import Final

from tasks.domain.estimators import dimension_prior, exif_lensfun
from tasks.domain.estimators.estimate import Estimate, Estimator, Question, Row

ESTIMATORS: Final[tuple[Estimator, ...]] = (exif_lensfun.ESTIMATOR, dimension_prior.ESTIMATOR)


def all_estimates(question: Question, row: Row) -> Iterator[Estimate]:
    """Ask every estimator."""
    for estimator in ESTIMATORS:
        yield from estimator.estimates(question, row)

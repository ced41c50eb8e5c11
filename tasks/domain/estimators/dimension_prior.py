"""Estimator ``dimension_prior``: what pairs make likely for photos of a size, of a bucket, or any photo."""

from collections.abc import Iterator
from typing import Final

from gpu.curve_space import FRAME
from gpu.errors import LensModelError
from tasks.domain.atlas import Group, Level
from tasks.domain.buckets import bucket_of
from tasks.domain.estimators.estimate import Estimate, Estimator, Question, Row

_NAME: Final = "dimension_prior"


def _estimates(question: Question, row: Row) -> Iterator[Estimate]:
    """Give one estimate for each group that the photo belongs to; a curve that folds at its size is none."""
    size = question.size
    bucket = bucket_of(size.width, size.height)
    told: dict[Level, str] = {
        "dimension": f"size {size}",
        "bucket": f"bucket {bucket}",
        "global": "photos of any size",
    }
    for rung, group in question.atlas.groups_of(size):
        try:
            curve = (group.safe if row == "safe" else group.primary).at(size)
        except LensModelError:
            continue
        yield Estimate(
            rung=rung,
            by=_NAME,
            curve=curve,
            reason=_reason(told[rung], group, row),
            expected_px=_in_pixels(group.expected_px, size.half_diagonal),
            bound_px=_in_pixels(group.bound_px, size.half_diagonal),
            support=group.pairs,
        )


def _reason(who: str, group: Group, row: Row) -> str:
    error = "" if group.expected_px is None else f", {group.expected_px:.1f} px from its photos on average"
    return f"{who}: the {row} curve of {group.pairs} pairs of {group.listings} listings{error}"


def _in_pixels(error: float | None, half_diagonal: float) -> float | None:
    return None if error is None else error * half_diagonal / FRAME.half_diagonal


ESTIMATOR: Final = Estimator(_NAME, _estimates)

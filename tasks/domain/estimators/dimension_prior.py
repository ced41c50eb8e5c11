"""Estimator ``dimension_prior``: what pairs make likely for photos of a size, of a bucket, or any photo.

Which curve is a group's; its expected error and bound are its distances from all lenses that the atlas makes
likely for the photo's size, those that no pair showed included. Distances of the group's own pairs held 59 to
91 % of the errors of other listings instead of 90 (479 lenses, 2 to 80 listings, 2026-11-28), these 85 to 97.
"""

from collections.abc import Iterator
from typing import Final

from gpu.curve_space import FRAME
from gpu.errors import LensModelError
from tasks.domain.atlas import AtlasCurve, Group, Level
from tasks.domain.buckets import bucket_of
from tasks.domain.errors import UnusableWarpError
from tasks.domain.estimators.estimate import Estimate, Estimator, Question, Row
from tasks.domain.line_prior import likely_curves_of, line_prior_of

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
        chosen = group.safe if row == "safe" else group.primary
        try:
            curve = chosen.at(size)
        except LensModelError:
            continue
        expected, bound = _errors_px(chosen, question)
        yield Estimate(
            rung=rung,
            by=_NAME,
            curve=curve,
            reason=_reason(told[rung], group, row, expected),
            expected_px=expected,
            bound_px=bound,
            support=group.pairs,
        )


def _reason(who: str, group: Group, row: Row, expected: float | None) -> str:
    listings = f" of {group.listings} listings" if group.listings else ""
    error = "" if expected is None else f", {expected:.1f} px from likely lenses on average"
    return f"{who}: the {row} curve of {group.pairs} pairs{listings}{error}"


def _errors_px(chosen: AtlasCurve, question: Question) -> tuple[float | None, float | None]:
    """Give expected error and bound in pixels of the photo; the curve may fold where they are measured."""
    size = question.size
    try:
        weights = line_prior_of(question.atlas, str(size)).weights
        errors = likely_curves_of(question.atlas).errors_px(chosen.at(FRAME), weights)
    except (LensModelError, UnusableWarpError):
        return None, None
    expected, bound = (error * size.half_diagonal / FRAME.half_diagonal for error in errors)
    return expected, bound


ESTIMATOR: Final = Estimator(_NAME, _estimates)

"""Fitted training pairs as a refit finds them, made without any picture."""

from collections.abc import Iterable
from datetime import date

import numpy as np

from gpu.curve_space import points_of
from gpu.filling import filling_zoom
from gpu.lens_curve import LensCurve
from tasks.domain.atlas import LensAtlas, size_of_dimension
from tasks.domain.atlas_learning import learn_atlas
from tasks.domain.fitted_pairs import FittedPair, PairFinding, Verdict
from tasks.domain.pairs import TrainingPair
from tasks.domain.searched_tables import TableLabel

LABEL = TableLabel("learned_20261128", date(2026, 11, 28))
_SURE = np.diag([1e-8, 4e-8, 4e-8, 1e-8])  # about 0.1 px RMS


def lens(bend: float, *, frame: str = "2048x1367") -> LensCurve:
    """Give a barrel (negative) or pincushion curve that just fills the frame."""
    curve = LensCurve((1.0, 0.0, bend, -0.3 * bend))
    return curve.zoomed(filling_zoom(curve, size_of_dimension(frame)))


STRONG, MIDDLE, WEAK = lens(-0.10), lens(-0.06), lens(-0.02)


def radial(pair_id: str, curve: LensCurve, *, frame: str = "2048x1367", off: float = 0.0) -> FittedPair:
    """Give a pair that teaches a curve, wrong by ``off`` in its bend."""
    size = size_of_dimension(frame)
    factors = np.array(curve.factors)
    factors[2] += off
    factors[0] -= off * 0.3  # about what keeps the frame filled
    return FittedPair(
        pair=TrainingPair(id=pair_id, width=size.width, height=size.height),
        finding=PairFinding(
            verdict="radial",
            factors=tuple(map(float, factors)),
            covariance=tuple(tuple(map(float, row)) for row in _SURE),
            expected_error_px=0.1,
        ),
    )


def quarantined(
    pair_id: str, reason: str, *, verdict: Verdict = "not_radial", frame: str = "2048x1367"
) -> FittedPair:
    """Give a pair that teaches nothing."""
    size = size_of_dimension(frame)
    return FittedPair(
        pair=TrainingPair(id=pair_id, width=size.width, height=size.height),
        finding=PairFinding(verdict=verdict, reason=reason, sentence=f"it is {reason or verdict}"),
    )


def listing(name: str, curve: LensCurve, count: int, *, frame: str = "2048x1367") -> list[FittedPair]:
    """Give the pairs of a listing that has one lens."""
    return [radial(f"{name}_g{number}", curve, frame=frame) for number in range(count)]


def learned(pairs: Iterable[FittedPair]) -> LensAtlas:
    """Learn an atlas."""
    return learn_atlas(pairs, LABEL)


def apart_px(one: LensCurve, other: LensCurve) -> float:
    """RMS distance in pixels of a photo of 2048x1367."""
    first, second = points_of([one, other])
    return float(np.linalg.norm(first - second))

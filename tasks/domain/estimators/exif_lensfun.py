"""Estimator ``exif_lensfun``: camera and lens from the photo's metadata, their curve from Lensfun's database.

The database tells the shape; how far photos are zoomed is the atlas's rule.
"""

from collections.abc import Iterator
from math import exp, hypot
from statistics import NormalDist
from typing import Final

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.filling import filling_zoom
from gpu.jpeg.camera import Camera
from gpu.lensfun_database import KnownLens, find_lens
from tasks.domain.atlas import ZoomRule
from tasks.domain.estimators.estimate import Estimate, Estimator, Question, Row

_NAME: Final = "exif_lensfun"
_CONFIDENCE: Final = 0.95  # a judgement: metadata names the lens, but adapters and editors write other names
# Of the expected error, all of it along one axis, so that 0.9 of all lies below though the name may be wrong.
_BOUND: Final = NormalDist().inv_cdf((1.0 + 0.9 / _CONFIDENCE) / 2.0)
_COPIES_PX: Final = 0.5  # a judgement: copies of a lens, focus, and what calibrators disagree about
_MEAN_RADIUS: Final = 0.58  # RMS over a 3:2 frame, in half diagonals


def _estimates(question: Question, _: Row) -> Iterator[Estimate]:
    seen = question.observation
    if seen is None or seen.camera is None:
        return
    size, found = question.size, seen.camera
    try:
        lens = find_lens(Camera(found.maker, found.model, found.lens, found.focal_mm), size)
        if lens is None:
            return
        curve = lens.curve.zoomed(filling_zoom(lens.curve, size) * exp(question.atlas.zoom_rule.surplus))
        curve.check_monotone(size)
    except LensModelError:
        return
    expected = _expected(question.atlas.zoom_rule, size)
    yield Estimate(
        rung="snap",
        by=_NAME,
        curve=curve,
        reason=_reason(lens),
        expected_px=expected,
        bound_px=_BOUND * expected,
        confidence=_CONFIDENCE,
    )


def _reason(lens: KnownLens) -> str:
    return f"its metadata names {lens.name} at {lens.focal_mm:g} mm, which Lensfun's database knows"


def _expected(rule: ZoomRule, size: ImageSize) -> float:
    return hypot(_COPIES_PX, rule.sigma * _MEAN_RADIUS * size.half_diagonal)


ESTIMATOR: Final = Estimator(_NAME, _estimates)

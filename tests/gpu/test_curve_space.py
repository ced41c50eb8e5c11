import numpy as np
import pytest

from gpu.brown import BrownLens, curve_from_brown
from gpu.coordinates import ImageSize
from gpu.curve_space import FRAME, curve_at, distance_px, points_of
from gpu.errors import LensModelError
from gpu.lens_curve import LensCurve
from tests.lens_pairs import BARREL, PTLENS, source_places

CURVES = [LensCurve((1.0,)), BARREL, PTLENS, curve_from_brown(BrownLens(-0.17, 0.35), FRAME)]


def test_points_lie_as_far_apart_as_the_warps_do() -> None:
    points = points_of(CURVES)
    for one, first in zip(CURVES, points, strict=True):
        for other, second in zip(CURVES, points, strict=True):
            apart = source_places(one, FRAME) - source_places(other, FRAME)
            rms = np.sqrt(np.mean(np.sum(apart * apart, axis=1)))
            assert np.linalg.norm(first - second) == pytest.approx(rms, abs=1e-6)


def test_the_curve_of_a_point_is_the_one_it_was_made_of() -> None:
    for curve in CURVES:
        found = curve_at(points_of([curve])[0])
        assert np.allclose(found.distort([0.1, 0.5, 1.0]), curve.distort([0.1, 0.5, 1.0]), atol=1e-12)


def test_a_distance_grows_with_the_photo() -> None:
    half, whole = (distance_px(BARREL, PTLENS, ImageSize(side, side)) for side in (500, 1000))
    assert whole == pytest.approx(2 * half)


@pytest.mark.parametrize("curve", [LensCurve((1.0,), (0.1, 0.0)), LensCurve((1.0, 0, 0, 0, 0, 0.1))])
def test_a_curve_that_has_no_point_is_refused(curve: LensCurve) -> None:
    with pytest.raises(LensModelError, match=r"only centred curves up to r\^4 can be compared"):
        points_of([curve])

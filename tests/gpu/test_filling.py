import numpy as np
import pytest

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.filling import carried, filling_zoom
from gpu.lens_curve import LensCurve
from gpu.pair_fit.frame import forward_gap

SIZES = [ImageSize(2048, 1367), ImageSize(1367, 2048), ImageSize(2048, 1536), ImageSize(640, 90)]
CURVES = [
    LensCurve((1.0, 0.0, -0.08, 0.03)),
    LensCurve((0.97, 0.0, 0.05)),
    LensCurve((1.0, -0.03, -0.02, 0.06)),
]
each_case = pytest.mark.parametrize(
    ("curve", "size"), [(curve, size) for curve in CURVES for size in SIZES], ids=str
)


@each_case
def test_a_filled_curve_touches_the_edge_and_reads_nothing_beyond(curve: LensCurve, size: ImageSize) -> None:
    filled = curve.zoomed(filling_zoom(curve, size))
    # the border is sampled at 33 radii here and at other places there
    assert abs(forward_gap(filled, size, content=size)) < 0.05


@each_case
def test_a_filled_curve_needs_no_more_zoom(curve: LensCurve, size: ImageSize) -> None:
    filled = curve.zoomed(filling_zoom(curve, size))
    assert filling_zoom(filled, size) == pytest.approx(1.0, abs=1e-9)


@each_case
def test_a_carried_curve_keeps_its_shape_and_its_surplus(curve: LensCurve, size: ImageSize) -> None:
    made_for = ImageSize(2048, 1367)
    there = carried(curve, made_for, size)
    assert filling_zoom(there, size) == pytest.approx(filling_zoom(curve, made_for), abs=1e-9)
    zoom = there.factors[0] / curve.factors[0]
    for power, (after, before) in enumerate(zip(there.factors, curve.factors, strict=True)):
        assert after == pytest.approx(before * zoom ** (power + 1), abs=1e-12)


def test_a_curve_is_not_touched_for_its_own_frame() -> None:
    assert carried(CURVES[0], SIZES[0], SIZES[0]) is CURVES[0]


@pytest.mark.parametrize("size", [ImageSize(1, 1), ImageSize(1, 2), ImageSize(2, 2), ImageSize(65535, 1)])
def test_the_smallest_and_slimmest_photos_have_a_zoom(size: ImageSize) -> None:
    assert np.isfinite(filling_zoom(CURVES[0], size))


def test_a_curve_that_never_reaches_the_corner_is_refused() -> None:
    with pytest.raises(LensModelError, match="fold before they reach the corner of a photo of 2048x1367"):
        filling_zoom(LensCurve((1.0, 0.0, -0.4)), SIZES[0])

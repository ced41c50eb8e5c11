from collections.abc import Callable

import lensfunpy
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.lens_curve import LensCurve
from gpu.lensfun import (
    Calibration,
    Poly3,
    Poly5,
    PtLens,
    curve_from_lensfun,
    lensfun_unit,
    poly3_from_curve,
    poly5_from_curve,
    ptlens_from_curve,
)
from gpu.remap.reference import reference_map

SIZE = ImageSize(2048, 1367)
MODELS: dict[str, Callable[..., PtLens | Poly3 | Poly5]] = {"PTLENS": PtLens, "POLY3": Poly3, "POLY5": Poly5}
PHOTO_CROPS = [1.0, 1.5]  # the sensor the lens was calibrated on, and a smaller one
# Rectilinear lenses calibrated on 3:2 sensors, from strong barrel to slight pincushion.
LENSES = [
    "Sigma 14mm f/2.8 EX",
    "FE 20mm f/1.8 G",
    "Nikon AF Nikkor 24mm f/2.8D",
    "Minolta AF 135mm f/2.8",
]

term = st.floats(-0.1, 0.1)


@pytest.mark.parametrize("narrowing", PHOTO_CROPS)
@pytest.mark.parametrize("name", LENSES)
def test_a_lens_of_the_database_maps_as_the_library_maps_it(name: str, narrowing: float) -> None:
    # An odd size, because for every other row the library then leaves its SSE code, which mixes
    # neighbouring pixels (off by up to 0.6 px), for its scalar code; a small one, because it adds
    # up float32 steps along a row (0.02 px at 2048).
    size = ImageSize(301, 201)
    lens = next(lens for lens in lensfunpy.Database().lenses if lens.model == name)
    calibration = lens.interpolate_distortion(lens.min_focal)
    model = MODELS[calibration.model.name](*calibration.terms[: 3 if "PT" in calibration.model.name else 1])

    sensor = Calibration(crop_ratio=1.0 / narrowing, aspect_ratio=1.5)
    curve = curve_from_lensfun(model, size, calibration=sensor)

    modifier = lensfunpy.Modifier(lens, narrowing * lens.crop_factor, size.width, size.height)
    modifier.initialize(lens.min_focal, 8.0, 1000.0, scale=1.0, flags=lensfunpy.ModifyFlags.DISTORTION)
    expected = modifier.apply_geometry_distortion()
    off = np.abs(np.stack(reference_map(curve.radial_map(size), size), axis=-1) - expected).max(axis=2)
    assert np.median(off) < 5e-4  # px: float32 coordinates of a few hundred px, summed along the row
    assert off.max() < 0.6  # px: the library's SSE rows


@pytest.mark.parametrize("model", [PtLens(0.02, -0.06, 0.01), Poly3(-0.05)], ids=["ptlens", "poly3"])
def test_hugins_models_keep_the_circle_of_half_the_short_side(model: PtLens | Poly3) -> None:
    half_short_side = 683.0 / SIZE.half_diagonal  # 1367 rows lie 1366 px apart, outermost centre to centre

    kept = curve_from_lensfun(model, SIZE).distort(half_short_side)

    assert kept == pytest.approx(half_short_side, rel=1e-14)


def test_a_smaller_sensor_sees_the_middle_of_the_same_curve() -> None:
    model = PtLens(0.02, -0.06, 0.01)
    full, crop = (curve_from_lensfun(model, SIZE, calibration=Calibration(ratio)) for ratio in (1.0, 1 / 1.5))

    assert crop.distort(0.9) == pytest.approx(1.5 * full.distort(0.6), rel=1e-14)


def test_the_unit_of_another_aspect_ratio_keeps_the_diagonal() -> None:
    square = lensfun_unit(ImageSize(301, 301), calibration=Calibration(aspect_ratio=4 / 3))

    assert square == pytest.approx(150 * 2**0.5 / (5 / 3))  # half diagonal 150 sqrt(2), short side 3 of 5


@settings(deadline=None)
@given(a=term, b=term, c=term, zoom=st.floats(0.8, 1.25))
def test_ptlens_to_a_curve_and_back_returns_model_and_zoom(a: float, b: float, c: float, zoom: float) -> None:
    curve = curve_from_lensfun(PtLens(a, b, c), SIZE).zoomed(zoom)

    model, found_zoom = ptlens_from_curve(curve, SIZE)

    np.testing.assert_allclose([model.a, model.b, model.c, found_zoom], [a, b, c, zoom], atol=1e-10)


@settings(deadline=None)
@given(k1=term, zoom=st.floats(0.8, 1.25))
def test_poly3_to_a_curve_and_back_returns_model_and_zoom(k1: float, zoom: float) -> None:
    model, found_zoom = poly3_from_curve(curve_from_lensfun(Poly3(k1), SIZE).zoomed(zoom), SIZE)

    np.testing.assert_allclose([model.k1, found_zoom], [k1, zoom], atol=1e-10)


@settings(deadline=None)
@given(k1=term, k2=term, zoom=st.floats(0.8, 1.25), ratio=st.floats(0.3, 3.0))
def test_poly5_to_a_curve_and_back_returns_model_and_zoom(
    k1: float, k2: float, zoom: float, ratio: float
) -> None:
    sensor = Calibration(ratio, aspect_ratio=4 / 3)
    curve = curve_from_lensfun(Poly5(k1, k2), SIZE, calibration=sensor).zoomed(zoom)

    model, found_zoom = poly5_from_curve(curve, SIZE, calibration=sensor)

    np.testing.assert_allclose([model.k1, model.k2, found_zoom], [k1, k2, zoom], atol=1e-10)


@settings(deadline=None)
@given(factors=st.tuples(st.floats(0.8, 1.2), *[st.floats(-0.05, 0.05)] * 3))
def test_every_cubic_curve_is_a_ptlens_with_a_zoom(factors: tuple[float, ...]) -> None:
    curve = LensCurve(factors)
    assume(curve.invert(lensfun_unit(SIZE) / SIZE.half_diagonal).converged)

    model, zoom = ptlens_from_curve(curve, SIZE)

    back = curve_from_lensfun(model, SIZE).zoomed(zoom)
    np.testing.assert_allclose(back.factors, factors, atol=1e-11)


@pytest.mark.parametrize(
    ("convert", "curve"),
    [
        (ptlens_from_curve, LensCurve((1.0, 0.0, 0.0, 0.0, 0.1))),
        (poly3_from_curve, LensCurve((1.0, 0.1))),
        (poly5_from_curve, LensCurve((1.0, 0.0, 0.0, 0.1))),
        (ptlens_from_curve, LensCurve((1.0,), centre_shift=(0.01, 0.0))),
        (ptlens_from_curve, LensCurve((1.0, 0.0, -2.0))),
        (poly5_from_curve, LensCurve((-1.0,))),
    ],
    ids=["r^4", "odd", "odd for poly5", "shift", "never reaches 1", "negative scale"],
)
def test_a_curve_without_an_exact_form_is_refused(
    convert: Callable[[LensCurve, ImageSize], object], curve: LensCurve
) -> None:
    with pytest.raises(LensModelError):
        convert(curve, SIZE)

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.lens_curve import LensCurve
from gpu.radial_map import fold_radius
from gpu.remap.reference import reference_map

SIZE = ImageSize(2048, 1367)
WIDE = LensCurve((1.02, 0.01, -0.09, 0.03, 0.02, -0.01, 0.005))
FOLDING = LensCurve((1.0, 0.0, -1.0))  # r - r^3 turns at sqrt(1/3), at a source radius of 0.3849

factor = st.floats(-0.3, 0.3)
curves = st.builds(
    lambda start, rest: LensCurve((start, *rest)), st.floats(0.2, 5.0), st.lists(factor, max_size=6)
)


@settings(deadline=None)
@given(curve=curves, radii=st.lists(st.floats(0.0, 1.2), min_size=1, max_size=20))
def test_invert_after_distort_returns_the_radius_on_the_branch_of_the_centre(
    curve: LensCurve, radii: list[float]
) -> None:
    inside = np.minimum(radii, 0.999 * min(fold_radius(curve.factors), 1e9))
    assume(np.all(curve.slope(inside) > 1e-3))

    inversion = curve.invert(curve.distort(inside))

    assert inversion.converged.all()
    np.testing.assert_allclose(inversion.radii, inside, atol=2e-9)  # half diagonals: 1e-12 / least slope


@settings(deadline=None)
@given(curve=curves, sources=st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=20))
def test_a_verdict_of_converged_is_always_true(curve: LensCurve, sources: list[float]) -> None:
    inversion = curve.invert(sources)

    found = inversion.radii[inversion.converged]
    wanted = np.asarray(sources, dtype=np.float64)[inversion.converged]
    np.testing.assert_allclose(curve.distort(found), wanted, rtol=1e-12, atol=1e-12)
    assert np.all(found <= fold_radius(curve.factors))
    assert np.isnan(inversion.radii[~inversion.converged]).all()


def test_a_source_radius_beyond_the_fold_has_no_answer() -> None:
    inversion = FOLDING.invert([0.0, 0.3, 0.38, 0.39, 5.0, -0.1, np.nan, np.inf])

    assert inversion.converged.tolist() == [True, True, True, False, False, False, False, False]
    assert np.all(inversion.radii[:3] < 3**-0.5)


def test_inversion_keeps_the_shape_it_is_asked_in() -> None:
    assert WIDE.invert(0.5).radii.shape == ()
    assert WIDE.invert(np.full((3, 4), 0.5)).radii.shape == (3, 4)


@pytest.mark.parametrize("tip", [1.0 - 1e-9, 1.0 + 1e-9], ids=["inside", "outside"])
def test_a_fold_is_found_to_within_a_billionth_of_the_farthest_pixel(tip: float) -> None:
    corner = WIDE.radial_map(SIZE).farthest_radius(SIZE)
    curve = LensCurve((1.0, 0.0, -1.0 / (3.0 * (tip * corner) ** 2)))

    if tip > 1.0:
        curve.check_monotone(SIZE)
        return
    with pytest.raises(LensModelError, match=r"fold the map at radius 1\.00 of the half diagonal"):
        curve.check_monotone(SIZE)


def test_the_map_of_a_curve_is_centred_on_the_pixel_grid_and_shifted_in_the_original_only() -> None:
    mapping = LensCurve((1.0, 0.0, 0.1), centre_shift=(0.01, -0.02)).radial_map(SIZE)

    unit = SIZE.half_diagonal
    assert mapping.out_centre == (1023.5, 683.0)
    assert mapping.src_centre == (1023.5 + 0.01 * unit, 683.0 - 0.02 * unit)


def test_zoom_magnifies_the_corrected_photo_about_its_centre() -> None:
    radii = np.linspace(0.0, 1.0, 11)

    np.testing.assert_allclose(WIDE.zoomed(1.25).distort(1.25 * radii), WIDE.distort(radii), rtol=1e-14)


def test_zooming_in_and_out_again_changes_nothing() -> None:
    np.testing.assert_allclose(WIDE.zoomed(1.3).zoomed(1 / 1.3).factors, WIDE.factors, rtol=1e-14)


def test_one_curve_warps_every_resolution_of_a_photo_alike() -> None:
    small, large = ImageSize(200, 150), ImageSize(800, 600)

    x_small, _ = reference_map(WIDE.radial_map(small), small)
    x_large, _ = reference_map(WIDE.radial_map(large), large)

    blocks = x_large.reshape(150, 4, 200, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(x_small, (blocks - 1.5) / 4, atol=2e-3)  # px: curvature within a block


@pytest.mark.parametrize("factors", [(), (1.0,) * 8, (float("nan"),), (1.0, float("inf"))])
def test_a_curve_of_no_too_many_or_infinite_factors_is_refused(factors: tuple[float, ...]) -> None:
    with pytest.raises(LensModelError):
        LensCurve(factors)


@pytest.mark.parametrize("zoom", [0.0, -1.0, float("nan"), float("inf")])
def test_a_zoom_that_is_not_positive_is_refused(zoom: float) -> None:
    with pytest.raises(LensModelError, match="a zoom is a positive number"):
        WIDE.zoomed(zoom)

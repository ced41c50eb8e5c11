from math import hypot

import numpy as np
import pytest
from numpy.typing import NDArray

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from gpu.radial_map import RadialMap, fold_radius
from gpu.remap.reference import reference_map

Array = NDArray[np.float64]


def test_the_farthest_pixel_is_the_centre_of_a_corner_pixel() -> None:
    size = ImageSize(301, 201)
    mapping = LensCurve((1.0,)).radial_map(size)

    assert mapping.farthest_radius(size) == pytest.approx(hypot(150, 100) / size.half_diagonal, rel=1e-15)


def test_the_farthest_pixel_of_a_map_off_centre_is_the_corner_on_the_other_side() -> None:
    mapping = RadialMap((2.0, 9.0), (10.0, 20.0), (0.0, 0.0), (1.0, 1.0), factors=(1.0,))

    assert mapping.farthest_radius(ImageSize(11, 11)) == pytest.approx(hypot(8 / 10, 9 / 20), rel=1e-15)


@pytest.mark.parametrize(("horizontal", "vertical"), [(2, 2), (2, 1), (1, 1), (4, 2)])
def test_chroma_reads_where_the_luma_it_stands_for_reads(horizontal: int, vertical: int) -> None:
    size = ImageSize(64, 48)
    mapping = LensCurve((0.98, 0.01, -0.06, 0.02), centre_shift=(0.01, 0.02)).radial_map(size)

    chroma = mapping.on_subsampled_plane(horizontal, vertical)

    small = ImageSize(size.width // horizontal, size.height // vertical)
    found_x, found_y = reference_map(chroma, small)
    u = np.arange(small.width, dtype=np.float64) * horizontal + (horizontal - 1) / 2
    v = np.arange(small.height, dtype=np.float64)[:, None] * vertical + (vertical - 1) / 2
    expected_x, expected_y = _places(mapping, u, v)
    np.testing.assert_allclose(found_x * horizontal + (horizontal - 1) / 2, expected_x, atol=1e-11)
    np.testing.assert_allclose(found_y * vertical + (vertical - 1) / 2, expected_y, atol=1e-11)


def test_a_fold_too_narrow_for_any_sampling_is_found() -> None:
    slope = np.polynomial.Polynomial.fromroots([0.4, 0.4 + 1e-6])
    factors = (slope / slope(0.0)).integ().coef[1:]

    assert fold_radius(tuple(factors)) == pytest.approx(0.4, abs=1e-7)


def test_a_slope_that_only_touches_zero_does_not_fold() -> None:
    slope = np.polynomial.Polynomial([0.25, -1.0, 1.0])  # (r - 1/2)^2

    assert fold_radius(tuple(slope.integ().coef[1:])) == np.inf


@pytest.mark.parametrize("factors", [(0.0,), (-1.0,), (0.0, -1.0)])
def test_a_curve_that_does_not_grow_at_the_centre_folds_there(factors: tuple[float, ...]) -> None:
    assert fold_radius(factors) == 0.0


def _places(mapping: RadialMap, u: Array, v: Array) -> tuple[Array, Array]:
    x, y = (
        (u - mapping.out_centre[0]) / mapping.out_scale[0],
        (v - mapping.out_centre[1]) / mapping.out_scale[1],
    )
    scale = sum(factor * np.hypot(x, y) ** power for power, factor in enumerate(mapping.factors))
    return (
        mapping.src_centre[0] + mapping.src_scale[0] * x * scale,
        mapping.src_centre[1] + mapping.src_scale[1] * y * scale,
    )

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu.brown import BrownLens, brown_from_curve, curve_from_brown
from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.lens_curve import LensCurve
from gpu.remap.reference import reference_map

SIZES = [ImageSize(2048, 1367), ImageSize(1367, 2048)]
LENS = BrownLens(-0.2, 0.42, -0.1, zoom=1.02, centre_shift=(0.01, -0.004))

coefficient = st.floats(-1.0, 1.0)
lenses = st.builds(
    BrownLens,
    *(coefficient, coefficient, coefficient, st.floats(0.5, 2.0)),
    st.tuples(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1)),
)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_brown_lens_maps_like_opencv(size: ImageSize) -> None:
    expected = cv2.initUndistortRectifyMap(
        *(LENS.camera_matrix(size), LENS.distortion, np.eye(3), LENS.new_camera_matrix(size)),
        *((size.width, size.height), cv2.CV_32FC1),
    )

    found = reference_map(curve_from_brown(LENS, size).radial_map(size), size)

    np.testing.assert_allclose(found, expected, atol=1.3e-4)  # px: float32 steps beyond 1024 px


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_brown_lens_projects_points_like_opencv(size: ImageSize) -> None:
    u, v = np.meshgrid(np.linspace(0, size.width - 1, 5), np.linspace(0, size.height - 1, 5))
    new = LENS.new_camera_matrix(size)
    rays = np.stack(
        [(u - new[0, 2]) / new[0, 0], (v - new[1, 2]) / new[1, 1], np.ones_like(u)], axis=-1
    ).reshape(-1, 3)
    projected, _ = cv2.projectPoints(
        rays, np.zeros(3), np.zeros(3), LENS.camera_matrix(size), LENS.distortion
    )

    map_x, map_y = reference_map(curve_from_brown(LENS, size).radial_map(size), size)

    corners = [0, 4, 20, 24]  # of the 5x5 grid; the others fall between pixels
    at_corners = np.stack([map_x[[0, 0, -1, -1], [0, -1, 0, -1]], map_y[[0, 0, -1, -1], [0, -1, 0, -1]]], 1)
    np.testing.assert_allclose(at_corners, projected[corners, 0], atol=1e-9)  # px, both in float64


@settings(deadline=None)
@given(lens=lenses, size=st.sampled_from(SIZES))
def test_to_a_curve_and_back_returns_the_lens(lens: BrownLens, size: ImageSize) -> None:
    back = brown_from_curve(curve_from_brown(lens, size), size)

    np.testing.assert_allclose([back.k1, back.k2, back.k3], [lens.k1, lens.k2, lens.k3], atol=1e-12)
    assert back.zoom == pytest.approx(lens.zoom, rel=1e-14)
    assert back.centre_shift == lens.centre_shift


def test_a_curve_with_odd_powers_has_no_brown_form() -> None:
    with pytest.raises(LensModelError, match="odd powers"):
        brown_from_curve(LensCurve((1.0, 0.0, -0.1, 0.01)), SIZES[0])


def test_a_curve_without_scale_at_the_centre_has_no_brown_form() -> None:
    with pytest.raises(LensModelError, match="not positive"):
        brown_from_curve(LensCurve((0.0, 0.0, 1.0)), SIZES[0])

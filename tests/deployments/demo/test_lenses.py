"""The demo's lenses are in the database and bow straight lines."""

import lensfunpy
import numpy as np
import pytest

from deployments.demo.lenses import (
    LENSES,
    DemoLens,
    _calibration,
    focal_length_px,
    ideal_pixels,
    straight_pixels,
)
from gpu.coordinates import ImageSize

SIZE = ImageSize(512, 342)


@pytest.mark.parametrize("lens", LENSES, ids=lambda lens: str(lens.model))
def test_a_straight_line_near_the_edge_of_the_photo_is_bowed(lens: DemoLens) -> None:
    for focal_mm in (lens.shortest_mm, lens.longest_mm):
        top = ideal_pixels(lens, focal_mm, SIZE)[4]
        bow = abs(float(top[SIZE.width // 2, 1] - np.interp(0, top[[0, -1], 0], top[[0, -1], 1])))
        assert bow > 2.0  # px of 512: 8 px of 2048


@pytest.mark.parametrize("lens", LENSES, ids=lambda lens: str(lens.model))
def test_the_curve_is_radial_round_the_centre_of_the_photo(lens: DemoLens) -> None:
    centre = np.array([(SIZE.width - 1) / 2, (SIZE.height - 1) / 2])
    here = straight_pixels(SIZE) - centre
    there = ideal_pixels(lens, lens.shortest_mm, SIZE) - centre
    cross = here[..., 0] * there[..., 1] - here[..., 1] * there[..., 0]
    off_line = np.abs(cross) / np.maximum(np.hypot(here[..., 0], here[..., 1]), 1)
    assert off_line.max() < 1e-3  # px: float32


def test_a_full_frame_lens_of_18_mm_has_a_focal_length_of_half_the_long_side() -> None:
    lens = DemoLens("maker", "model", 1.0, 18.0, 18.0)
    assert focal_length_px(lens, 18.0, ImageSize(200, 300)) == 150.0


def test_a_curve_that_folds_inside_the_photo_is_refused() -> None:
    tokina = DemoLens("Tokina", "Tokina 11-16mm f/2.8 AT-X 116 AF Pro DX", 1.0, 11.0, 11.0)
    with pytest.raises(ValueError, match="folds inside a photo of 512x342"):
        ideal_pixels(tokina, 11.0, SIZE)


def test_a_lens_that_is_not_in_the_database_is_named() -> None:
    with pytest.raises(ValueError, match=r"no lens 'model' with crop factor 1\.0"):
        ideal_pixels(DemoLens("maker", "model", 1.0, 18.0, 18.0), 18.0, SIZE)


@pytest.mark.parametrize("lens", LENSES, ids=lambda lens: str(lens.model))
def test_lensfun_leads_each_ideal_pixel_back_to_the_pixel_of_the_photo(lens: DemoLens) -> None:
    pixels = ideal_pixels(lens, lens.shortest_mm, SIZE)
    modifier = lensfunpy.Modifier(_calibration(lens), lens.crop_factor, SIZE.width, SIZE.height)
    kind, flags = lensfunpy.LensType.RECTILINEAR, lensfunpy.ModifyFlags.DISTORTION
    modifier.initialize(lens.shortest_mm, 8.0, 1000.0, 1.0, kind, np.float32, flags)
    for row, column in ((0, 0), (0, 511), (170, 3), (300, 250), (341, 511)):
        u, v = (float(value) for value in pixels[row, column])
        back = modifier.apply_geometry_distortion(u, v, 1, 1)[0, 0]
        assert back == pytest.approx(
            (column, row), abs=0.05
        )  # px: lensfun's centre lies half a pixel off ours

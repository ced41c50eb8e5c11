"""True maps against the lens that drew a photo, and against the equations of the lens models."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from deployments.demo.lenses import LENSES, DemoLens, ideal_pixels, straight_pixels
from deployments.demo.photos import DemoPhoto
from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from gpu.lensfun import PtLens, curve_from_lensfun
from gpu.radial_map import RadialMap
from tests.bench.quality.folder import true_warp
from tests.bench.quality.truth import TrueWarp, Truth, TruthUnreadable, read_truth, rms_px, write_truth

SIZE = ImageSize(1024, 683)
WHOLE = TrueWarp(
    id="home_g1",
    model="ptlens",
    coef=(0.011, -0.03, 0.004),
    aspect="3:2",
    width=SIZE.width,
    height=SIZE.height,
    full_w=SIZE.width,
    full_h=SIZE.height,
)


def read_at(mapping: RadialMap, places: NDArray[np.floating]) -> NDArray[np.float64]:
    """Where the map reads for places (..., 2) of the corrected photo, as ``RadialMap`` states it."""
    from_centre = (places - np.array(mapping.out_centre)) / np.array(mapping.out_scale)
    radius = np.hypot(from_centre[..., 0], from_centre[..., 1])
    scale = sum(factor * radius**power for power, factor in enumerate(mapping.factors))
    return np.asarray(mapping.src_centre + from_centre * scale[..., None] * mapping.src_scale)


def row(**changes: object) -> Mapping[str, str]:
    fields = {**WHOLE.model_dump(), "coef": "[0.011,-0.03,0.004]", "identity": 0, **changes}
    return {name: str(value) for name, value in fields.items()}


def written(folder: Path, fields: Mapping[str, str]) -> Path:
    path = folder / "truth.csv"
    quoted = [f'"{value}"' for value in fields.values()]
    path.write_text(f"{','.join(fields)}\n{','.join(quoted)}\n")
    return path


@pytest.mark.parametrize("lens", LENSES, ids=lambda lens: str(lens.model))
def test_the_true_map_leads_what_the_lens_drew_back_to_where_it_drew_it(lens: DemoLens) -> None:
    for focal_mm in (lens.shortest_mm, lens.longest_mm):
        photo = DemoPhoto("home_g1", Path("home_g1.jpg"), SIZE, lens, focal_mm, None)
        straight = ideal_pixels(lens, focal_mm, SIZE)
        apart = read_at(true_warp(photo).mapping(), straight) - straight_pixels(SIZE)
        inside = (np.abs(straight - np.array([511.5, 341.0])) <= np.array([511.5, 341.0])).all(axis=-1)
        assert np.hypot(apart[..., 0], apart[..., 1])[inside].max() < 0.05  # px: the drawing interpolates


def test_a_whole_frame_has_the_map_of_its_lens_model() -> None:
    curve = curve_from_lensfun(PtLens(0.011, -0.03, 0.004), SIZE)
    # 0.05 px: Lensfun measures half the short side between pixel centres, the truth between pixel borders
    assert rms_px(WHOLE.mapping(), curve.radial_map(SIZE), SIZE) < 0.05


def test_a_cropped_photo_reads_where_the_whole_frame_does() -> None:
    cropped = WHOLE.model_copy(update={"width": 400, "height": 300, "crop_x": 120.5, "crop_y": 33.0})
    places = np.array([[0.0, 0.0], [399.0, 299.0], [17.0, 250.0]])
    corner = np.array([120.5, 33.0])
    expected = read_at(WHOLE.mapping(), places + corner) - corner
    assert read_at(cropped.mapping(), places) == pytest.approx(expected, abs=1e-9)


def test_enlarging_the_correction_reads_nearer_to_the_middle() -> None:
    larger = WHOLE.model_copy(update={"scale": 1.25})
    middle, far = np.array([511.5, 341.0]), np.array([250.0, -100.0])
    expected = read_at(WHOLE.mapping(), middle + far)
    assert read_at(larger.mapping(), middle + 1.25 * far) == pytest.approx(expected, abs=1e-9)


def test_half_the_amount_moves_each_place_half_as_far() -> None:
    half = WHOLE.model_copy(update={"amount": 0.5})
    places = straight_pixels(SIZE)[::50, ::50].astype(np.float64)
    moved, half_moved = (read_at(warp.mapping(), places) - places for warp in (WHOLE, half))
    assert half_moved == pytest.approx(moved / 2, abs=1e-9)


def test_a_halved_photo_reads_at_half_the_places() -> None:
    half = Truth({"home_g1": WHOLE}).mapping("home_g1", ImageSize(512, 342))
    assert half is not None
    places = np.array([[0.0, 0.0], [511.0, 341.0], [100.0, 50.0]])
    expected = (read_at(WHOLE.mapping(), 2 * places + 0.5) - 0.5) / 2
    assert read_at(half, places) == pytest.approx(expected, abs=1e-9)


def test_a_photo_of_another_size_than_the_truth_tells_is_refused() -> None:
    with pytest.raises(TruthUnreadable, match="has 700x500 pixels, the truth tells 1024x683"):
        Truth({"home_g1": WHOLE}).mapping("home_g1", ImageSize(700, 500))


def test_an_original_that_needs_nothing_is_not_moved() -> None:
    kept = WHOLE.model_copy(update={"identity": True})
    assert rms_px(kept.mapping(), LensCurve((1.0,)).radial_map(SIZE), SIZE) == 0.0


def test_the_distance_of_two_maps_is_in_pixels_of_the_photo() -> None:
    mapping = LensCurve((1.0,)).radial_map(SIZE)
    beside = replace(mapping, src_centre=(mapping.src_centre[0] + 3.0, mapping.src_centre[1] - 4.0))
    assert rms_px(mapping, beside, SIZE) == pytest.approx(5.0, abs=1e-9)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_truth(tmp_path / "truth.csv", [WHOLE])
    assert read_truth(tmp_path / "truth.csv") == Truth({"home_g1": WHOLE})


def test_columns_that_say_nothing_about_the_warp_are_left_alone(tmp_path: Path) -> None:
    found = read_truth(written(tmp_path, row(bucket="heavy_crop", yaw=1.5)))
    assert found == Truth({"home_g1": WHOLE})


def test_a_folder_without_truth_has_none(tmp_path: Path) -> None:
    assert read_truth(tmp_path / "truth.csv") is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"model": "fisheye"}, "column model: "),
        ({"model": "poly5"}, "column coef: Value error, poly5 has 2 coefficients, got 3"),
        ({"coef": "0.1;0.2"}, "column coef: "),
        ({"scale": "0"}, "column scale: "),
    ],
)
def test_a_row_that_cannot_be_understood_is_named(
    tmp_path: Path, changes: dict[str, object], named: str
) -> None:
    with pytest.raises(TruthUnreadable, match=f"photo 'home_g1', {named}"):
        read_truth(written(tmp_path, row(**changes)))

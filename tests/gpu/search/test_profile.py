from dataclasses import astuple

import cv2
import numpy as np
import pytest

from gpu.search.pair import Grey
from gpu.search.profile import Distances, Features, ProfileName, distances, features, pixel_distance
from tests.photos import picture

MEASURED: tuple[ProfileName, ...] = ("legacy", "competition_lite")
each_profile = pytest.mark.parametrize("profile", MEASURED)
WEIGHTS = {"edge": 0.40, "line": 0.22, "gradient": 0.18, "ssim": 0.15, "pixel": 0.05}
LEVEL = np.full((64, 96), 120, np.uint8)


def grey(seed: int = 0) -> Grey:
    return np.asarray(cv2.cvtColor(picture(seed=seed), cv2.COLOR_BGR2GRAY), np.uint8)


def step(column: int, *, height: int = 100) -> Grey:
    found = np.zeros((128, 192), np.uint8)
    found[:, column:] = height
    return found


@each_profile
def test_a_photo_is_not_far_from_itself(profile: ProfileName) -> None:
    found = features(grey(), profile)
    assert astuple(distances(found, found)) == pytest.approx([0.0] * 5, abs=1e-7)  # float32 SSIM map


@each_profile
def test_two_photos_are_as_far_apart_either_way(profile: ProfileName) -> None:
    a, b = features(grey(1), profile), features(grey(2), profile)
    assert distances(a, b) == distances(b, a)
    assert all(0.0 < part <= 1.0 for part in astuple(distances(a, b)))


@each_profile
def test_photos_without_any_edge_are_measured_too(profile: ProfileName) -> None:
    flat, other = features(LEVEL, profile), features(step(96)[:64, :96].copy(), profile)
    assert astuple(distances(flat, features(LEVEL + 9, profile)))[:3] == (0.0, 0.0, 0.0)
    assert all(np.isfinite(astuple(distances(flat, other))))


@each_profile
def test_edges_must_lie_on_the_same_pixel(profile: ProfileName) -> None:
    assert distances(features(step(96), profile), features(step(97), profile)).edge == 1.0


@each_profile
def test_lines_and_gradients_across_each_other_are_as_far_apart_as_can_be(profile: ProfileName) -> None:
    upright = step(96)
    across = np.zeros_like(upright)
    across[64:] = 100
    found = distances(features(upright, profile), features(across, profile))
    assert (found.line, found.gradient) == pytest.approx((1.0, 1.0))


def edge_count(found: Features) -> int:
    return int(np.count_nonzero(found.edges))


def test_the_lite_profile_also_sees_edges_that_the_legacy_one_is_blind_to() -> None:
    weak = step(96, height=39)  # an L1 gradient of 156: above 150, below 160
    assert (edge_count(features(weak, "legacy")), edge_count(features(weak, "competition_lite"))) == (0, 128)


@each_profile
def test_lines_have_18_bins_and_gradients_36(profile: ProfileName) -> None:
    found = features(grey(), profile)
    assert (found.lines.size, found.gradients.size) == (18, 36)


def test_the_lite_profile_leaves_out_gradients_up_to_the_60th_percentile() -> None:
    rows, columns = np.mgrid[0:100, 0:100]
    # along u a ramp of 1 on 30 % of the rows and one of 2 on 35 %; along v one of 5 on the rest
    picture = np.where(rows < 30, columns, np.where(rows < 65, 2 * columns, 5 * (rows - 65))).astype(np.uint8)
    lite, legacy = (features(picture, profile).gradients for profile in MEASURED[::-1])
    assert lite[0] < 0.02 * lite.sum()
    assert legacy[0] > 0.2 * legacy.sum()


def test_one_line_of_two_that_is_turned_is_a_line_distance_of_one_half() -> None:
    one = np.zeros((256, 256), np.uint8)
    one[64:192, 64], one[64:192, 192] = 255, 255
    both_upright = features(one, "competition_lite")
    turned = one.copy()
    turned[:, 192] = 0
    turned[64, 64:192] = 255
    # a drawn line gives a segment along each side, and LSD ends them a pixel earlier or later
    assert distances(both_upright, features(turned, "competition_lite")).line == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("part", WEIGHTS)
def test_each_distance_has_the_runbooks_weight(part: str) -> None:
    nothing = dict.fromkeys(WEIGHTS, 0.0)
    assert Distances(**{**nothing, part: 1.0}).loss("legacy", warp=0.0) == WEIGHTS[part]
    assert Distances(**nothing).loss("competition_lite", warp=1.0) == 0.05


def test_the_first_profile_looks_at_the_difference_of_pixels_alone() -> None:
    nan = float("nan")
    assert Distances(nan, nan, nan, nan, 0.25).loss("mae", warp=1.0) == 0.25
    assert pixel_distance(LEVEL, LEVEL + 51) == pytest.approx(0.2)

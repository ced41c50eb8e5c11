from dataclasses import replace

import cv2
import numpy as np
import pytest

from gpu.metric.orientation import gradient_distribution, line_distribution, overlap
from gpu.metric.pixels import Pixels
from gpu.metric.profile import MetricProfile

COLUMNS = np.arange(60)
ROWS = np.arange(60)[:, None]


def drawn(*segments: tuple[tuple[int, int], tuple[int, int]]) -> Pixels:
    edges = np.zeros((220, 220), np.uint8)
    for start, end in segments:
        cv2.line(edges, start, end, 255)
    return edges


FLAT = ((20, 10), (199, 10))
UPRIGHT = ((10, 20), (10, 199))


def test_one_line_is_spread_by_the_gaussian_round_its_direction(portal: MetricProfile) -> None:
    found = line_distribution(drawn(FLAT), portal)

    away = np.minimum(np.arange(36), 36 - np.arange(36))
    gaussian = np.exp(-(away**2) / (2 * 1.25**2))
    np.testing.assert_allclose(found, gaussian / gaussian.sum(), atol=1e-12)


@pytest.mark.parametrize(
    ("end", "direction"), [((190, 30), 0), ((190, 190), 9), ((30, 190), 18), ((150, 105), 6)]
)
def test_a_line_counts_in_the_bin_of_its_direction(
    portal: MetricProfile, end: tuple[int, int], direction: int
) -> None:
    assert line_distribution(drawn(((30, 30), end)), portal).argmax() == direction


def test_a_line_that_rises_counts_beyond_90_degrees(portal: MetricProfile) -> None:
    assert line_distribution(drawn(((30, 190), (190, 30))), portal).argmax() == 27


def test_lines_count_by_their_length(portal: MetricProfile) -> None:
    found = line_distribution(drawn(FLAT, ((10, 20), (10, 79))), portal)

    # 179 against 59 pixels, less or more two pixels at the ends and the neighbour's tail of 1e-8
    assert found[18] / found[0] == pytest.approx(59 / 179, abs=0.02)


def test_a_crossing_line_leaves_the_root_of_one_half(portal: MetricProfile) -> None:
    one = line_distribution(drawn(FLAT), portal)
    both = line_distribution(drawn(FLAT, UPRIGHT), portal)

    assert overlap(one, both) == pytest.approx(np.sqrt(0.5), abs=1e-3)


def test_lines_at_right_angles_have_nothing_in_common(portal: MetricProfile) -> None:
    flat, upright = (line_distribution(drawn(line), portal) for line in (FLAT, UPRIGHT))

    assert overlap(flat, upright) == pytest.approx(0.0, abs=1e-9)


def test_a_line_shorter_than_the_least_length_is_none(portal: MetricProfile) -> None:
    assert not line_distribution(drawn(((20, 10), (45, 10))), replace(portal, line_threshold=10)).any()


def test_a_gap_wider_than_allowed_breaks_a_line(portal: MetricProfile) -> None:
    dashes = drawn(((20, 10), (44, 10)), ((60, 10), (84, 10)), ((100, 10), (124, 10)))

    assert not line_distribution(dashes, portal).any()
    assert line_distribution(dashes, replace(portal, line_max_gap=20.0)).any()


@pytest.mark.parametrize(
    ("ramp", "direction"),
    [
        (100 + COLUMNS + 0 * ROWS, 0),
        (100 - COLUMNS + 0 * ROWS, 0),
        (100 + 0 * COLUMNS + ROWS, 18),
    ],
)
def test_a_ramp_has_all_its_gradients_in_one_bin(
    portal: MetricProfile, ramp: np.typing.NDArray[np.int64], direction: int
) -> None:
    expected = np.zeros(36)
    expected[direction] = 1.0

    np.testing.assert_array_equal(gradient_distribution(ramp.astype(np.uint8), portal), expected)


@pytest.mark.parametrize(("ramp", "direction"), [(COLUMNS + ROWS, 9), (100 + COLUMNS - ROWS, 27)])
def test_a_diagonal_ramp_counts_in_the_bin_that_starts_at_its_angle(
    portal: MetricProfile, ramp: np.typing.NDArray[np.int64], direction: int
) -> None:
    found = gradient_distribution(ramp.astype(np.uint8), portal)

    assert found[direction] > 0.9  # the border, where the picture is mirrored, has 0 and 90 degrees
    assert found[[direction - 1, direction + 1]].sum() == 0.0


def test_gradients_count_by_their_magnitude(portal: MetricProfile) -> None:
    picture = np.zeros((60, 60), np.int64)
    picture[:, 20:22] = 90  # two edges of 60 pixels along v, each two pixels wide
    picture[40:42, 30:] = 30  # two of 30 pixels along u, a third as strong
    found = gradient_distribution(picture.astype(np.uint8), portal)

    assert found[18] / found[0] == pytest.approx(1 / 6, rel=0.05)  # corners turn a little of both


def test_the_weakest_tenth_of_the_pixels_is_left_out(portal: MetricProfile) -> None:
    picture = (4 * COLUMNS + 0 * ROWS).astype(np.uint8)
    picture[:, :4] = ROWS  # 3 of 60 columns with weak gradients along v, 2 more without or mixed

    everything = gradient_distribution(picture, replace(portal, gradient_dropped=0.0))
    without = gradient_distribution(picture, portal)

    assert everything[18] > 0.0
    assert without[18] == 0.0


def test_overlap_is_the_bhattacharyya_coefficient() -> None:
    assert overlap(np.array([0.36, 0.64]), np.array([0.64, 0.36])) == pytest.approx(0.96)
    assert overlap(np.array([0.5, 0.5]), np.array([1.0, 0.0])) == pytest.approx(np.sqrt(0.5))


def test_overlap_of_equal_distributions_is_exactly_1() -> None:
    ramp = np.arange(1, 52) / 1326  # the sum of the products of the roots is not

    assert overlap(ramp, ramp.copy()) == 1.0


def test_two_empty_distributions_are_alike_and_one_is_not() -> None:
    none, some = np.zeros(4), np.full(4, 0.25)

    assert overlap(none, none) == 1.0
    assert overlap(none, some) == 0.0
    assert overlap(some, none) == 0.0


def test_a_plain_picture_has_neither_lines_nor_gradients(portal: MetricProfile) -> None:
    plain = np.full((40, 50), 77, np.uint8)

    assert not gradient_distribution(plain, portal).any()
    assert not line_distribution(np.zeros_like(plain), portal).any()

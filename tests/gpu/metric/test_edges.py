from dataclasses import replace

import numpy as np
import pytest

from gpu.metric.edges import EdgeMap, edge_density, edge_pyramid, edge_similarity
from gpu.metric.pixels import Pixels
from gpu.metric.profile import MetricProfile


def step_at(*columns: int) -> Pixels:
    """Grey levels that change between black and white at each column."""
    picture = np.zeros((64, 96), np.uint8)
    for column in columns:
        picture[:, column:] = 255 - picture[:, column:]
    return picture


def points(*places: tuple[int, int], reach: tuple[tuple[int, int], ...] = ()) -> EdgeMap:
    maps = np.zeros((2, 16, 16), np.uint8)
    for level, found in enumerate((places, (*places, *reach))):
        for place in found:
            maps[level][place] = 255
    return EdgeMap(maps[0], maps[1])


@pytest.mark.parametrize(
    ("tolerance", "shift", "similarity"),
    [(0, 0, 1.0), (0, 1, 0.0), (1, 1, 1.0), (1, 2, 0.0), (2, 2, 1.0), (2, 3, 0.0)],
)
def test_an_edge_may_miss_its_partner_by_the_tolerance_and_no_more(
    full_size_only: MetricProfile, tolerance: int, shift: int, similarity: float
) -> None:
    profile = replace(full_size_only, edge_tolerance=tolerance)
    target, photo = edge_pyramid(step_at(48), profile), edge_pyramid(step_at(48 + shift), profile)

    assert edge_similarity(photo, target) == similarity


def test_one_of_two_edges_has_an_f1_of_two_thirds(full_size_only: MetricProfile) -> None:
    target = edge_pyramid(step_at(30, 60), full_size_only)

    # precision 1, recall 1/2
    assert edge_similarity(edge_pyramid(step_at(30), full_size_only), target) == pytest.approx(2 / 3)


def test_precision_and_recall_are_counted_each_on_its_own_edges() -> None:
    a = points((1, 1), (2, 2), reach=((5, 5), (6, 6), (7, 7)))
    b = points((5, 5), (6, 6), (7, 7), (9, 9), reach=((1, 1),))

    assert edge_similarity((a,), (b,)) == pytest.approx(0.6)  # precision 1/2, recall 3/4


def test_the_scales_count_alike() -> None:
    same, other = points((1, 1)), points((8, 8))

    assert edge_similarity((same, same, same), (same, same, other)) == pytest.approx(2 / 3)


def test_no_edge_on_both_sides_is_1_and_on_one_side_0() -> None:
    none, some = points(), points((3, 3))

    assert edge_similarity((none,), (none,)) == 1.0
    assert edge_similarity((none,), (some,)) == 0.0
    assert edge_similarity((some,), (none,)) == 0.0


def test_scales_are_halves_and_quarters_rounded_to_whole_pixels(portal: MetricProfile) -> None:
    pyramid = edge_pyramid(np.zeros((1367, 2048), np.uint8), portal)

    assert [level.edges.shape for level in pyramid] == [(1367, 2048), (684, 1024), (342, 512)]


def test_a_smaller_scale_averages_the_pixels_it_takes_together(portal: MetricProfile) -> None:
    # Four neighbours have the mean 127.5 everywhere, though each one for itself shows the step.
    picture = np.zeros((64, 96), np.uint8)
    picture[::2, ::2] = picture[1::2, 1::2] = step_at(48)[::2, ::2]
    picture[::2, 1::2] = picture[1::2, ::2] = 255 - step_at(48)[::2, ::2]

    half = edge_pyramid(picture, portal)[1]

    assert edge_density(half) == 0.0


def test_edges_weaker_than_the_lower_threshold_are_none(full_size_only: MetricProfile) -> None:
    # A step of d levels has an L1 gradient of 4 d: 37 stays below the upper threshold of 150, 38 does not.
    weak, strong = (np.where(step_at(48) > 0, level, 0).astype(np.uint8) for level in (37, 38))

    assert edge_density(edge_pyramid(weak, full_size_only)[0]) == 0.0
    assert edge_density(edge_pyramid(strong, full_size_only)[0]) == pytest.approx(1 / 96)

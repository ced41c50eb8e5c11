import numpy as np

from gpu.curve_groups import cover, fittest_point, median_point, unfitness

CROWD = np.array([[0.0, 0.0], [0.2, 0.0], [0.0, 0.2], [0.1, 0.1]])
FAR = np.array([[9.0, 0.0], [30.0, 0.0]])
POINTS = np.concatenate([CROWD, FAR])


def test_points_within_the_radius_of_the_heaviest_are_one_group() -> None:
    assert cover(POINTS, np.ones(6), 0.5).tolist() == [0, 0, 0, 0, 1, 2]


def test_the_group_with_the_most_weight_is_taken_first() -> None:
    weights = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 9.0])
    assert cover(POINTS, weights, 0.5).tolist() == [1, 1, 1, 1, 2, 0]


def test_no_group_reaches_farther_than_its_radius() -> None:
    chain = np.linspace(0.0, 10.0, 41)[:, None]
    labels = cover(chain, np.ones(41), 1.0)
    assert all(np.ptp(chain[labels == label]) <= 2.0 for label in set(labels.tolist()))


def test_points_at_one_place_are_one_group() -> None:
    assert cover(np.zeros((5, 2)), np.ones(5), 0.1).tolist() == [0] * 5


def test_a_median_is_moved_less_than_a_mean_by_one_that_lies_far_off() -> None:
    points = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [1000.0, 0.0]])
    assert np.allclose(median_point(points, np.ones(5)), [2.0, 0.0], atol=0.01)


def test_a_median_obeys_weights() -> None:
    points = np.array([[0.0, 0.0], [10.0, 0.0]])
    assert np.allclose(median_point(points, np.array([1.0, 3.0])), [10.0, 0.0], atol=0.01)


def test_the_fittest_point_stays_in_the_crowd_where_the_median_leaves_it() -> None:
    spread = np.array([[8.0, 0.0], [11.0, 0.0], [14.0, 0.0], [17.0, 0.0], [20.0, 0.0]])
    points = np.concatenate([CROWD, spread])
    found = fittest_point(points, np.ones(9))
    assert np.linalg.norm(found) < 0.5
    assert np.linalg.norm(median_point(points, np.ones(9))) > 5.0


def test_an_error_of_two_pixels_costs_half_the_score() -> None:
    assert np.allclose(unfitness(np.array([0.0, 2.0, 6.0])), [0.0, 0.5, 0.75])

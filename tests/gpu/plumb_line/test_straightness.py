from dataclasses import replace

import numpy as np
import pytest

from gpu.plumb_line.bows import make_ready
from gpu.plumb_line.shape import EVEN_POWERS
from gpu.plumb_line.straightness import likelihood, misfit, noise_scale
from tests.straight_lines import WIDE, chains_through

NEAR = WIDE + np.array([0.01, -0.01, 0.005])


def test_chains_are_straightest_under_the_curve_that_bent_them() -> None:
    bows = make_ready(chains_through(WIDE))
    thetas = np.stack([WIDE, NEAR, np.zeros(3), 1.5 * WIDE])

    logs = likelihood(bows, thetas, EVEN_POWERS).log

    assert logs.argmax() == 0
    assert misfit(bows, WIDE, EVEN_POWERS).mean() < misfit(bows, np.zeros(3), EVEN_POWERS).mean() / 10


def test_straight_chains_have_no_bow() -> None:
    noise = make_ready(chains_through(np.zeros(3), bow=0.0))
    # white noise of 0.1 px is all there is: less than what the world is trusted to be straight to
    assert misfit(noise, np.zeros(3), EVEN_POWERS).mean() < 1.1


@pytest.mark.parametrize("bow", [0.1, 1.0, 5.0])
def test_the_gradient_is_the_slope_of_the_likelihood(bow: float) -> None:
    bows = make_ready(chains_through(WIDE, bow=bow))
    here = likelihood(bows, WIDE[None], EVEN_POWERS)

    slopes = []
    for step in 1e-6 * np.eye(3):
        there, back = (likelihood(bows, (WIDE + sign * step)[None], EVEN_POWERS).log[0] for sign in (1, -1))
        slopes.append((there - back) / 2e-6)
    miss = here.gradient[0] - slopes
    # in standard deviations of theta
    assert np.sqrt(miss @ np.linalg.solve(here.information[0], miss)) < 1e-5


def test_noise_alone_does_not_pull_the_shape() -> None:
    photos = [make_ready(chains_through(WIDE, seed=seed, bow=8.0)) for seed in range(100)]
    told = [likelihood(photo, WIDE[None], EVEN_POWERS) for photo in photos]

    pull = sum(each.gradient[0] for each in told)
    information = sum(each.information[0] for each in told)

    # a gradient whose mean is 0 is one standard deviation long in each of three directions
    assert np.sqrt(pull @ np.linalg.solve(information, pull)) < 3.0


def test_the_information_is_the_curvature_where_the_bows_are_small() -> None:
    bows = make_ready(chains_through(WIDE, bow=0.0))
    information = likelihood(bows, WIDE[None], EVEN_POWERS).information[0]

    slopes = []
    for step in 1e-4 * np.eye(3):
        there, back = (
            likelihood(bows, (WIDE + sign * step)[None], EVEN_POWERS).gradient[0] for sign in (1, -1)
        )
        slopes.append((back - there) / 2e-4)
    np.testing.assert_allclose(information, slopes, rtol=0.35, atol=0.02 * information.max())


def test_shrinking_everything_straightens_nothing() -> None:
    straight = chains_through(np.zeros(3))
    small = replace(straight, places=0.5 * straight.places, sigma=0.5 * straight.sigma)

    # a shape whose slope at the chains is 1/2 would halve the bows, were it not for the magnification
    shrinking = np.array([[3.0, 0.0, 0.0]])
    plain = likelihood(make_ready(small), np.zeros((1, 3)), EVEN_POWERS).log[0]
    assert likelihood(make_ready(small), shrinking, EVEN_POWERS).log[0] < plain


def test_a_shape_that_folds_within_the_chains_is_next_to_impossible() -> None:
    bows = make_ready(chains_through(WIDE))

    logs = likelihood(bows, np.array([[-1.0, 0.0, 0.0], WIDE]), EVEN_POWERS).log

    assert logs[0] < logs[1] - 1e6


def test_one_chain_that_is_bent_in_the_world_hardly_moves_the_slope() -> None:
    chains = chains_through(WIDE)
    bent = chains.places.copy()
    bent[0] += np.outer(np.linspace(-1, 1, bent.shape[1]) ** 2, [0.0, 0.05])  # 36 px
    told = likelihood(make_ready(replace(chains, places=bent)), WIDE[None], EVEN_POWERS)
    plain = likelihood(make_ready(chains), WIDE[None], EVEN_POWERS)

    shift = np.linalg.solve(plain.information[0], told.gradient[0] - plain.gradient[0])
    assert np.abs(shift).max() < 0.02


@pytest.mark.parametrize("bow", [0.5, 3.0])
def test_a_photo_s_own_noise_is_judged(bow: float) -> None:
    chains = chains_through(WIDE, count=60, bow=bow)

    scale = noise_scale(make_ready(chains), WIDE, EVEN_POWERS)

    assert scale > 1.0 if bow > 1.0 else scale < 1.0


def test_few_chains_do_not_judge_their_noise() -> None:
    loud = chains_through(WIDE, count=2, bow=10.0)

    scales = [noise_scale(make_ready(loud), WIDE, EVEN_POWERS, prior_chains=n) for n in (0.1, 8.0)]

    assert scales[1] < 0.5 * scales[0]

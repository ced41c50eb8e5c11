"""What lines show where scenes may be bowed themselves, and what of it is the lens'."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from gpu.plumb_line.bowed_scenes import log_odds_of_a_bow, shown_by_lines, without_bows
from gpu.plumb_line.estimate import CurveEstimate, estimate_listing
from gpu.plumb_line.evidence import line_evidence
from gpu.plumb_line.gaussians import Quadratic, expanded
from gpu.plumb_line.prior import CurvePrior, bound_px, expected_px
from tests.straight_lines import bend, chains_through
from tests.straight_lines import prior as prior_of_lenses

Array = NDArray[np.float64]

PRIOR = prior_of_lenses(unseen=0.05)


def one_lens() -> CurvePrior:
    """A single component, of which joint Gaussians can be written down."""
    return replace(
        PRIOR,
        weights=np.ones(1),
        means=PRIOR.means[-2:-1],
        covariances=PRIOR.covariances[-2:-1],
        narrow=np.ones(1, bool),
    )


def seen(place: Array, prior: CurvePrior, px: float) -> Quadratic:
    """Lines that show a shape this exactly."""
    information: Array = prior.metric * 3.0 / px**2
    return expanded(0.0, np.zeros(3), information, place)


def estimated(shown: Array, prior: CurvePrior, photos: int = 3) -> CurveEstimate:
    evidence = [line_evidence(chains_through(shown, seed=seed), prior) for seed in range(photos)]
    return estimate_listing(evidence, prior)[0]


def apart_px(estimate: CurveEstimate, theta: Array) -> float:
    away = estimate.theta - theta
    return float(np.sqrt(away @ PRIOR.metric @ away))


def known_lens(weight: float) -> tuple[CurvePrior, Array]:
    """A prior that expects one lens, and its shape."""
    chosen = int(np.flatnonzero(PRIOR.narrow)[4])
    weights = (1.0 - weight) * PRIOR.weights / (1.0 - PRIOR.weights[chosen])
    weights[chosen] = weight
    return replace(PRIOR, weights=weights), PRIOR.means[chosen]


def test_lenses_are_shown_as_they_are_or_with_a_bow() -> None:
    prior = one_lens()

    shown = shown_by_lines(prior)

    bowed = prior.trust.bowed
    np.testing.assert_allclose(shown.weights, [1.0 - bowed, bowed])
    np.testing.assert_allclose(shown.means, [prior.means[0], prior.means[0] + 4.0 * bend(prior)])
    spread = shown.covariances - prior.covariances
    np.testing.assert_allclose(
        spread, [np.zeros((3, 3)), 4.0 * np.outer(bend(prior), bend(prior))], atol=1e-15
    )


def test_of_a_bowed_scene_the_lens_is_what_the_joint_gaussian_says() -> None:
    prior = replace(one_lens(), trust=replace(PRIOR.trust, wiggle_px=0.5))
    direction, own = bend(prior), prior.covariances[0] + prior.wiggle
    lines = seen(prior.means[0] + 3.0 * direction, prior, 0.7)

    view = shown_by_lines(prior).mixture.strayed(prior.wiggle)
    found = without_bows(view.absorb(lines)[0], prior)

    joint = np.block([[own, np.zeros((3, 1))], [np.zeros((1, 3)), np.full((1, 1), 4.0)]])  # theta, beta
    shows = np.hstack([np.eye(3), direction[:, None]])
    before = np.append(prior.means[0], 4.0)
    after = np.linalg.inv(np.linalg.inv(joint) + shows.T @ lines.information @ shows)
    mean = after @ (np.linalg.solve(joint, before) + shows.T @ lines.linear)
    np.testing.assert_allclose(found.means[1], mean[:3], atol=1e-10)
    np.testing.assert_allclose(found.covariances[1], after[:3, :3], atol=1e-12)


def test_the_odds_of_a_bow_are_the_integral_over_bows() -> None:
    excess = seen(2.5 * bend(PRIOR), PRIOR, 0.8)

    betas = np.linspace(-10.0, 18.0, 4001)
    places = betas[:, None] * bend(PRIOR)
    logs = places @ excess.linear - 0.5 * np.einsum("bi,ij,bj->b", places, excess.information, places)
    density = np.exp(-0.5 * np.square((betas - 4.0) / 2.0)) / np.sqrt(8.0 * np.pi)
    expected = np.log(np.sum(np.exp(logs) * density) * (betas[1] - betas[0]))
    assert log_odds_of_a_bow(excess, PRIOR) == pytest.approx(expected, abs=1e-6)


def test_where_one_lens_is_expected_the_rest_is_the_scene_s() -> None:
    prior, lens = known_lens(0.9)

    bowed = estimated(lens + 5.0 * bend(prior), prior)

    assert bowed.bowed > 0.8
    assert apart_px(bowed, lens) < 1.0
    trusting = replace(prior, trust=replace(prior.trust, bowed=1e-6))
    assert apart_px(estimated(lens + 5.0 * bend(prior), trusting), lens) > 4.0


def test_a_lens_that_is_known_is_not_taken_for_a_bow() -> None:
    prior, lens = known_lens(0.5)

    straight = estimated(lens, prior)

    assert straight.bowed < 0.1
    assert apart_px(straight, lens) < 0.5


def test_between_two_stories_one_is_told() -> None:
    """Their mean would be near to neither."""
    prior, lens = known_lens(0.6)
    stronger = lens + 5.0 * bend(prior)

    found = estimated(stronger, replace(prior, trust=replace(prior.trust, bowed=0.03)))

    assert 0.1 < found.bowed < 0.9
    assert min(apart_px(found, lens), apart_px(found, stronger)) < 1.0


def test_a_prior_that_bends_nothing_knows_no_bow() -> None:
    flat = replace(one_lens(), means=np.zeros((1, 3)))

    shown = shown_by_lines(flat)

    np.testing.assert_array_equal(shown.means, np.zeros((2, 3)))
    assert np.isfinite(estimated(np.zeros(3), flat, photos=1).theta).all()


@pytest.mark.parametrize("off_px", [0.0, 6.0], ids=["mean", "elsewhere"])
@pytest.mark.parametrize("bowed", [0.0, 0.4], ids=["one", "two"])
def test_distances_are_as_expected_and_nine_in_ten_within_their_bound(bowed: float, off_px: float) -> None:
    prior = replace(one_lens(), trust=replace(PRIOR.trust, bowed=bowed))
    spread, metric = shown_by_lines(prior).mixture, (prior.metric, 0.1)
    theta = spread.mean + off_px * bend(prior)
    rng = np.random.default_rng(4)

    drawn = rng.choice(2, 20_000, p=spread.weights)
    roots = np.linalg.cholesky(spread.covariances)[drawn]
    apart = spread.means[drawn] + np.einsum("nij,nj->ni", roots, rng.standard_normal((20_000, 3))) - theta
    squares = np.einsum("ni,ij,nj->n", apart, prior.metric, apart) + 0.1 * rng.standard_normal(20_000) ** 2

    assert np.mean(np.sqrt(squares) < bound_px(metric, spread, theta)) == pytest.approx(0.9, abs=0.015)
    each = [np.sqrt(squares[drawn == number].mean()) for number in np.unique(drawn)]
    shares = spread.weights[np.unique(drawn)]
    assert expected_px(metric, spread, theta) == pytest.approx(shares @ each, rel=0.02)

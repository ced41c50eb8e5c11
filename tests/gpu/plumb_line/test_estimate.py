from contextlib import suppress
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from gpu.errors import LensModelError
from gpu.plumb_line.chains import Chains, find_chains
from gpu.plumb_line.estimate import (
    CurveEstimate,
    FoundCurve,
    curve_of,
    estimate_listing,
    straight_probability,
)
from gpu.plumb_line.evidence import LineEvidence, line_evidence
from gpu.plumb_line.prior import CurvePrior, LineTrust
from gpu.plumb_line.shape import frame_rms_px
from tests.straight_lines import SIZE, WIDE, bend, chains_through, draw, filled, grid_of_lines
from tests.straight_lines import prior as prior_of_lenses

NONE = np.zeros(3)
ZOOMED = np.array([-0.04, 0.012, -0.002])


@cache
def prior() -> CurvePrior:
    """Trusts chains for what they are, independent and bent as foretold, and photos to share a curve."""
    return replace(prior_of_lenses(), trust=LineTrust(1.0, 0.0, together=0.55, width=1.0, pooled_width=1.0))


def alone(chains: Chains) -> CurveEstimate:
    return estimate_listing([line_evidence(chains, prior())], prior())[0]


def together(*photos: Chains) -> tuple[CurveEstimate, ...]:
    return estimate_listing([line_evidence(chains, prior()) for chains in photos], prior())


def error_px(estimate: CurveEstimate, theta: np.ndarray) -> float:
    return frame_rms_px(found(estimate).curve, filled(theta), SIZE)


def found(estimate: CurveEstimate) -> FoundCurve:
    return curve_of(estimate, prior(), SIZE)


def no_chains() -> Chains:
    return chains_through(NONE, count=0)


@pytest.mark.parametrize("theta", [WIDE, ZOOMED, NONE], ids=["wide", "zoomed", "straight"])
def test_the_curve_that_bent_the_chains_is_found_to_a_pixel(theta: np.ndarray) -> None:
    estimate = alone(chains_through(theta, count=60))

    assert error_px(estimate, theta) < 1.0  # px of 1200x800; the curves are 0 to 15 px from none
    assert error_px(estimate, theta) < 2.0 * found(estimate).bound_px


def test_a_drawn_photo_tells_its_curve() -> None:
    photo = find_chains(draw(grid_of_lines(), WIDE))

    assert error_px(alone(photo), WIDE) < 0.7


def test_a_straight_drawn_photo_stays_straight() -> None:
    photo = find_chains(draw(grid_of_lines(), NONE))

    assert error_px(alone(photo), NONE) < 0.7


def test_a_drawn_frame_does_not_lock_on_identity() -> None:
    framed = draw(grid_of_lines(), WIDE, border=12)

    masked, unmasked = alone(find_chains(framed)), alone(find_chains(framed, frame_share=0.0))

    assert error_px(masked, WIDE) < 0.7
    assert error_px(unmasked, WIDE) > error_px(masked, WIDE)


def test_pooling_four_photos_reduces_the_error() -> None:
    single, pooled = [], []
    for listing in range(4):
        photos = [chains_through(WIDE, count=12, seed=10 * listing + photo) for photo in range(4)]
        single += [error_px(alone(photo), WIDE) for photo in photos]
        pooled += [error_px(estimate, WIDE) for estimate in together(*photos)]

    assert np.median(pooled) < 0.7 * np.median(single)


def test_a_photo_without_lines_has_the_prior_s_curve_and_width() -> None:
    estimate, known = alone(no_chains()), prior().mixture.strayed(prior().wiggle)

    np.testing.assert_allclose(estimate.theta, known.mean, atol=1e-12)
    spread = estimate.posterior.spread_about(estimate.theta)
    np.testing.assert_allclose(spread, known.spread_about(known.mean), rtol=1e-9)
    assert found(estimate).expected_px > 2.0
    assert (estimate.together, estimate.siblings) == ((), 0)


def test_a_photo_without_lines_gets_what_its_siblings_know() -> None:
    estimates = together(
        chains_through(ZOOMED, count=60),
        no_chains(),
        chains_through(WIDE, count=60, seed=1),
        chains_through(WIDE, count=60, seed=2),
    )

    assert error_px(estimates[1], WIDE) < 1.0
    assert (estimates[1].together, estimates[1].siblings) == ((2, 3), 2)


def test_a_photo_at_another_focal_length_keeps_its_own_curve() -> None:
    wide = [chains_through(WIDE, count=60, seed=seed) for seed in range(3)]

    estimates = together(*wide, chains_through(ZOOMED, count=60, seed=9))

    assert [estimate.together for estimate in estimates] == [(0, 1, 2)] * 3 + [(3,)]
    assert error_px(estimates[3], ZOOMED) < 1.0


def test_three_chains_make_no_wild_estimate() -> None:
    for seed in range(10):
        estimate = alone(chains_through(WIDE, count=3, seed=seed, bow=4.0))

        assert error_px(estimate, WIDE) < 4.0 * found(estimate).expected_px
        found(estimate).curve.check_monotone(SIZE)


def test_nine_errors_in_ten_stay_below_their_bound() -> None:
    rng = np.random.default_rng(5)
    mixture = prior().mixture
    kept = []
    for number in range(120):
        component = rng.choice(len(mixture.weights), p=mixture.weights)
        theta = rng.multivariate_normal(mixture.means[component], mixture.covariances[component])
        scene = rng.normal(4.0, 2.0) * bend(prior()) if rng.random() < prior().trust.bowed else NONE
        estimate = alone(chains_through(theta + scene, count=15, seed=number, bow=1.0))
        with suppress(LensModelError):  # the prior's tails have curves that fold
            kept.append(error_px(estimate, theta) <= found(estimate).bound_px)

    assert len(kept) > 110
    assert 0.84 <= np.mean(kept) <= 0.97  # 0.9 give or take 2.4 standard errors of 120


def test_evidence_that_is_trusted_less_leaves_more_room() -> None:
    photo = line_evidence(chains_through(WIDE), prior())
    errors = [
        curve_of(estimate_listing([photo], trusting)[0], trusting, SIZE).expected_px
        for trust in (LineTrust(1.0, 0.0), LineTrust(2.0, 0.0), LineTrust(2.0, 1.0))
        for trusting in [replace(prior(), trust=replace(trust, bowed=0.0, width=1.0))]
    ]

    assert errors[0] < errors[1] < errors[2]
    assert errors[2] > 0.9  # a scene's own bow of 1 px remains, whatever the number of chains


def test_a_known_lens_is_snapped_to_and_an_unknown_one_is_not() -> None:
    sure = replace(prior_of_lenses(unseen=0.05), trust=LineTrust(1.0, 0.0))
    known = sure.means[np.flatnonzero(sure.narrow)[10]]
    photos = [chains_through(known, count=64, seed=seed, bow=0.2) for seed in range(6)]
    strange = [chains_through(1.4 * known, count=64, seed=seed, bow=0.2) for seed in range(6)]

    def likeliest(chains: list[Chains]) -> tuple[int, float]:
        evidence: list[LineEvidence] = [line_evidence(photo, sure) for photo in chains]
        return estimate_listing(evidence, sure)[0].likeliest_profile(sure)

    lens, probability = likeliest(photos)
    assert lens == np.flatnonzero(sure.narrow)[10]
    assert probability > 0.8
    assert likeliest(strange)[1] < 0.5
    assert likeliest([no_chains()])[1] < 0.5


def test_a_straight_photo_probably_needs_no_correction_and_a_bent_one_does() -> None:
    straight, bent, empty = (
        line_evidence(chains, prior())
        for chains in (chains_through(NONE, count=60), chains_through(WIDE, count=60), no_chains())
    )

    assert straight_probability(straight, prior(), share=0.1) > 0.5
    assert straight_probability(bent, prior(), share=0.9) < 1e-6
    assert straight_probability(empty, prior(), share=0.1) == pytest.approx(0.1)  # nothing was learned


def test_equal_chains_give_equal_bits() -> None:
    one, other = (alone(chains_through(WIDE)) for _ in range(2))

    assert found(one) == found(other)


def test_the_order_of_the_photos_changes_nothing() -> None:
    photos = [chains_through(WIDE, count=20, seed=seed) for seed in range(4)]

    forth, back = together(*photos), together(*reversed(photos))

    np.testing.assert_allclose([e.theta for e in forth], [e.theta for e in reversed(back)], atol=1e-9)

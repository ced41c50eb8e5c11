from dataclasses import replace

import numpy as np
import pytest

from gpu.lens_curve import LensCurve
from gpu.plumb_line.estimate import curve_of, estimate_listing
from gpu.plumb_line.evidence import line_evidence
from gpu.plumb_line.learning import learn_prior, with_counts
from gpu.plumb_line.prior import CurvePrior, LineTrust
from gpu.plumb_line.shape import EVEN_POWERS, frame_rms_px, from_lens_curve, one_pixel, shape_metric
from gpu.plumb_line.trust import KnownPhoto, with_learned_trust
from tests.straight_lines import SIZE, WIDE, bend, chains_through, filled, lens_curves, prior


def test_every_lens_is_a_narrow_component_and_broad_ones_lie_round_them() -> None:
    known = prior(unseen=0.4)

    assert known.narrow.sum() == 24
    assert known.weights[~known.narrow].sum() == pytest.approx(0.4)
    theta, _ = from_lens_curve(lens_curves()[5][0], SIZE, EVEN_POWERS)
    assert np.abs(known.means[known.narrow] - theta).sum(axis=1).min() < 1e-9


def test_many_curves_are_drawn_together_without_moving_their_mean_and_spread() -> None:
    rng = np.random.default_rng(0)
    thetas = WIDE * rng.uniform(0.0, 1.5, (700, 1)) + 0.002 * rng.standard_normal((700, 3))
    counts = rng.integers(1, 9, 700)

    known = learn_prior(
        [(filled(theta), float(count)) for theta, count in zip(thetas, counts, strict=True)], SIZE, unseen=0.0
    )

    assert known.narrow.sum() == 512
    mean = known.mixture.mean
    covariance = known.mixture.spread_about(mean)
    shares = counts / counts.sum()
    np.testing.assert_allclose(mean, shares @ thetas, atol=1e-9)
    own = (thetas - mean).T @ (shares[:, None] * (thetas - mean))
    narrowness = 0.15**2 * one_pixel(SIZE, EVEN_POWERS)
    np.testing.assert_allclose(covariance, own + narrowness, atol=1e-9)


def test_counts_weigh() -> None:
    (one, _), (other, _) = lens_curves()[4], lens_curves()[20]

    known = learn_prior([(one, 3.0), (other, 1.0)], SIZE, unseen=0.0)

    np.testing.assert_allclose(sorted(known.weights[known.narrow]), [0.25, 0.75])


def test_other_counts_move_the_weights_and_no_lens() -> None:
    curves = lens_curves()
    known = learn_prior(curves, SIZE, unseen=0.4)

    met = with_counts(known, [(curve, float(number == 5)) for number, (curve, _) in enumerate(curves)], SIZE)

    theta, _ = from_lens_curve(curves[5][0], SIZE, EVEN_POWERS)
    heaviest = int(np.where(known.narrow, met.weights, 0.0).argmax())
    np.testing.assert_allclose(met.means[heaviest], theta, atol=1e-9)
    assert met.weights[heaviest] > 0.5
    assert met.weights[~known.narrow].sum() == pytest.approx(0.4)
    assert met.means is known.means


def test_one_curve_is_a_prior_too() -> None:
    known = learn_prior([(LensCurve((1.0,)), 1.0)], SIZE)

    np.testing.assert_allclose(known.mixture.mean, np.zeros(3), atol=1e-12)
    assert np.isfinite(known.covariances).all()


def test_lenses_that_were_met_twice_leave_as_much_room_for_others() -> None:
    once, twice = (learn_prior(lens_curves() * times, SIZE) for times in (1, 2))

    room = [known.covariances[~known.narrow][:-1].mean(axis=0) for known in (once, twice)]
    np.testing.assert_allclose(room[1], room[0], rtol=0.2)


def test_a_lens_like_none_is_possible_too() -> None:
    known = learn_prior(lens_curves(), SIZE, unseen=0.3)
    narrow = known.narrow
    mean = known.weights[narrow] @ known.means[narrow] / known.weights[narrow].sum()

    assert known.weights[-1] == pytest.approx(0.05)
    np.testing.assert_allclose(known.means[-1], mean, atol=1e-9)
    apart = known.means[narrow] - mean
    shares = known.weights[narrow] / known.weights[narrow].sum()
    spread = np.einsum("k,ki,kj->ij", shares, apart, apart)
    assert np.trace(known.metric @ known.covariances[-1]) > 3.9 * np.trace(known.metric @ spread)


def test_a_prior_whose_arrays_do_not_fit_is_refused() -> None:
    known = prior()

    with pytest.raises(ValueError, match=r"a prior of K = 41 has arrays \(K, 3\)"):
        replace(known, means=known.means[:-1])
    with pytest.raises(ValueError, match="sum to 1"):
        replace(known, weights=known.weights * 0.5)


def test_scenes_with_a_bow_of_their_own_are_trusted_for_what_they_miss() -> None:
    rng = np.random.default_rng(1)
    trusts, expected, missed, kept = [], [], [], []
    for bow in (0.0, 0.02):
        scenes = [[_scene(prior(), bow * rng.standard_normal(), number)] for number in range(24)]
        known = with_learned_trust(prior(), scenes)
        estimates = [estimate_listing([photo], known)[0] for [(photo, _)] in scenes]
        found = [curve_of(estimate, known, SIZE) for estimate in estimates]
        trusts.append(known.trust)
        expected.append(np.mean([each.expected_px for each in found]))
        misses = [frame_rms_px(each.curve, filled(WIDE), SIZE) for each in found]
        missed.append(np.mean(misses))
        kept.append(np.mean([miss < each.bound_px for miss, each in zip(misses, found, strict=True)]))

    assert trusts[0].scene_bow_px < 0.5 < trusts[1].scene_bow_px
    least = LineTrust()  # a few listings do not show all
    assert (trusts[0].width, trusts[0].pooled_width) == (least.width, least.pooled_width)
    assert missed[1] > 2.0 * missed[0]
    assert expected[0] < expected[1]
    assert missed[1] < expected[1] < 2.0 * missed[1]  # more, since scenes may be bowed
    assert min(kept) > 0.85


def test_listings_teach_how_many_scenes_are_bowed() -> None:
    def share(*bows_px: float) -> float:
        scenes = [
            [_photo(prior(), WIDE, 10 * n + k, shown=WIDE + px * bend(prior())) for k in range(2)]
            for n, px in enumerate(bows_px)
        ]
        return with_learned_trust(prior(), scenes).trust.bowed

    default = prior().trust.bowed
    none, half = share(*[0.0] * 8), share(*[0.0] * 4, *[5.0] * 4)
    assert none == pytest.approx(20.0 * default / 28.0, rel=0.01)
    assert half == pytest.approx((20.0 * default + 4.0) / 28.0, rel=0.01)


def test_siblings_that_differ_teach_a_wiggle() -> None:
    def listings(stray: float) -> list[list[KnownPhoto]]:
        rng = np.random.default_rng(2)
        return [
            [_photo(prior(), WIDE * (1.0 + stray * rng.standard_normal()), 10 * n + k) for k in range(4)]
            for n in range(6)
        ]

    metric = shape_metric(SIZE, EVEN_POWERS)
    steady, moving = (with_learned_trust(prior(), listings(stray)).wiggle for stray in (0.0, 0.04))
    assert np.trace(metric @ steady) < np.trace(metric @ moving)


def test_trust_is_not_learned_from_nothing() -> None:
    with pytest.raises(ValueError, match="one or more photos"):
        with_learned_trust(prior(), [[]])


def _scene(known: CurvePrior, bow: float, seed: int) -> KnownPhoto:
    """A photo whose lines say one curve while its true one is another."""
    chains = chains_through(WIDE + np.array([bow, 0.0, 0.0]), count=40, seed=seed)
    return line_evidence(chains, known), filled(WIDE)


def _photo(known: CurvePrior, theta: np.ndarray, seed: int, *, shown: np.ndarray | None = None) -> KnownPhoto:
    """A photo of a lens, whose lines may show another curve."""
    chains = chains_through(theta if shown is None else shown, count=40, seed=seed)
    return line_evidence(chains, known), filled(theta)

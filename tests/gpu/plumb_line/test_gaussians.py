import numpy as np
import pytest

from gpu.plumb_line.gaussians import NOTHING, Mixture, Quadratic, expanded

RNG = np.random.default_rng(3)
MIXTURE = Mixture(
    np.array([0.3, 0.7]),
    np.array([[0.0, 1.0, -1.0], [1.0, 0.0, 2.0]]),
    np.stack([np.diag([1.0, 2.0, 0.5]), np.eye(3) + 0.3]),
)
SEEN = np.array([0.5, 0.2, 1.0])
COVARIANCE = np.array([[0.5, 0.1, 0.0], [0.1, 0.4, 0.1], [0.0, 0.1, 0.6]])


def measured(place: np.ndarray, covariance: np.ndarray) -> Quadratic:
    """The log density of a Gaussian measurement, normalised."""
    information = np.linalg.inv(covariance)
    top = -0.5 * (np.linalg.slogdet(covariance)[1] + 3 * np.log(2 * np.pi))
    return expanded(float(top), np.zeros(3), information, place)


def density(place: np.ndarray, covariance: np.ndarray) -> float:
    return float(
        np.exp(-0.5 * place @ np.linalg.solve(covariance, place))
        / np.sqrt(np.linalg.det(2 * np.pi * covariance))
    )


def test_the_evidence_of_a_measurement_is_the_density_of_mixture_and_noise_together() -> None:
    _, evidence = MIXTURE.absorb(measured(SEEN, COVARIANCE))

    expected = sum(
        weight * density(SEEN - mean, covariance + COVARIANCE)
        for weight, mean, covariance in zip(MIXTURE.weights, MIXTURE.means, MIXTURE.covariances, strict=True)
    )
    assert float(evidence) == pytest.approx(np.log(expected), abs=1e-10)


def test_forms_one_after_another_tell_as_much_as_their_sum() -> None:
    one, other = measured(SEEN, COVARIANCE), measured(SEEN + 0.3, 2 * COVARIANCE)

    first, evidence = MIXTURE.absorb(one)
    second, more = first.absorb(other)
    at_once, sum_of_both = MIXTURE.absorb(one + other)

    assert float(evidence + more) == pytest.approx(float(sum_of_both), abs=1e-10)
    np.testing.assert_allclose(second.weights, at_once.weights, atol=1e-12)
    np.testing.assert_allclose(second.means, at_once.means, atol=1e-12)
    np.testing.assert_allclose(second.covariances, at_once.covariances, atol=1e-12)


def test_a_strayed_form_is_that_of_a_noisier_measurement() -> None:
    stray = np.diag([0.2, 0.0, 1.0])

    strayed, noisier = measured(SEEN, COVARIANCE).strayed(stray), measured(SEEN, COVARIANCE + stray)

    np.testing.assert_allclose(strayed.information, noisier.information, atol=1e-12)
    np.testing.assert_allclose(strayed.linear, noisier.linear, atol=1e-12)
    assert float(strayed.constant) == pytest.approx(float(noisier.constant), abs=1e-12)


def test_nothing_changes_nothing() -> None:
    posterior, evidence = MIXTURE.absorb(NOTHING.strayed(COVARIANCE))

    assert float(evidence) == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(posterior.means, MIXTURE.means, atol=1e-12)


def test_a_stack_of_forms_gives_each_one_s_evidence() -> None:
    forms = [measured(SEEN + shift, COVARIANCE) for shift in (0.0, 0.5, 1.0)]
    stack = Quadratic(
        np.stack([form.constant for form in forms]),
        np.stack([form.linear for form in forms]),
        np.stack([form.information for form in forms]),
    )

    _, evidence = MIXTURE.absorb(stack.strayed(0.1 * COVARIANCE))

    each = [float(MIXTURE.absorb(form.strayed(0.1 * COVARIANCE))[1]) for form in forms]
    np.testing.assert_allclose(evidence, each, atol=1e-12)


def test_moments_and_density_are_those_of_drawn_points() -> None:
    component = RNG.choice(2, 40_000, p=MIXTURE.weights)
    factors = np.linalg.cholesky(MIXTURE.covariances)[component]
    points = MIXTURE.means[component] + np.einsum("nij,nj->ni", factors, RNG.standard_normal((40_000, 3)))

    mean = MIXTURE.mean
    covariance = MIXTURE.spread_about(mean)

    np.testing.assert_allclose(mean, points.mean(axis=0), atol=0.03)  # 4 standard errors
    np.testing.assert_allclose(covariance, np.cov(points.T), atol=0.06)
    direct = sum(
        weight * density(SEEN - each, spread)
        for weight, each, spread in zip(MIXTURE.weights, MIXTURE.means, MIXTURE.covariances, strict=True)
    )
    constant = -1.5 * np.log(2 * np.pi)
    assert MIXTURE.log_density(SEEN) + constant == pytest.approx(np.log(direct), abs=1e-10)

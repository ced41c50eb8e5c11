import numpy as np
import pytest

from gpu.coordinates import ImageSize
from gpu.pair_fit.gauss_newton import Descent, Equations
from gpu.pair_fit.information import NormalEquations, normal_equations, residual_field
from gpu.pair_fit.model import Array, WarpModel

SIZE = ImageSize(480, 320)
MODEL = WarpModel(SIZE)
CHANCE = np.random.default_rng(11)
PLACES = CHANCE.uniform((0, 0), (479, 319), (6000, 2))
GRADIENT = CHANCE.normal(0.0, 0.2, (6000, 2))


def descent(residuals: Array) -> Descent:
    fields = MODEL.fields(PLACES)
    rows = GRADIENT[:, :1] * fields[0] + GRADIENT[:, 1:] * fields[1]
    equations = Equations(rows, residuals, np.ones(len(residuals)), correlation=1.0)
    return Descent(MODEL.warp({0: 1.0}), steps=1, last_step=0.0, converged=True, equations=equations)


def some_normal(seed: int, size: int = 6) -> NormalEquations:
    rows = np.random.default_rng(seed).normal(size=(40, size))
    return NormalEquations(rows.T @ rows, rows.T @ np.random.default_rng(seed + 1).normal(size=40))


def test_the_error_foretold_is_that_of_many_fits_to_white_noise() -> None:
    metric, errors, foretold = MODEL.frame_metric(), [], []
    for seed in range(40):
        end = descent(np.random.default_rng(seed).normal(0.0, 0.1, len(PLACES)))
        off = np.linalg.solve(end.equations.matrix, end.equations.vector)
        errors.append(off @ metric @ off)
        foretold.append(normal_equations(end, PLACES, MODEL).expected_error(metric) ** 2)

    assert np.mean(foretold) == pytest.approx(np.mean(errors), rel=0.35)  # 40 draws of few degrees of freedom


def test_residuals_that_are_alike_in_each_block_foretell_a_larger_error() -> None:
    white = np.random.default_rng(0).normal(0.0, 0.1, len(PLACES))
    patch = np.floor(PLACES / 60.0) @ (1.0, 100.0)
    moved = np.sin(7.0 * patch)[:, None] * (0.5, -0.5)
    alike = white + np.sum(GRADIENT * moved, axis=1)

    one, other = (normal_equations(descent(e), PLACES, MODEL) for e in (white, alike))

    metric = MODEL.frame_metric()
    assert other.expected_error(metric) > 2.0 * one.expected_error(metric)


def test_the_residual_field_is_the_displacement_that_blocks_are_off_by() -> None:
    column = np.floor((PLACES[:, 0] + 0.5) / 480 * 8)
    moved = np.where(column % 2 == 0, 1.0, -1.0)[:, None] * (0.3, -0.4)
    off = descent(-np.sum(GRADIENT * moved, axis=1))

    assert residual_field(off, PLACES, MODEL) == pytest.approx(0.5, rel=0.05)
    assert residual_field(descent(np.zeros(len(PLACES))), PLACES, MODEL) == 0.0


def test_leaving_out_parameters_keeps_solution_and_covariance_of_the_others() -> None:
    whole = some_normal(1)

    part = whole.of_first(4)

    np.testing.assert_allclose(part.solution, whole.solution[:4], rtol=1e-9)
    np.testing.assert_allclose(part.covariance, whole.covariance[:4, :4], rtol=1e-9)


def test_the_sum_of_twice_the_same_has_its_solution_and_half_its_covariance() -> None:
    once = some_normal(2)

    twice = once + once

    np.testing.assert_allclose(twice.solution, once.solution, rtol=1e-9)
    np.testing.assert_allclose(twice.covariance, once.covariance / 2, rtol=1e-9)

import numpy as np
import pytest

from gpu.coordinates import ImageSize
from gpu.jpeg.header import read_header
from gpu.pair_fit.fit import fit_pair
from gpu.pair_fit.gauss_newton import Descent, descend
from gpu.pair_fit.information import normal_equations
from gpu.pair_fit.luma import read_luma
from gpu.pair_fit.model import WarpModel
from gpu.pair_fit.pooling import pool
from gpu.pair_fit.texture import Points, texture_of
from tests.lens_pairs import PTLENS, SIZE, error_px, pair

MODEL = WarpModel(SIZE)
COUNT = len(MODEL.powers)


def level(seed: int) -> tuple[Descent, Points]:
    original, target = (
        texture_of(read_luma(photo, read_header(photo), reduction=1)) for photo in pair(PTLENS, seed=seed)
    )
    start = MODEL.warp(dict(enumerate(PTLENS.factors)))
    points = target.steep_points()
    return descend(MODEL, points, original, start), points


def test_pooling_equals_one_fit_over_both_pairs_with_a_shift_for_each() -> None:
    ends = [level(seed) for seed in (0, 1)]
    normals = [normal_equations(end, points.places, MODEL) for end, points in ends]
    blocks, wanted = [], []
    for number, ((end, _), normal) in enumerate(zip(ends, normals, strict=True)):
        deviation = np.sqrt(end.equations.matrix[0, 0] / normal.matrix[0, 0])
        scale = np.sqrt(end.equations.weights) / deviation
        step = np.linalg.solve(end.equations.matrix, end.equations.vector)
        rows = np.zeros((len(scale), COUNT + 4))
        rows[:, :COUNT] = end.equations.rows[:, :COUNT]
        rows[:, COUNT + 2 * number : COUNT + 2 * number + 2] = end.equations.rows[:, COUNT:]
        blocks.append(rows * scale[:, None])
        before = end.equations.rows @ (end.parameters - step)
        wanted.append((before - end.equations.residuals) * scale)
    joint = np.linalg.lstsq(np.vstack(blocks), np.concatenate(wanted), rcond=None)[0]

    pooled = normals[0].of_first(COUNT) + normals[1].of_first(COUNT)

    np.testing.assert_allclose(pooled.solution, joint[:COUNT], atol=1e-8)


def test_four_pairs_of_one_lens_know_its_curve_better_than_each_alone() -> None:
    fits = [fit_pair(*pair(PTLENS, seed=seed), reduction=4) for seed in range(4)]

    pooled = pool(fits)

    alone = [error_px(found.curve, PTLENS) for found in fits]
    assert error_px(pooled.curve, PTLENS) < np.sqrt(np.mean(np.square(alone)))
    assert pooled.expected_error_px < 0.7 * min(found.expected_error_px for found in fits)
    assert pooled.curve.centre_shift == (0.0, 0.0)


def test_one_pair_pooled_is_its_own_curve() -> None:
    found = fit_pair(*pair(PTLENS), reduction=4)
    assert found.curve is not None

    np.testing.assert_allclose(pool([found]).curve.factors, found.curve.factors, rtol=1e-9)


def test_pairs_that_cannot_be_pooled_are_refused() -> None:
    found = fit_pair(*pair(PTLENS), reduction=4)
    even = fit_pair(*pair(PTLENS), reduction=4, powers=(0, 2, 4))
    original, _ = pair(PTLENS)
    unfitted = fit_pair(original, pair(PTLENS, size=ImageSize(400, 300))[1])

    for fits in ([], [found, even], [found, unfitted]):
        with pytest.raises(ValueError, match="pooling takes one or more fitted pairs"):
            pool(fits)

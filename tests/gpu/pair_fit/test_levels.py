import numpy as np

from gpu.pair_fit.levels import descend_all, pyramid
from gpu.pair_fit.luma import Luma
from gpu.pair_fit.model import WarpModel
from tests.lens_pairs import BARREL, SIZE, corrected, room


def test_levels_double_from_coarse_to_fine() -> None:
    luma = Luma(room().astype(np.float32), 1)

    levels = pyramid(luma, luma)

    assert [level.original.step for level in levels] == [8, 4, 2, 1]
    assert [level.original.values.shape[0] for level in levels] == [40, 80, 160, 320]


def test_each_level_starts_where_the_one_before_ended() -> None:
    model = WarpModel(SIZE)
    levels = pyramid(*(Luma(photo.astype(np.float32), 1) for photo in (room(), corrected(room(), BARREL))))

    descents = descend_all(model, levels, model.warp(dict(enumerate(BARREL.factors))))

    assert len(descents) == len(levels)
    assert [found.converged for found in descents] == [True] * len(levels)
    again = descend_all(model, levels[-1:], descents[-2].parameters)
    np.testing.assert_array_equal(again[0].parameters, descents[-1].parameters)

import numpy as np
import pytest

from gpu.lens_curve import LensCurve
from gpu.pair_fit.levels import Level, pyramid
from gpu.pair_fit.luma import Luma
from gpu.pair_fit.model import WarpModel, frame_rms
from gpu.pair_fit.start import coarse_start
from tests.lens_pairs import SIZE, corrected, filled, room

MODEL = WarpModel(SIZE)


def coarsest(curve: LensCurve) -> Level:
    original, target = room(), corrected(room(), curve)
    return pyramid(Luma(original.astype(np.float32), 1), Luma(target.astype(np.float32), 1))[0]


@pytest.mark.parametrize("bend", [-0.19, -0.07, 0.0, 0.03, 0.11])
@pytest.mark.parametrize("zoom", [0.98, 1.0, 1.02])
def test_the_start_is_within_two_coarse_samples_of_the_warp(bend: float, zoom: float) -> None:
    curve = filled(0.0, bend).zoomed(zoom)
    level = coarsest(curve)

    start = coarse_start(MODEL, level.points, level.original)

    truth = MODEL.warp(dict(enumerate(curve.factors)))
    assert frame_rms(MODEL.frame_metric(), start - truth) < 2.0 * level.original.step


def test_a_photo_of_itself_starts_at_no_correction() -> None:
    level = coarsest(LensCurve((1.0,)))

    start = coarse_start(MODEL, level.points, level.original)

    np.testing.assert_allclose(start, MODEL.warp({0: 1.0}), atol=1e-12)

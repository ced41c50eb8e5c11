import numpy as np
import pytest

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from gpu.pair_fit.frame import forward_gap, inverse_gap
from tests.lens_pairs import BARREL, SIZE


def test_a_corrected_frame_touches_the_edge_of_the_original_from_inside() -> None:
    assert forward_gap(BARREL, SIZE, content=SIZE) == pytest.approx(0.0, abs=1e-9)


def test_the_inverse_of_a_correction_reads_beyond_the_edge() -> None:
    corner = np.array([(SIZE.width - 1) / 2, (SIZE.height - 1) / 2])
    outward = (
        BARREL.invert(np.hypot(*corner) / SIZE.half_diagonal).radii * SIZE.half_diagonal / np.hypot(*corner)
    )

    gap = inverse_gap(BARREL, SIZE, content=SIZE)

    assert gap == pytest.approx(-(outward - 1.0) * corner[0], rel=1e-6)
    assert gap < -5.0


def test_zoom_of_3_percent_leaves_3_percent_of_half_the_short_side() -> None:
    assert forward_gap(LensCurve((0.97,)), SIZE, content=SIZE) == pytest.approx(0.03 * 159.5)


def test_bars_shrink_the_frame_but_not_the_unit_of_the_curve() -> None:
    content = ImageSize(400, 200)

    assert forward_gap(LensCurve((0.97,)), SIZE, content=content) == pytest.approx(0.03 * 99.5)


def test_a_curve_that_never_reaches_the_edge_has_no_inverse_there() -> None:
    assert inverse_gap(LensCurve((1.0, 0.0, -1.0)), SIZE, content=SIZE) == -np.inf

from dataclasses import replace

import numpy as np
import pytest

from gpu.coordinates import ImageSize
from gpu.plumb_line.likely_curves import likely_curves
from gpu.plumb_line.prior import CurvePrior, bound_px, expected_px
from gpu.plumb_line.shape import EVEN_POWERS, frame_rms_px, one_pixel

SIZE = ImageSize(2048, 1367)
PIXEL = one_pixel(SIZE, EVEN_POWERS)


def prior(*bends: float, width: float = 0.1, surplus_sigma: float = 0.0) -> CurvePrior:
    """Lenses that bend so, each with a share as large and a spread of so many px."""
    count = len(bends)
    return CurvePrior(
        weights=np.full(count, 1.0 / count),
        means=np.array([(bend, 0.0, 0.0) for bend in bends]),
        covariances=np.tile(width**2 * PIXEL, (count, 1, 1)),
        narrow=np.ones(count, bool),
        pixel=PIXEL,
        focal=PIXEL,
        surplus_sigma=surplus_sigma,
    )


def test_a_lens_far_off_is_as_far_as_its_own_curve_is() -> None:
    known = prior(-0.02, -0.1)
    curve = known.curve(known.means[0], SIZE)
    expected, bound = likely_curves(known, SIZE).errors_px(curve, known.weights)
    apart = frame_rms_px(curve, known.curve(known.means[1], SIZE), SIZE)
    assert bound == pytest.approx(apart, rel=0.02)  # a spread of 0.1 px
    assert expected == pytest.approx(apart / 2, rel=0.02)


def test_weights_of_another_size_are_taken() -> None:
    known = prior(-0.02, -0.1)
    curve = known.curve(known.means[0], SIZE)
    expected, bound = likely_curves(known, SIZE).errors_px(curve, np.array([1.0, 0.0]))
    assert expected < bound < 0.5


def test_near_a_lens_it_agrees_with_what_lines_are_judged_by() -> None:
    known = prior(-0.05, width=1.0, surplus_sigma=0.002)
    theta = known.means[0]
    metric = known.pixel_metric(theta, SIZE)
    expected, bound = likely_curves(known, SIZE).errors_px(known.curve(theta, SIZE), known.weights)
    assert expected == pytest.approx(expected_px(metric, known.mixture, theta), rel=0.2)
    assert bound == pytest.approx(bound_px(metric, known.mixture, theta), rel=0.25)


def test_the_spread_of_the_zoom_counts() -> None:
    told = [
        likely_curves(known, SIZE).errors_px(known.curve(known.means[0], SIZE), known.weights)[1]
        for known in (prior(-0.05), prior(-0.05, surplus_sigma=0.005))
    ]
    assert told[1] > told[0] + 0.005 * SIZE.half_diagonal / 2


def test_lenses_that_fold_are_left_out() -> None:
    known = prior(-0.02, -0.9)
    curve = known.curve(known.means[0], SIZE)
    sound = replace(known, weights=np.array([1.0, 0.0]))
    assert likely_curves(known, SIZE).errors_px(curve, known.weights) == likely_curves(known, SIZE).errors_px(
        curve, sound.weights
    )

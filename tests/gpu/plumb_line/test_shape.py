from dataclasses import replace

import numpy as np
import pytest

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.filling import filling_zoom
from gpu.lensfun import PtLens, curve_from_lensfun
from gpu.plumb_line.gaussians import Mixture
from gpu.plumb_line.prior import expected_px
from gpu.plumb_line.shape import (
    EVEN_POWERS,
    frame_radii,
    frame_rms_px,
    from_lens_curve,
    growth,
    one_pixel,
    shape_metric,
    to_lens_curve,
    undistort,
)
from tests.straight_lines import SIZE, WIDE, prior

FULL = ImageSize(2048, 1367)


@pytest.mark.parametrize("powers", [(2, 4, 6), (1, 2, 3), (1, 2, 4)])
def test_shape_and_zoom_come_back_from_their_lens_curve(powers: tuple[int, int, int]) -> None:
    theta, zoom = from_lens_curve(to_lens_curve(WIDE, 0.97, powers), SIZE, powers)

    np.testing.assert_allclose(theta, WIDE, atol=1e-10)
    assert zoom == pytest.approx(0.97, abs=1e-12)


def test_the_lens_curve_is_the_shape_seen_through_the_zoom() -> None:
    x = np.linspace(0.0, 1.0, 21)
    y = 0.97 * x

    src = y * (1.0 + WIDE[0] * y**2 + WIDE[1] * y**4 + WIDE[2] * y**6)
    np.testing.assert_allclose(to_lens_curve(WIDE, 0.97, EVEN_POWERS).distort(x), src, rtol=1e-13)


def test_a_lensfun_lens_is_met_to_half_a_pixel() -> None:
    lens = curve_from_lensfun(PtLens(0.012, -0.035, 0.01), FULL)

    theta, zoom = from_lens_curve(lens, FULL, EVEN_POWERS)

    assert frame_rms_px(to_lens_curve(theta, zoom, EVEN_POWERS), lens, FULL) < 0.5


def test_undistorting_finds_the_radius_whose_growth_was_given() -> None:
    thetas, radii = np.stack([WIDE, -WIDE, np.zeros(3)]), np.linspace(0.0, 1.0, 50)

    r, slope, arrived = undistort(thetas, radii, EVEN_POWERS)

    assert arrived.all()
    value, expected_slope = growth(thetas, r, EVEN_POWERS)
    np.testing.assert_allclose(value, np.broadcast_to(radii, value.shape), atol=1e-9)  # half diagonals
    np.testing.assert_allclose(slope, expected_slope)


def test_beyond_the_fold_nothing_arrives() -> None:
    folding = np.array([[-1.0, 0.0, 0.0]])  # r - r^3 turns at a source radius of 0.3849

    _, _, arrived = undistort(folding, np.array([0.3, 0.39, 0.8]), EVEN_POWERS)

    assert arrived[0].tolist() == [True, False, False]


def test_a_pixel_of_covariance_is_a_pixel_over_the_frame() -> None:
    covariance = one_pixel(FULL, EVEN_POWERS)

    assert np.trace(shape_metric(FULL, EVEN_POWERS) @ covariance) == pytest.approx(1.0)
    step = np.asarray(np.linalg.cholesky(covariance)[:, 0], np.float64)
    x = frame_radii(FULL)
    moved, _ = growth(step[None], x[None], EVEN_POWERS)
    best = x * (x @ moved[0]) / (x @ x)
    rms = np.sqrt(np.mean((moved[0] - best) ** 2)) * FULL.half_diagonal
    assert rms == pytest.approx(3**-0.5, rel=1e-6)  # one of three directions


def test_the_pixel_metric_foretells_the_distance_of_neighbouring_curves() -> None:
    known = prior()
    step = np.array([0.002, -0.003, 0.001])

    metric, _ = known.pixel_metric(WIDE, FULL)

    exact = frame_rms_px(known.curve(WIDE + step, FULL), known.curve(WIDE, FULL), FULL)
    assert np.sqrt(step @ metric @ step) == pytest.approx(exact, rel=0.03)  # the second order is left out


def test_an_uncertain_zoom_is_told_in_pixels() -> None:
    known = prior()
    u, v = (np.linspace(-side / 2, side / 2, 201) for side in (FULL.width, FULL.height))

    metric = replace(known, surplus_sigma=0.003).pixel_metric(np.zeros(3), FULL)

    expected = 0.003 * np.sqrt((u**2).mean() + (v**2).mean())
    exact = Mixture(np.ones(1), np.zeros((1, 3)), np.zeros((1, 3, 3)))
    assert expected_px(metric, exact, np.zeros(3)) == pytest.approx(expected, rel=0.02)


def test_a_curve_fills_its_frame_and_is_zoomed_by_the_surplus_beyond() -> None:
    known = prior()
    new = np.array([-0.09, 0.035, -0.004])

    just = known.curve(new, SIZE)
    beyond = replace(known, surplus=0.01).curve(new, SIZE)

    assert filling_zoom(just, SIZE) == pytest.approx(1.0, abs=1e-9)
    assert filling_zoom(beyond, SIZE) == pytest.approx(np.exp(-0.01), abs=1e-9)


def test_a_shape_that_folds_has_no_curve() -> None:
    with pytest.raises(LensModelError, match="fold before they reach the corner"):
        prior().curve(np.array([-1.0, 0.0, 0.0]), SIZE)

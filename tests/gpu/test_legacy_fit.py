import numpy as np
import pytest

from gpu.brown import BrownLens, curve_from_brown
from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.filling import filling_zoom
from gpu.legacy import legacy_radial_map
from gpu.legacy_fit import middle_legacy, nearest_legacy, source_places
from gpu.lens_curve import LensCurve
from gpu.pair_fit.model import frame_places

SIZE = ImageSize(2048, 1367)


def brown(k1: float, k2: float) -> LensCurve:
    curve = curve_from_brown(BrownLens(k1, k2), SIZE)
    return curve.zoomed(filling_zoom(curve, SIZE))


def apart(k1: float, k2: float, curve: LensCurve) -> float:
    places = frame_places(SIZE).T
    found = source_places(legacy_radial_map(k1, k2, 0.0, SIZE), places)
    wanted = source_places(curve.radial_map(SIZE), places)
    return float(np.sqrt(np.mean(np.sum(np.square(found - wanted), axis=0))))


def test_a_curve_on_the_ridge_gives_its_own_pair_back() -> None:
    found = nearest_legacy(brown(-0.17, 0.35), SIZE)
    # the half pixel between the two conventions, and its tenth of a pixel of stretch
    assert (found.k1, found.k2) == pytest.approx((-0.17, 0.35), abs=0.002)
    assert found.residual_px < 0.1


@pytest.mark.parametrize("curve", [brown(-0.17, 0.35), LensCurve((1.004, 0.005, -0.005, -0.032))])
def test_no_pair_near_by_or_far_off_is_nearer(curve: LensCurve) -> None:
    found = nearest_legacy(curve, SIZE)
    assert found.residual_px == pytest.approx(
        apart(found.k1, found.k2, curve), rel=0.02
    )  # there it is a sum over cells
    pairs = [(found.k1 + a, found.k2 + b) for a in (-0.01, 0.01) for b in (-0.02, 0.02)]
    pairs += [(-0.25, 0.5), (-0.1, 0.2), (-0.05, 0.1), (0.05, -0.2)]
    assert min(apart(*pair, curve) for pair in pairs) > 0.99 * apart(found.k1, found.k2, curve)


def test_what_the_legacy_form_cannot_say_is_told() -> None:
    assert nearest_legacy(LensCurve((1.004, 0.005, -0.005, -0.032)), SIZE).residual_px > 3.0


def test_the_pair_for_many_follows_the_many() -> None:
    strong, weak = brown(-0.2, 0.41), brown(-0.12, 0.25)
    found = middle_legacy([strong, weak], np.array([3.0, 1.0]), SIZE)
    assert (found.k1, found.k2) == pytest.approx((-0.2, 0.41), abs=0.005)
    found = middle_legacy([strong, weak], np.array([1.0, 3.0]), SIZE)
    assert (found.k1, found.k2) == pytest.approx((-0.12, 0.25), abs=0.005)


def test_of_several_alphas_the_nearest_is_taken() -> None:
    loose = brown(-0.17, 0.35).zoomed(0.9985)  # shows a little more than alpha 0 can
    each = {alpha: nearest_legacy(loose, SIZE, alphas=(alpha,)) for alpha in (0.0, 0.1, 0.2)}
    found = nearest_legacy(loose, SIZE, alphas=(0.0, 0.1, 0.2))
    assert found == min(each.values(), key=lambda one: one.residual_px)
    assert found.alpha > 0.0
    assert found.residual_px < 0.5 * each[0.0].residual_px


def test_an_alpha_that_shows_border_is_passed_over() -> None:
    wide = brown(-0.17, 0.35).zoomed(0.9)
    assert nearest_legacy(wide, SIZE, alphas=(0.0, 1.0)).alpha == 0.0
    with pytest.raises(LensModelError, match="without border, alpha 1"):
        nearest_legacy(wide, SIZE, alphas=(1.0,))

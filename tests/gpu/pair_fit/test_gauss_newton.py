import numpy as np

from gpu.pair_fit.gauss_newton import Descent, descend
from gpu.pair_fit.luma import Luma
from gpu.pair_fit.model import WarpModel, frame_rms
from gpu.pair_fit.texture import texture_of
from tests.lens_pairs import PTLENS, SIZE, Pixels, corrected, room

MODEL = WarpModel(SIZE)
TRUTH = MODEL.warp(dict(enumerate(PTLENS.factors)))


def descent(original: Pixels, target: Pixels, *, off: float) -> Descent:
    one, other = (texture_of(Luma(photo.astype(np.float32), 1)) for photo in (original, target))
    start = TRUTH + np.array([off, 0, 0, 0, off, -off])
    return descend(MODEL, other.steep_points(), one, start)


def distance(found: Descent) -> float:
    return frame_rms(MODEL.frame_metric(), found.parameters - TRUTH)


def test_it_converges_from_a_pixel_off_in_a_few_steps() -> None:
    found = descent(room(), corrected(room(), PTLENS), off=0.005)

    assert found.converged
    assert found.steps <= 6
    assert found.last_step <= 0.02
    assert distance(found) < 0.02  # px RMS


def test_a_sixth_of_the_target_that_moved_by_itself_hardly_moves_the_answer() -> None:
    target = corrected(room(), PTLENS).copy()
    target[40:200, 300:460] = target[40:200, 303:463].copy()

    found = descent(room(), target, off=0.0)

    assert distance(found) < 0.1  # px RMS; 0.48 if every place had the same weight


def test_what_is_read_outside_the_original_has_no_weight() -> None:
    found = descent(room(), corrected(room(), PTLENS), off=0.2)

    assert 0.0 < np.mean(found.equations.weights == 0.0) < 1.0


def test_without_a_match_it_says_that_it_did_not_converge() -> None:
    found = descent(room(0), room(1), off=0.05)

    assert not found.converged
    assert found.equations.correlation < 0.5

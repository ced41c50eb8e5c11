from collections.abc import Callable

import cv2
import numpy as np
import pytest

from gpu.jpeg.rejection import PhotoRejected
from gpu.search.candidate import Candidate
from gpu.search.per_photo import (
    Choice,
    ChoiceJob,
    bentness,
    laplacian_energy,
    sharpest,
    straightened,
    straightest,
)
from tests.pairs import corrected
from tests.photos import jpeg

SEED = Candidate(-0.17, 0.35)
Choose = Callable[[ChoiceJob], Choice | None]
CHOOSERS = pytest.mark.parametrize("choose", [straightest, sharpest, straightened])


def job(photo: bytes, *candidates: Candidate) -> ChoiceJob:
    return ChoiceJob(photo, candidates or (SEED, Candidate(-0.1, 0.2)), "cubic", "reflect")


@pytest.fixture(scope="module")
def bent() -> bytes:
    """A photo of straight lines seen through a barrel."""
    return corrected(jpeg(640, 427, seed=4), k1=0.25, k2=0.0, width=640, height=427)


def test_a_straight_line_is_less_bent_than_the_same_line_broken() -> None:
    straight, broken = np.full((2, 200, 300), 30, np.uint8)
    cv2.line(straight, (20, 100), (280, 100), 220, 3)
    cv2.polylines(
        broken,
        [np.array([(20, 100), (100, 130), (200, 130), (280, 100)])],
        isClosed=False,
        color=220,
        thickness=3,
    )
    assert bentness(straight) < bentness(broken) < 1.0
    assert bentness(straight) == pytest.approx(1 - 260 / np.hypot(200, 300), abs=0.02)


def test_a_photo_without_lines_is_as_bent_as_can_be() -> None:
    assert bentness(np.full((64, 64), 99, np.uint8)) == 1.0


def test_laplacian_energy_counts_each_pixel_s_second_differences() -> None:
    dot = np.zeros((10, 10), np.uint8)
    dot[5, 5] = 10
    assert laplacian_energy(dot) == (40**2 + 4 * 10**2) / 100


def test_the_straightest_candidate_is_the_one_that_undoes_the_lens(bent: bytes) -> None:
    # r (1 + k r^2) is undone by r (1 - k r^2 + 3 k^2 r^4 - ...)
    candidates = [Candidate(-k, 3 * k * k) for k in (0.4, 0.25, 0.1, 0.0)]
    choice = straightest(job(bent, *candidates))
    assert choice is not None
    assert choice.candidate == candidates[1]
    assert choice.objective < choice.untouched
    assert choice.looks == 4


def test_nelder_mead_straightens_more_than_its_start_does(bent: bytes) -> None:
    start = Candidate(-0.18, 0.0)
    choice, at_start = straightened(job(bent, start)), straightest(job(bent, start))
    assert choice is not None
    assert at_start is not None
    assert choice.objective < at_start.objective
    assert 3 < choice.looks <= 60
    assert abs(choice.candidate.k1 - start.k1) <= 0.12
    assert abs(choice.candidate.k2 - start.k2) <= 0.24


def test_the_sharpest_candidate_is_the_one_that_warps_least_of_like_ones(bent: bytes) -> None:
    choice = sharpest(job(bent, Candidate(0.0, 0.0), SEED))
    assert choice is not None
    assert choice.candidate == Candidate(0.0, 0.0)
    assert choice.objective == choice.untouched


@CHOOSERS
def test_a_photo_is_always_given_the_same(choose: Choose, bent: bytes) -> None:
    assert choose(job(bent)) == choose(job(bent))


@CHOOSERS
def test_candidates_that_fold_or_show_border_are_never_chosen(choose: Choose, bent: bytes) -> None:
    border, folds = Candidate(-0.2, 0.0, 1.0), Candidate(-3.0, 0.0)
    assert choose(job(bent, border, folds)) is None
    chosen = choose(job(bent, border, folds, SEED))
    assert chosen is not None
    assert chosen.candidate.alpha == 0.0


@CHOOSERS
def test_a_photo_of_the_smallest_size_is_looked_at_too(choose: Choose) -> None:
    assert choose(job(jpeg(16, 16))) is not None


@CHOOSERS
def test_a_damaged_photo_is_rejected(choose: Choose) -> None:
    with pytest.raises(PhotoRejected):
        choose(job(jpeg()[:3000]))

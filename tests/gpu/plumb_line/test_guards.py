import numpy as np

from gpu.lens_curve import LensCurve
from gpu.plumb_line.estimate import FoundCurve
from gpu.plumb_line.guards import IDENTITY, bows_px, disagreement, long_lines, objection
from tests.straight_lines import SIZE, WIDE, chains_through, filled

LINES = long_lines(chains_through(WIDE, bow=0.2))


def test_nothing_speaks_against_the_true_curve() -> None:
    assert objection(filled(WIDE), LINES, SIZE) is None
    assert objection(IDENTITY, LINES, SIZE) is None


def test_a_curve_that_bends_what_is_straight_is_objected_to_with_both_figures() -> None:
    straight = long_lines(chains_through(np.zeros(3), bow=0.2))

    sentence = objection(filled(WIDE), straight, SIZE)

    assert sentence is not None
    assert "a curve must not bend what is straight" in sentence
    assert " 0.08 px without it" in sentence  # the noise of the places


def test_too_few_long_lines_object_to_nothing() -> None:
    assert objection(filled(WIDE), long_lines(chains_through(np.zeros(3), count=2)), SIZE) is None


def test_a_curve_that_folds_is_objected_to() -> None:
    sentence = objection(LensCurve((1.0, 0.0, -0.5)), LINES, SIZE)

    assert sentence is not None
    assert "fold the map at radius 0.82" in sentence


def test_lines_are_straight_once_corrected() -> None:
    before, after = bows_px(IDENTITY, LINES, SIZE), bows_px(filled(WIDE), LINES, SIZE)

    assert np.median(after) < 0.2 < np.median(before)


def test_lines_beyond_the_fold_are_nowhere() -> None:
    folding = LensCurve((1.0, 0.0, -1.0))

    assert np.isinf(bows_px(folding, LINES, SIZE)).any()


def test_no_more_than_the_24_longest_lines_are_kept() -> None:
    lines = long_lines(chains_through(WIDE, count=64))

    assert len(lines) == 24
    assert min(np.hypot(*(line[-1] - line[0])) for line in lines) >= 0.3


def test_most_photos_must_agree_with_the_curve_that_they_share() -> None:
    curve = filled(WIDE)
    near, far = (FoundCurve(curve.zoomed(zoom), 0.5, 1.0) for zoom in (1.0005, 1.02))  # 0.4 and 14 px

    assert disagreement(curve, [near, far], SIZE) is None
    sentence = disagreement(curve, [near, far, far], SIZE)
    assert sentence is not None
    assert sentence.startswith("2 of 3 photos that seem to share it tell of other curves")

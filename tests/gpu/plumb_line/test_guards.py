import numpy as np

from gpu.lens_curve import LensCurve
from gpu.plumb_line.guards import IDENTITY, bows_px, objections, overlay
from tests.straight_lines import SIZE, WIDE, chains_through, filled

CHAINS = chains_through(WIDE, bow=0.2)


def test_nothing_speaks_against_the_true_curve() -> None:
    assert objections(filled(WIDE), CHAINS) == ()
    assert objections(IDENTITY, CHAINS) == ()


def test_a_curve_that_bends_what_is_straight_is_objected_to_with_both_figures() -> None:
    straight = chains_through(np.zeros(3), bow=0.2)

    (sentence,) = objections(filled(WIDE), straight)

    assert "a curve must not bend what is straight" in sentence
    assert " 0.09 px without it" in sentence  # the noise of the places


def test_too_few_long_chains_object_to_nothing() -> None:
    assert objections(filled(WIDE), chains_through(np.zeros(3), count=2)) == ()


def test_a_curve_that_folds_is_objected_to() -> None:
    (sentence,) = objections(LensCurve((1.0, 0.0, -0.5)), CHAINS)

    assert "fold the map at radius 0.82" in sentence


def test_chains_are_straight_once_corrected() -> None:
    before, after = bows_px(IDENTITY, CHAINS), bows_px(filled(WIDE), CHAINS)

    assert np.median(after) < 0.2 < np.median(before)


def test_the_overlay_shows_chains_as_taken_and_as_corrected_in_pixels() -> None:
    lines = overlay(filled(WIDE), CHAINS)

    assert len(lines) == len(CHAINS.sigma)
    first = lines[0]
    centre = np.array([599.5, 399.5])
    np.testing.assert_allclose(first.before, CHAINS.places[0] * SIZE.half_diagonal + centre)
    # reading the original where the map of the renderer says gives the chain as taken
    mapping = filled(WIDE).radial_map(SIZE)
    p = (first.after - mapping.out_centre) / mapping.out_scale
    growth = np.asarray(np.polynomial.polynomial.polyval(np.hypot(*p.T), mapping.factors), np.float64)
    read = np.array(mapping.src_centre) + mapping.src_scale * p * growth[:, None]
    np.testing.assert_allclose(read, first.before, atol=1e-6)


def test_chains_beyond_the_fold_are_left_out_of_the_overlay() -> None:
    folding = LensCurve((1.0, 0.0, -1.0))

    assert len(overlay(folding, CHAINS)) < len(CHAINS.sigma)
    assert np.isinf(bows_px(folding, CHAINS)).any()

import re
from collections.abc import Callable

import pytest

from tasks.domain.estimators.dimension_prior import ESTIMATOR
from tasks.domain.estimators.estimate import Question
from tasks.domain.schemas import PhotoRef
from tasks.domain.shipped_atlas import shipped_atlas
from tests.fitted_pairs import STRONG, WEAK, apart_px, learned, lens, listing

PhotoOf = Callable[[int, int], PhotoRef]
ATLAS = learned([*listing("ash", STRONG, 4), *listing("birch", WEAK, 2, frame="2048x1366")])


def test_a_known_size_gets_three_estimates_from_its_own_to_everybodys(photo_of: PhotoOf) -> None:
    found = list(ESTIMATOR.estimates(Question(photo_of(2048, 1367), (), ATLAS), "safe"))
    assert [(each.rung, each.support) for each in found] == [("dimension", 4), ("bucket", 4), ("global", 6)]
    assert found[0].reason.startswith("size 2048x1367: the safe curve of 4 pairs of 1 listings")


def test_an_unknown_size_gets_everybodys(photo_of: PhotoOf) -> None:
    (found,) = ESTIMATOR.estimates(Question(photo_of(2048, 1536), (), ATLAS), "safe")
    assert found.rung == "global"


def test_the_row_that_is_asked_for_is_given(photo_of: PhotoOf) -> None:
    question = Question(photo_of(2048, 1367), (), ATLAS)
    for row in ("safe", "primary"):
        first, *_ = ESTIMATOR.estimates(question, row)
        assert first.curve is not None
        wanted = getattr(ATLAS.dimensions["2048x1367"], row).curve
        assert apart_px(first.curve, wanted) < 1e-6


def test_the_expected_error_is_in_pixels_of_the_photo(photo_of: PhotoOf) -> None:
    (large,) = ESTIMATOR.estimates(Question(photo_of(4096, 3072), (), ATLAS), "safe")
    (small,) = ESTIMATOR.estimates(Question(photo_of(2048, 1536), (), ATLAS), "safe")
    assert large.expected_px is not None
    assert small.expected_px is not None
    assert large.expected_px == pytest.approx(2 * small.expected_px)


@pytest.mark.parametrize("size", [(2048, 1367), (2048, 1536), (1367, 2048), (3, 2), (65535, 1)])
def test_every_rung_foretells_its_error_under_the_shipped_atlas_too(
    photo_of: PhotoOf, size: tuple[int, int]
) -> None:
    found = list(ESTIMATOR.estimates(Question(photo_of(*size), (), shipped_atlas()), "safe"))
    assert found
    for each in found:
        assert each.expected_px is not None
        assert each.bound_px is not None
        assert 0.0 < each.expected_px < each.bound_px


def test_listings_that_nobody_counted_are_not_told(photo_of: PhotoOf) -> None:
    for each in ESTIMATOR.estimates(Question(photo_of(2048, 1367), (), shipped_atlas()), "safe"):
        assert "listings" not in each.reason
        assert re.search(r": the safe curve of \d+ pairs, \d+\.\d px from likely lenses on", each.reason)


def test_lenses_that_no_pair_showed_are_foretold(photo_of: PhotoOf) -> None:
    one = learned(listing("ash", STRONG, 9))
    (found, *_) = ESTIMATOR.estimates(Question(photo_of(2048, 1367), (), one), "safe")
    assert found.bound_px is not None
    assert found.bound_px > apart_px(STRONG, WEAK)  # one listing tells little of the next


def test_the_better_lenses_are_known_the_smaller_the_error(photo_of: PhotoOf) -> None:
    told = []
    for spread in (0.001, 0.01):
        atlas = learned(
            [pair for n in range(20) for pair in listing(f"ash{n}", lens(-0.05 - spread * (n % 5)), 1)]
        )
        (found, *_) = ESTIMATOR.estimates(Question(photo_of(2048, 1367), (), atlas), "safe")
        assert found.expected_px is not None
        told.append(found.expected_px)
    assert told[0] < 0.7 * told[1]

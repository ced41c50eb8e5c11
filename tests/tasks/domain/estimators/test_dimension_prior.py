from collections.abc import Callable

import pytest

from tasks.domain.estimators.dimension_prior import ESTIMATOR
from tasks.domain.estimators.estimate import Question
from tasks.domain.schemas import PhotoRef
from tests.fitted_pairs import STRONG, WEAK, apart_px, learned, listing

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

from collections.abc import Sequence

import pytest

from gpu.lens_curve import LensCurve
from tasks.domain.atlas import LensAtlas
from tasks.domain.fitted_pairs import FittedPair
from tests.fitted_pairs import MIDDLE, STRONG, WEAK, apart_px, learned, lens, listing, quarantined, radial

IDENTITY = LensCurve((1.0,))
OTHER = "2048x1369"


def town(bends: Sequence[float], *, name: str, frame: str = "2048x1367") -> list[FittedPair]:
    """One pair of each of so many listings."""
    return [radial(f"{name}{n}_g0", lens(bend), frame=frame) for n, bend in enumerate(bends)]


COMMON = town([-0.09, -0.095, -0.10, -0.105, -0.11, -0.10, -0.10, -0.10], name="common")


def with_few(*bends: float) -> LensAtlas:
    return learned([*COMMON, *town(bends, name="rare", frame=OTHER)])


def test_a_size_with_few_listings_is_drawn_towards_all_others() -> None:
    group = with_few(-0.06).dimensions[OTHER]
    median = apart_px(group.median.curve, STRONG)
    assert apart_px(group.median.curve, lens(-0.06)) < 0.01
    assert 0.0 < apart_px(group.safe.curve, STRONG) < median


def test_the_more_listings_agree_the_less_a_size_is_drawn() -> None:
    kept = [apart_px(with_few(*[-0.06] * n).dimensions[OTHER].safe.curve, lens(-0.06)) for n in (1, 4, 16)]
    assert kept[0] > kept[1] > kept[2]


def test_a_size_that_differs_by_chance_takes_what_all_others_get() -> None:
    group = with_few(-0.0985).dimensions[OTHER]
    parent = with_few(-0.0985).buckets["near_standard_tall"]
    assert apart_px(group.safe.curve, parent.safe.curve) < 0.05


def test_what_is_not_known_never_draws_towards_identity() -> None:
    for bends in ((-0.06,), (-0.12,), (-0.06, -0.14)):
        group = with_few(*bends).dimensions[OTHER]
        ends = [apart_px(curve, IDENTITY) for curve in (STRONG, group.median.curve)]
        # the middle of a straight way between two curves is no nearer to identity than the nearer of them
        assert apart_px(group.safe.curve, IDENTITY) > 0.98 * min(ends)


def test_photos_that_needed_nothing_are_counted_and_move_no_curve() -> None:
    corrected = [quarantined(f"plain_g{n}", "", verdict="already_identical") for n in range(30)]
    with_them, without = learned([*COMMON, *corrected]), learned(COMMON)
    assert with_them.dimensions["2048x1367"].already_corrected == 30
    assert with_them.buckets["standard"].already_corrected == 30
    assert with_them.everything.safe == without.everything.safe


def test_a_listing_counts_once_whatever_the_number_of_its_photos() -> None:
    pairs = [*listing("large", WEAK, 19), *[radial(f"small{n}_g0", STRONG) for n in range(3)]]
    group = learned(pairs).dimensions["2048x1367"]
    assert apart_px(group.median.curve, STRONG) < 0.01
    assert (group.listings, group.pairs) == (4, 22)


def test_the_primary_curve_is_where_most_are() -> None:
    bends = [-0.10, -0.10, -0.10, -0.10, -0.05, -0.03, 0.0, 0.03, 0.05]
    group = learned(town(bends, name="house")).everything
    assert apart_px(group.primary.curve, STRONG) < 0.3
    assert apart_px(group.median.curve, STRONG) > 1.0


def test_the_expected_error_is_the_mean_distance_of_the_photos() -> None:
    bends = [-0.12, -0.10, -0.08]
    group = learned(town(bends, name="house")).everything
    distances = [apart_px(lens(bend), group.safe.curve) for bend in bends]
    assert group.expected_px == pytest.approx(sum(distances) / 3, abs=0.01)
    assert group.bound_px == pytest.approx(max(distances), abs=0.01)


def test_a_rare_size_owes_its_expected_error_to_the_wider_group() -> None:
    atlas = with_few(-0.10)
    own = atlas.dimensions[OTHER].expected_px
    assert own is not None
    assert atlas.everything.expected_px is not None
    assert own > 0.5 * atlas.everything.expected_px


def test_a_bucket_holds_the_sizes_that_belong_to_it() -> None:
    atlas = learned([*listing("a", STRONG, 2, frame="2048x1368"), *listing("b", MIDDLE, 3, frame=OTHER)])
    assert set(atlas.buckets) == {"near_standard_tall"}
    assert atlas.buckets["near_standard_tall"].pairs == 5
    assert {size: group.pairs for size, group in atlas.dimensions.items()} == {"2048x1368": 2, OTHER: 3}

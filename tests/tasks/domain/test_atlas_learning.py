import re
from random import Random

import pytest

from gpu.coordinates import ImageSize
from tasks.domain.atlas import Met, load_atlas
from tasks.domain.atlas_learning import LearningOptions, NothingToLearn, learn_atlas
from tasks.domain.tables import canonical_json
from tests.fitted_pairs import (
    LABEL,
    MIDDLE,
    STRONG,
    WEAK,
    apart_px,
    learned,
    lens,
    listing,
    quarantined,
    radial,
)

TOWN = [
    *listing("ash", STRONG, 4),
    *listing("birch", STRONG, 3),
    *listing("cedar", WEAK, 5, frame="2048x1366"),
    *listing("elm", MIDDLE, 1, frame="1367x2048"),
    quarantined("ash_g9", "perspective"),
    quarantined("fir_g0", "perspective"),
    quarantined("fir_g1", "low_texture"),
    quarantined("fir_g2", "", verdict="already_identical"),
]


def test_listings_with_one_lens_make_one_profile() -> None:
    first, second, third = learned(TOWN).profiles
    assert (first.listings, first.pairs, dict(first.sizes)) == (2, 7, {"2048x1367": Met(pairs=7, listings=2)})
    assert apart_px(first.curve.curve, STRONG) < 0.01
    assert [(each.listings, each.pairs) for each in (second, third)] == [(1, 5), (1, 1)]


def test_what_teaches_nothing_is_counted_by_its_reason_and_its_listing_is_kept() -> None:
    atlas = learned(TOWN)
    assert dict(atlas.quarantined) == {"low_texture": 1, "perspective": 2}
    assert atlas.pairs_used == 13
    assert atlas.everything.listings == 4
    assert atlas.everything.already_corrected == 1


def test_two_lenses_in_one_listing_are_split_and_not_averaged() -> None:
    pairs = [radial(f"ash_g{n}", STRONG if n % 2 else WEAK) for n in range(8)]
    first, second = learned(pairs).profiles
    assert {first.listings, second.listings} == {1}
    found = sorted((first, second), key=lambda profile: apart_px(profile.curve.curve, STRONG))
    assert apart_px(found[0].curve.curve, STRONG) < 0.01
    assert apart_px(found[1].curve.curve, WEAK) < 0.01


def test_pairs_that_differ_by_the_error_of_a_fit_are_pooled() -> None:
    pairs = [radial(f"ash_g{n}", STRONG, off=off) for n, off in enumerate((-0.001, 0.0, 0.001))]
    (profile,) = learned(pairs).profiles
    assert profile.pairs == 3
    assert apart_px(profile.curve.curve, STRONG) < 0.1


def test_one_listing_of_one_photo_is_an_atlas_that_foretells_no_error() -> None:
    atlas = learned([radial("ash_g0", STRONG)])
    (profile,) = atlas.profiles
    assert (profile.listings, profile.pairs, profile.spread_px) == (1, 1, 0.0)
    assert set(atlas.dimensions) == {"2048x1367"}
    assert set(atlas.buckets) == {"standard"}
    assert (atlas.everything.expected_px, atlas.everything.bound_px) == (None, None)
    assert apart_px(atlas.dimensions["2048x1367"].safe.curve, STRONG) < 0.01


def test_an_atlas_of_one_dimension_serves_all_sizes() -> None:
    atlas = learned(listing("ash", STRONG, 3))
    for size in (ImageSize(2048, 1367), ImageSize(2048, 1371), ImageSize(1366, 2048)):
        groups = list(atlas.groups_of(size))
        assert groups[-1][0] == "global"
        groups[-1][1].safe.at(size).check_monotone(size)


def test_where_every_pair_is_quarantined_a_sentence_counts_the_reasons() -> None:
    refused = [pair for pair in TOWN if pair.finding.verdict != "radial"]
    with pytest.raises(NothingToLearn) as told:
        learned(refused)
    assert str(told.value) == (
        "no pair teaches a lens curve: 1 low_texture, 2 perspective, 1 already corrected; "
        "the first, ash_g9: it is perspective"
    )


def test_no_pair_at_all_is_refused() -> None:
    with pytest.raises(NothingToLearn, match="one or more fitted pairs, got none"):
        learned([])


def test_equal_pairs_give_the_same_atlas_in_any_order() -> None:
    # two lenses with as many pairs each: only the order of the pairs could tell which comes first
    pairs = [*TOWN, *[radial(f"gum_g{n}", lens(-0.13 - 0.03 * (n % 2))) for n in range(4)]]
    expected = canonical_json(learned(pairs))
    for seed in range(5):
        shuffled = list(pairs)
        Random(seed).shuffle(shuffled)  # noqa: S311  no secret
        assert canonical_json(learned(shuffled)) == expected


def test_an_atlas_survives_the_way_to_json_and_back() -> None:
    atlas = learned(TOWN)
    assert load_atlas(canonical_json(atlas), source="atlas.json") == atlas


def test_the_radius_of_profiles_is_an_option() -> None:
    pairs = [*listing("ash", STRONG, 2), *listing("birch", MIDDLE, 2)]
    wide = LearningOptions(profile_radius_px=50.0)
    assert len(learn_atlas(pairs, LABEL, wide).profiles) == 1
    assert len(learned(pairs).profiles) == 2


def test_more_lenses_than_an_atlas_holds_are_gathered_within_a_wider_radius() -> None:
    pairs = [radial(f"home{number}_g0", lens(-0.15 + 8e-5 * number)) for number in range(2100)]
    atlas = learn_atlas(pairs, LABEL, LearningOptions(profile_radius_px=0.001))
    assert 500 < len(atlas.profiles) <= 2000
    assert sum(profile.listings for profile in atlas.profiles) == 2100
    (radius,) = re.findall(
        r"(\S+) px among listings \(widened from 0.001 until at most 2000 profiles were left\) are",
        atlas.source,
    )
    assert float(radius) / 0.001 in {2.0**doublings for doublings in range(1, 6)}
    assert "widened" not in learned(TOWN).source


def test_the_zoom_rule_is_the_middle_of_what_pairs_are_zoomed_beyond_filling() -> None:
    pairs = [*listing("ash", STRONG, 2), *listing("birch", WEAK.zoomed(1.01), 2), *listing("elm", MIDDLE, 1)]
    rule = learned(pairs).zoom_rule
    assert rule.surplus == pytest.approx(0.0, abs=1e-6)
    assert rule.curves == 3
    zoomed = learned([radial(f"{name}_g0", STRONG.zoomed(1.01)) for name in ("ash", "elm")])
    assert zoomed.zoom_rule.surplus == pytest.approx(0.00995, abs=1e-4)  # log 1.01

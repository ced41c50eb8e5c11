from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.errors import ArtifactNameError, PhotoNameError
from tasks.domain.methods.registry import methods
from tasks.domain.naming import (
    SubmissionName,
    check_artifact_tag,
    duplicate_ids,
    listing_of,
    parse_submission_name,
    photo_id,
    submission_name,
)

AT = datetime(2026, 2, 22, 10, 22, 21, 999_999, tzinfo=UTC)
FAMILIES = tuple(method.family for method in methods().values())
WORDS = st.from_regex(r"[a-z0-9]{1,8}([_-][a-z0-9]{1,8}){0,3}", fullmatch=True)


@pytest.mark.parametrize("name", ["house_g1", "a", "A.b-c_d", "_g1", "0", "x" * 120, "a..b", "a.jpg"])
def test_an_id_is_what_stands_before_jpg(name: str) -> None:
    assert photo_id(f"{name}.jpg") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".jpg",
        "house.JPG",
        "house.jpeg",
        "house.png",
        "house",
        "house.jpg ",
        "house.jpg\n",
        "house\n.jpg",
        ".hidden.jpg",
        "-rf.jpg",
        "a b.jpg",
        "a/b.jpg",
        "../a.jpg",
        "a\\b.jpg",
        "a\0.jpg",
        "häuser.jpg",
        "house_g१.jpg",
        "x" * 121 + ".jpg",
        "a:b.jpg",
    ],
)
def test_a_name_that_no_store_can_hold_is_refused_with_the_name_in_the_sentence(name: str) -> None:
    with pytest.raises(PhotoNameError, match=r"\.jpg") as refusal:
        photo_id(name)
    assert repr(name) in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "listing"),
    [
        ("house_g1", "house"),
        ("house_g1_g22", "house_g1"),
        ("house", "house"),
        ("house_g", "house_g"),
        ("house_gx1", "house_gx1"),
        ("house_g1x", "house_g1x"),
        ("house_G1", "house_G1"),
        ("_g1", "_g1"),
    ],
)
def test_a_listing_is_what_stands_before_the_photo_number(name: str, listing: str) -> None:
    assert listing_of(name) == listing


def test_ids_that_differ_in_case_only_are_duplicates() -> None:
    names = ["House.jpg", "house.jpg", "HOUSE.JPG", "other.jpg", "other", "twice.jpg", "twice.jpg"]
    assert duplicate_ids(names) == {"house", "twice"}


def test_a_submission_is_named_after_family_variant_and_second() -> None:
    name = submission_name("calibguard_dim", "safe", AT)
    assert name == "submission_calibguard_dim_safe_20260222_102221"


def test_a_variant_does_not_repeat_its_family() -> None:
    assert submission_name("zero_guard", "zero_guard_v1", AT) == "submission_zero_guard_v1_20260222_102221"


@pytest.mark.parametrize(
    "at",
    [datetime(2026, 2, 22, 10, 22, 21), datetime(2026, 2, 22, tzinfo=timezone(timedelta(hours=1)))],
)
def test_a_time_that_is_not_utc_names_nothing(at: datetime) -> None:
    with pytest.raises(ValueError, match="UTC"):
        submission_name("global_grid", "seed", at)


@pytest.mark.parametrize(
    "word", ["", "Upper", "a b", "a/b", "_a", "a_", "a__b", "ä", "a.b", "a\n", "x" * 81, "../a"]
)
def test_a_word_that_is_no_lower_case_word_names_no_artifact(word: str) -> None:
    with pytest.raises(ArtifactNameError, match="artifact tag"):
        check_artifact_tag(word)
    with pytest.raises(ArtifactNameError, match="variant"):
        submission_name("global_grid", word, AT)
    with pytest.raises(ArtifactNameError, match="method family"):
        submission_name(word, "seed", AT)


@pytest.mark.parametrize("name", ["v4", "v11", "V2"])
def test_a_bare_version_is_no_name(name: str) -> None:
    with pytest.raises(ArtifactNameError, match="bare version"):
        parse_submission_name(name, families=FAMILIES)
    with pytest.raises(ArtifactNameError):
        check_artifact_tag(name)
    with pytest.raises(ArtifactNameError):
        submission_name(name, "seed", AT)


def test_a_tag_with_a_version_in_it_is_a_name() -> None:
    assert check_artifact_tag("wide-lens_v2") == "wide-lens_v2"


@given(family=st.sampled_from(FAMILIES), variant=WORDS, at=st.datetimes(datetime(1970, 1, 1)))
def test_a_name_taken_apart_gives_what_it_was_made_of(family: str, variant: str, at: datetime) -> None:
    stamp = at.replace(tzinfo=UTC)
    name = submission_name(family, variant, stamp)
    within = variant.removeprefix(f"{family}_")
    for given_name in (name, f"{name}.zip"):
        parsed = parse_submission_name(given_name, families=FAMILIES)
        assert parsed == SubmissionName(family=family, variant=within, at=stamp.replace(microsecond=0))


def test_the_longest_family_that_fits_is_taken() -> None:
    parsed = parse_submission_name(
        "submission_zero_guard_v1_20260222_030358", families=("zero", "zero_guard")
    )
    assert (parsed.family, parsed.variant) == ("zero_guard", "v1")


@pytest.mark.parametrize(
    "name",
    [
        "submission_global_grid_seed",
        "submission_global_grid_seed_20261322_000000",
        "submission_global_grid_seed_20260222_250000",
        "submission_unheard_seed_20260222_000000",
        "submission_global_grid_20260222_000000",
        "submission_global_grid_Seed_20260222_000000",
        "scored_global_grid_seed_20260222_000000",
        "submission_global_grid_seed_20260222_000000.csv",
    ],
)
def test_a_name_that_we_could_not_have_made_is_not_taken_apart(name: str) -> None:
    with pytest.raises(ArtifactNameError):
        parse_submission_name(name, families=FAMILIES)

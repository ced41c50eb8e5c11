from collections.abc import Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.forensics import ForensicsError, differing, match_artifacts
from tests.scored_history import ids_of, photos, zero_guard_v1, zero_guard_v2, zero_guard_v3

NAMES = ("safezero_v1", "zero_guard_v1", "zero_guard_v2", "zero_guard_v3")


def rendered(*changed_buckets: str) -> dict[str, str]:
    """Digests of an artifact that is zero_guard_v1 but for the photos of some buckets."""
    changed = {photo: f"{bucket} changed" for bucket in changed_buckets for photo in ids_of(bucket)}
    return {photo.id: "as v1" for photo in photos()} | changed


ARTIFACTS = {
    "safezero_v1": rendered(),
    "zero_guard_v1": rendered(),
    "zero_guard_v2": rendered("portrait_standard"),
    "zero_guard_v3": rendered("moderate_crop"),
}
CSVS = {
    "tab1": zero_guard_v1(),
    "tab2": zero_guard_v2(),
    "tab3": zero_guard_v3(),
    "tab4": zero_guard_v1(),
}


def test_the_four_exported_csvs_find_their_artifacts() -> None:
    matching = match_artifacts(CSVS, ARTIFACTS)
    assert matching.certain == {"tab2": "zero_guard_v2", "tab3": "zero_guard_v3"}
    assert matching.indistinguishable == ((("tab1", "tab4"), ("safezero_v1", "zero_guard_v1")),)
    assert matching.identical_csvs == (("tab1", "tab4"),)
    assert matching.identical_artifacts == (("safezero_v1", "zero_guard_v1"),)
    assert matching.sentences() == (
        "tab2 belongs to zero_guard_v2",
        "tab3 belongs to zero_guard_v3",
        "tab1 and tab4 may belong to safezero_v1 or zero_guard_v1; their fingerprints do not tell which",
    )


def test_rows_that_differ_are_those_of_the_bucket_that_the_policy_replaced() -> None:
    only_v2, only_v3 = differing(CSVS["tab1"], CSVS["tab2"]), differing(CSVS["tab1"], CSVS["tab3"])
    assert (len(only_v2), len(only_v3)) == (2, 49)
    assert set(only_v2) <= set(ids_of("portrait_standard"))
    assert set(only_v3) <= set(ids_of("moderate_crop"))


def test_two_csvs_of_two_artifacts_can_always_be_exchanged() -> None:
    matching = match_artifacts({"x": {"p": 1.0}, "y": {"p": 2.0}}, {"a": {"p": "1"}, "b": {"p": "2"}})
    assert matching.certain == {}
    assert matching.indistinguishable == ((("x", "y"), ("a", "b")),)


def test_known_pair_settles_what_the_fingerprints_leave_open() -> None:
    csvs, artifacts = {"x": {"p": 1.0}, "y": {"p": 2.0}}, {"a": {"p": "1"}, "b": {"p": "2"}}
    assert match_artifacts(csvs, artifacts, known={"x": "b"}).certain == {"x": "b", "y": "a"}


def test_csvs_that_no_artifact_explains_are_said_to_fit_nowhere() -> None:
    matching = match_artifacts({"x": {"p": 1.0}, "y": {"p": 2.0}}, {"a": {"p": "1"}})
    assert matching.possible == {"x": (), "y": ()}
    assert matching.sentences() == (
        "no assignment of these artifacts fits all these CSVs; look for an artifact that is missing",
    )


def test_artifact_scored_twice_explains_two_equal_csvs() -> None:
    matching = match_artifacts({"x": {"p": 1.0}, "y": {"p": 1.0}}, {"a": {"p": "1"}})
    assert matching.certain == {"x": "a", "y": "a"}


def test_photos_that_are_not_everywhere_are_refused() -> None:
    with pytest.raises(ForensicsError, match="a and x must be of the same photos; 1 are in one of them only"):
        match_artifacts({"x": {"p": 1.0}}, {"a": {"p": "1", "q": "1"}})


def test_known_pair_of_strangers_is_refused() -> None:
    with pytest.raises(ForensicsError, match="known pairs name what is not compared: 'b', 'z'"):
        match_artifacts({"x": {"p": 1.0}}, {"a": {"p": "1"}}, known={"z": "b"})


def test_search_without_end_is_given_up() -> None:
    with pytest.raises(ForensicsError, match="name known pairs, or compare fewer CSVs at once"):
        match_artifacts(CSVS, ARTIFACTS, max_steps=3)


def test_nothing_to_match_matches_nothing() -> None:
    assert match_artifacts({}, {}).possible == {}
    assert match_artifacts({}, {}).sentences() == ()


def explained(
    csvs: Mapping[str, Mapping[str, float]],
    artifacts: Mapping[str, Mapping[str, str]],
    chosen: Mapping[str, str],
) -> bool:
    """An oracle straight from the definition: no differing row without a differing photo."""
    return all(
        artifacts[chosen[one]][photo] != artifacts[chosen[other]][photo]
        for one, other in product(csvs, csvs)
        for photo in csvs[one]
        if csvs[one][photo] != csvs[other][photo]
    )


@given(
    scores=st.lists(st.lists(st.integers(0, 2), min_size=4, max_size=4), min_size=1, max_size=4),
    digests=st.lists(st.lists(st.sampled_from("abc"), min_size=4, max_size=4), min_size=1, max_size=4),
)
def test_possible_is_what_some_assignment_without_contradiction_holds(
    scores: list[list[int]], digests: list[list[str]]
) -> None:
    csvs = {f"csv{at}": dict(zip("pqrs", map(float, row), strict=True)) for at, row in enumerate(scores)}
    artifacts = {f"zip{at}": dict(zip("pqrs", row, strict=True)) for at, row in enumerate(digests)}
    possible: dict[str, set[str]] = {name: set() for name in csvs}
    for choice in product(artifacts, repeat=len(csvs)):
        chosen = dict(zip(csvs, choice, strict=True))
        if explained(csvs, artifacts, chosen):
            for csv, artifact in chosen.items():
                possible[csv].add(artifact)
    found = match_artifacts(csvs, artifacts).possible
    assert {csv: set(names) for csv, names in found.items()} == possible


@given(data=st.data(), runs=st.integers(1, 4))
def test_the_true_artifact_is_never_ruled_out(data: st.DataObject, runs: int) -> None:
    """Scores are a function of the pixels, as the judge's are."""
    pixels = st.lists(st.sampled_from("abcd"), min_size=5, max_size=5)
    artifacts = {f"zip{at}": dict(zip("pqrst", data.draw(pixels), strict=True)) for at in range(runs)}
    judged = {"a": 0.0, "b": 0.0, "c": 1.5, "d": 3.0}  # two different photos may score alike
    csvs = {
        f"of {name}": {photo: judged[pixel] for photo, pixel in one.items()}
        for name, one in artifacts.items()
    }
    found = match_artifacts(csvs, artifacts).possible
    assert all(name in found[f"of {name}"] for name in artifacts)

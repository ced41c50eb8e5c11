import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.retention import NothingSelectedError, Protection, StoredArtifact, plan_prune

PROTECTIONS: tuple[Protection, ...] = ("champion", "best ever", "in flight", "scored")


def artifact(name: str, *shards: str) -> StoredArtifact:
    return StoredArtifact(name=name, size=100, shards=tuple(digest * 64 for digest in shards))


STORED = [
    artifact("submission_a_safe_20260101_000000", "1", "2"),
    artifact("submission_a_safe_20260102_000000", "2", "3"),
    artifact("submission_b_safe_20260103_000000", "4"),
]
A1, A2, B = (one.name for one in STORED)


def test_a_zip_goes_with_the_shards_that_no_kept_zip_shares() -> None:
    plan = plan_prune([A1], STORED, {})
    assert (plan.zips, plan.shards, plan.kept, plan.size) == ((A1,), ("1" * 64,), (), 100)


def test_shards_shared_by_two_zips_go_when_both_go() -> None:
    assert plan_prune(["submission_a_*"], STORED, {}).shards == ("1" * 64, "2" * 64, "3" * 64)


@pytest.mark.parametrize("protection", ["champion", "best ever", "in flight"])
def test_what_stands_or_flies_stays_even_when_it_is_named(protection: Protection) -> None:
    plan = plan_prune([f"{A1}.zip"], STORED, {A1: frozenset({protection, "scored"})})
    assert plan.zips == ()
    assert plan.shards == ()
    assert protection in plan.kept[0].reason


def test_a_scored_zip_goes_when_it_is_named_and_stays_when_a_pattern_meets_it() -> None:
    scored = {A1: frozenset[Protection]({"scored"})}
    assert plan_prune([A1], STORED, scored).zips == (A1,)
    met = plan_prune(["submission_a_*"], STORED, scored)
    assert (met.zips, met.kept[0].name) == ((A2,), A1)
    assert plan_prune(["submission_a_*", A1], STORED, scored).zips == (A1, A2)


@pytest.mark.parametrize("wanted", ["submission_c", "*zip*", "../outside", "/etc/passwd"])
def test_what_is_not_in_the_store_cannot_be_selected(wanted: str) -> None:
    with pytest.raises(NothingSelectedError, match="selects none of the 3"):
        plan_prune([wanted], STORED, {})


@given(data=st.data())
def test_no_selection_ever_removes_a_protected_zip_or_a_shard_that_a_kept_zip_needs(
    data: st.DataObject,
) -> None:
    names = [f"s{index}" for index in range(6)]
    shards = st.lists(st.sampled_from("abcdef"), max_size=4, unique=True)
    stored = [artifact(name, *data.draw(shards)) for name in names]
    protections = {name: data.draw(st.frozensets(st.sampled_from(PROTECTIONS))) for name in names}
    selection = data.draw(st.lists(st.sampled_from([*names, "*", "s?", "s[0-3]"]), min_size=1))
    plan = plan_prune(selection, stored, protections)
    for one in stored:
        if one.name in plan.zips:
            assert not protections[one.name] & {"champion", "best ever", "in flight"}
            assert "scored" not in protections[one.name] or one.name in selection
        else:
            assert not set(one.shards) & set(plan.shards)

from datetime import timedelta
from pathlib import Path

import pytest

from infra.errors import StoreUnavailable
from infra.store.interface import ObjectStore
from tasks.analysis import judge_of_scores
from tasks.champion import PromotionOvertaken, reigning
from tasks.deadline import a_model_is_complete
from tasks.domain.gates.records import FallbackDecision
from tasks.domain.ledger import board, pointer_document
from tasks.evidence import NotScored
from tasks.fsck import fsck
from tasks.gate_evidence import Deadline
from tasks.keys import champion_key
from tasks.ledger import entries, prune, prune_plan, under_way
from tasks.photo_workers import PhotoWorkers
from tasks.promotion import concluded, found_champions_decision
from tasks.records import EvidenceAltered
from tasks.reports import kept_analysis
from tasks.score_keeping import JudgeChanged
from tests.judged import FAR, NEAR, NEARER
from tests.judged_store import JUDGE, JudgedStore

GRID, GOOD, BETTER = [20.0] * 6, [40.0] * 6, [41.0] * 6


@pytest.fixture
def judged(store: ObjectStore, workers: PhotoWorkers, tmp_path: Path) -> JudgedStore:
    """A store in which the baseline has been scored."""
    filled = JudgedStore(store, tmp_path, workers)
    filled.judged("far", FAR, GRID, method="global_grid")
    return filled


def events(judged: JudgedStore, name: str) -> list[str]:
    return [entry.event for entry in entries(judged.store) if entry.name == name]


def champion(judged: JudgedStore) -> str | None:
    pointer = reigning(JUDGE, judged.store).pointer
    return pointer.name if pointer else None


def test_the_first_champion_is_promoted_and_the_store_is_whole(judged: JudgedStore) -> None:
    name = judged.judged("near", NEAR, GOOD)
    verdict = judged.decide(name)
    assert verdict.reasons == ()
    assert concluded(verdict, judged.store) == "promoted"
    assert champion(judged) == name
    found = fsck(judged.store)
    assert (found.findings, found.unfinished) == ((), ())


def test_a_decision_moves_nothing_until_it_is_carried_out(judged: JudgedStore) -> None:
    name = judged.judged("near", NEAR, GOOD)
    judged.decide(name)
    assert champion(judged) is None
    assert events(judged, name) == ["rendered", "submitted", "scored"]


def test_a_first_candidate_below_the_baseline_is_rejected_with_every_reason(judged: JudgedStore) -> None:
    name = judged.judged("near", NEAR, [19.0] * 5 + [0.0])
    verdict = judged.decide(name)
    assert concluded(verdict, judged.store) == "rejected"
    told = entries(judged.store)[-1]
    assert told.reasons == verdict.reasons
    assert any(reason.startswith("zero rate 0.166667 > 0.12") for reason in told.reasons)
    assert any("global_grid baseline" in reason for reason in told.reasons)


def test_within_the_margin_a_candidate_stays_in_play_and_the_champion_stays(judged: JudgedStore) -> None:
    first = judged.judged("near", NEAR, GOOD)
    concluded(judged.decide(first), judged.store)
    second = judged.judged("nearer", NEARER, GOOD)
    assert concluded(judged.decide(second), judged.store) == "advanced"
    assert champion(judged) == first


def test_of_two_decisions_against_one_champion_the_second_is_told_it_was_overtaken(
    judged: JudgedStore,
) -> None:
    first, second = judged.judged("near", NEAR, GOOD), judged.judged("nearer", NEARER, BETTER)
    early, late = judged.decide(first, nonce="1"), judged.decide(second, nonce="2")
    concluded(early, judged.store)
    with pytest.raises(PromotionOvertaken, match="run promote again"):
        concluded(late, judged.store)
    assert champion(judged) == first
    assert fsck(judged.store).is_clean
    assert concluded(judged.decide(second, nonce="3"), judged.store) == "promoted"


def test_carrying_out_a_decision_again_changes_nothing(judged: JudgedStore) -> None:
    verdict = judged.decide(judged.judged("near", NEAR, GOOD))
    concluded(verdict, judged.store)
    before = {found.key: found.version for found in judged.store.list("")}
    assert concluded(verdict, judged.store) == "promoted"
    assert {found.key: found.version for found in judged.store.list("")} == before


class LedgerAway:
    """A store that cannot take the first entry after the pointer moved."""

    def __init__(self, store: ObjectStore) -> None:
        self._store, self._failed = store, False

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def create(self, key: str, body: bytes, *, sha256: str | None = None) -> object:
        if "_promoted_" in key and not self._failed:
            self._failed = True
            raise StoreUnavailable("the store is away")
        return self._store.create(key, body, sha256=sha256)


def test_an_outage_between_pointer_and_ledger_is_mended_by_the_next_try(judged: JudgedStore) -> None:
    verdict = judged.decide(judged.judged("near", NEAR, GOOD))
    away = LedgerAway(judged.store)
    with pytest.raises(StoreUnavailable):
        concluded(verdict, away)  # type: ignore[arg-type]
    assert concluded(verdict, away) == "promoted"  # type: ignore[arg-type]
    assert fsck(judged.store).is_clean


def test_a_promotion_that_was_cut_off_before_the_ledger_is_told_when_it_is_run_again(
    judged: JudgedStore,
) -> None:
    verdict = judged.decide(judged.judged("near", NEAR, GOOD))
    assert found_champions_decision(verdict.name, JUDGE, judged.store) is None
    away = LedgerAway(judged.store)
    with pytest.raises(StoreUnavailable):
        concluded(verdict, away)  # type: ignore[arg-type]
    assert found_champions_decision(verdict.name, JUDGE, judged.store) == verdict.decision
    assert events(judged, verdict.name)[-1] == "promoted"
    assert fsck(judged.store).is_clean


def test_a_person_who_declines_keeps_the_champion_and_is_on_record(judged: JudgedStore) -> None:
    name = judged.judged("near", NEAR, GOOD)
    assert concluded(judged.decide(name), judged.store, declined="doors look odd") == "advanced"
    assert champion(judged) is None
    assert entries(judged.store)[-1].reasons == ("declined: doors look odd",)


def fallback_at(judged: JudgedStore, name: str, minutes_left: float) -> FallbackDecision | None:
    now = judged.now + timedelta(minutes=1)
    deadline = Deadline(now + timedelta(minutes=minutes_left), "enabled")
    return judged.decide(name, deadline=deadline).decision.evidence.fallback


def test_in_the_last_hour_the_best_verified_heuristic_is_the_fallback(judged: JudgedStore) -> None:
    name = judged.judged("near", NEAR, GOOD)
    concluded(judged.decide(name), judged.store)
    early, late = fallback_at(judged, name, 61), fallback_at(judged, name, 60)
    assert early is not None
    assert late is not None
    assert (early.action, late.action, late.artifact) == ("none", "submit", name)


def test_a_pruned_heuristic_is_no_fallback(judged: JudgedStore) -> None:
    first = judged.judged("near", NEAR, GOOD)
    concluded(judged.decide(first), judged.store)
    second = judged.judged("nearer", NEARER, GOOD)
    concluded(judged.decide(second), judged.store)
    third = judged.judged("exact", (-0.2, 0.42), [42.0] * 6)
    concluded(judged.decide(third), judged.store)
    prune(prune_plan([first], judged.store, now=judged.tick()), judged.store, now=judged.tick())
    names = [row.name for row in board(entries(judged.store), JUDGE).rows if row.status == "advanced"]
    assert {first, second} == set(names)
    chosen = fallback_at(judged, second, 30)
    assert chosen is not None
    assert chosen.artifact == third


def test_scores_of_a_judge_that_is_silent_now_are_not_believed(judged: JudgedStore) -> None:
    name = judged.render("near", NEAR)
    with pytest.raises(JudgeChanged, match="does not say who it is"):
        judged.score(name, GOOD, judge=None)
    assert events(judged, name) == ["rendered"]


def test_an_analysis_is_kept_once_and_sealed(judged: JudgedStore) -> None:
    name = judged.judged("near", NEAR, GOOD)
    analysis = judged.decide(name).decision.evidence.analysis
    assert analysis is not None
    keys = {kept_analysis(analysis, judged.store, now=judged.tick()) for _ in range(2)}
    assert len(keys) == 1
    assert events(judged, name).count("analysed") == 1


def test_the_judge_of_a_run_is_the_one_that_scored_it_last(judged: JudgedStore) -> None:
    name = judged.judged("near", NEAR, GOOD)
    assert judge_of_scores(name, entries(judged.store)) == JUDGE
    with pytest.raises(NotScored, match="submit it first"):
        judge_of_scores(judged.render("nearer", NEARER), entries(judged.store))


def test_a_run_that_was_cut_off_after_its_submission_is_under_way(judged: JudgedStore) -> None:
    name = judged.render("near", NEAR)
    assert judged.submit(name)
    ledger = entries(judged.store)
    assert [run.name for run in under_way(judged.store, ledger)] == [name]
    judged.score(name, GOOD)
    assert under_way(judged.store, entries(judged.store)) == []


def test_without_a_decision_on_a_model_no_model_is_complete(judged: JudgedStore) -> None:
    concluded(judged.decide(judged.judged("near", NEAR, GOOD)), judged.store)
    assert not a_model_is_complete(JUDGE, entries(judged.store), judged.store)


def test_pruning_leaves_the_champion_and_all_evidence_and_a_whole_store(judged: JudgedStore) -> None:
    first = judged.judged("near", NEAR, GOOD)
    concluded(judged.decide(first), judged.store)
    second = judged.judged("nearer", NEARER, [39.5] * 6)
    concluded(judged.decide(second), judged.store)
    evidence = {
        found.key: found.version
        for found in judged.store.list("")
        if not found.key.startswith(("submissions/", "renders/"))
    }
    plan = prune_plan(["submission_*", second], judged.store, now=judged.tick())
    assert plan.zips == (second,)
    prune(plan, judged.store, now=judged.tick())
    left = {found.key: found.version for found in judged.store.list("")}
    assert evidence.items() <= left.items()
    assert judged.store.head(f"submissions/{first}.zip") is not None
    assert fsck(judged.store).is_clean


def put(judged: JudgedStore, key: str, body: bytes) -> None:
    """Put an object in another's place behind the store's back."""
    path = Path(judged.store.url.removeprefix("file://")) / key
    path.unlink()
    path.write_bytes(body)


def altered_pointer(judged: JudgedStore, **members: object) -> None:
    pointer = reigning(JUDGE, judged.store).pointer
    assert pointer is not None
    put(judged, champion_key(JUDGE), pointer_document(pointer.model_copy(update=members)))


@pytest.mark.parametrize("members", [{"mean": 30.0}, {"name": "a"}, {"generation": 2}, {"generation": 5}])
def test_a_pointer_that_was_altered_is_no_champion(judged: JudgedStore, members: dict[str, object]) -> None:
    concluded(judged.decide(judged.judged("near", NEAR, GOOD)), judged.store)
    challenger = judged.judged("nearer", NEARER, BETTER)
    altered_pointer(judged, **members)
    with pytest.raises(EvidenceAltered, match=r"champions/.*altered.*see `calibguard fsck`"):
        judged.decide(challenger)


def test_a_pointer_that_is_gone_is_no_free_throne(judged: JudgedStore) -> None:
    name = judged.judged("near", NEAR, GOOD)
    concluded(judged.decide(name), judged.store)
    challenger = judged.judged("nearer", NEARER, BETTER)
    judged.store.delete(champion_key(JUDGE))
    with pytest.raises(EvidenceAltered, match=rf"names nobody, the ledger '{name}' \(promotion 1\)"):
        judged.decide(challenger)


def test_a_champion_whose_author_died_before_the_ledger_stands(judged: JudgedStore) -> None:
    verdict = judged.decide(judged.judged("near", NEAR, GOOD))
    challenger = judged.judged("nearer", NEARER, BETTER)
    assert verdict.pointer is not None
    judged.store.swap(champion_key(JUDGE), pointer_document(verdict.pointer), expected=None)
    assert concluded(judged.decide(challenger), judged.store) == "promoted"
    assert events(judged, verdict.name)[-1] == "promoted"
    assert fsck(judged.store).is_clean


def test_a_decision_that_was_altered_is_not_carried_out(judged: JudgedStore) -> None:
    verdict = judged.decide(judged.judged("near", NEAR, GOOD))
    put(judged, verdict.key, judged.store.read(verdict.key).replace(b"40.0", b"49.0"))
    with pytest.raises(EvidenceAltered, match="decisions/"):
        concluded(verdict, judged.store)
    assert champion(judged) is None

"""From a folder of photos to a champion, through real Prefect, a real portal and the real metric."""

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import State, StateType
from prefect.flow_runs import resume_flow_run

from flows.analyse import analyse
from flows.fallback import fallback
from flows.pipeline import pipeline
from flows.promote import promote
from flows.render import render
from flows.submit import submit
from infra.store.interface import ObjectStore
from tasks.domain.gates.records import GateDecision, GatePolicy
from tasks.domain.ledger import board
from tasks.domain.schemas import RunPlan
from tasks.domain.score_schemas import ScoredSubmission
from tasks.fsck import fsck
from tasks.keys import plan_key, submission_key
from tasks.ledger import entries
from tests.judged import FAR, NEAR, NEARER, TEAM, bucket_table, judging, pair_table, target_set
from tests.photos import listing_ids

pytestmark = pytest.mark.usefixtures("prefect_api")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The originals that a running portal has targets of, and its URL."""
    folder = target_set(tmp_path_factory.mktemp("target_set"), listing_ids(12))
    with judging(folder, tmp_path_factory.mktemp("portal")) as portal:
        yield folder / "test-originals", portal.url


@pytest.fixture
def originals(judged: tuple[Path, str], store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("CALIBGUARD_PORTAL_URL", judged[1])
    for name, value in TEAM.items():
        monkeypatch.setenv(name, value)
    return str(judged[0])


def rendered(originals: str, table: Path, *, method: str, tag: str) -> str:
    options = {"method": method, "table": str(table), "artifact_tag": tag}
    return str(ended(render(originals, **options, return_state=True)).result().name)


def ended(state: object) -> State[Any]:
    found = cast("State[Any]", state)
    assert found.is_completed(), found.message
    return found


def events(store: ObjectStore, name: str) -> list[str]:
    return [entry.event for entry in entries(store) if entry.name == name]


def test_the_first_champion_must_beat_the_baseline_and_the_next_must_beat_it(
    originals: str, store: ObjectStore, tmp_path: Path
) -> None:
    baseline = rendered(originals, pair_table(tmp_path, FAR), method="global_grid", tag="far")
    scored: ScoredSubmission = ended(submit(baseline, return_state=True)).result()
    assert scored.judge.metric_profile == "portal"

    first = ended(
        pipeline(
            originals,
            method="dim_bucket_microgrid",
            table=str(bucket_table(tmp_path, NEAR)),
            artifact_tag="near",
            border="replicate",
            quality=96,
            accept_quarantined=True,
            return_state=True,
        )
    )
    assert first.name == "Promoted", first.message
    decision: GateDecision = first.result()
    champion = decision.evidence.name
    plan = RunPlan.model_validate_json(store.read(plan_key(champion)))
    assert (plan.request.border, plan.request.accept_quarantined) == ("replicate", True)
    assert plan.engine.quality == 96
    assert events(store, champion) == [
        *("rendered", "submitted", "scored"),
        *("analysed", "analysed"),  # the analysis, then its page
        *("promoted", "analysed"),  # the page with the gates
    ]

    crowned = ended(promote(champion, return_state=True))
    assert (crowned.name, crowned.result()) == ("Promoted", decision)
    assert {"rescored", "advanced", "rejected"}.isdisjoint(events(store, champion))

    second = rendered(originals, bucket_table(tmp_path, NEARER), method="dim_bucket_microgrid", tag="nearer")
    ended(submit(second, return_state=True))
    promoted = ended(promote(second, return_state=True))
    assert promoted.name == "Promoted", promoted.message
    anchor = promoted.result().evidence.anchor
    assert anchor.recorded_mean == anchor.rescored_mean > 0.0
    assert events(store, champion)[-1] == "rescored"

    again = ended(promote(baseline, return_state=True))
    assert again.name == "Blocked"
    assert "G5: mean" in str(again.message)
    current = board(entries(store), scored.judge)
    assert (current.champion, current.best_ever, current.scored_runs) == (second, second, 3)
    found = fsck(store)
    assert (found.findings, found.unfinished) == ((), ())
    reports = list(store.list(f"reports/{second}/"))
    assert len(reports) == 1
    assert store.read(reports[0].key).startswith(b"<!")


def test_a_pipeline_takes_every_parameter_of_a_render_with_its_limits_and_default() -> None:
    own, renders = ({**flow.parameters.properties} for flow in (pipeline, render))
    assert {name: _choice(one) for name, one in renders.items()} == {
        name: _choice(own.get(name)) for name in renders
    }


def _choice(schema: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What a parameter takes; place and wording are each flow's own."""
    told = ("position", "description", "title")
    return None if schema is None else {key: one for key, one in schema.items() if key not in told}


def test_a_copy_under_a_new_name_is_blocked_before_anything_is_uploaded(
    originals: str, store: ObjectStore, tmp_path: Path
) -> None:
    table = pair_table(tmp_path, NEAR)
    first = rendered(originals, table, method="global_grid", tag="first")
    ended(submit(first, return_state=True))
    copy = rendered(originals, table, method="global_grid", tag="copy")
    state = ended(submit(copy, return_state=True))
    assert state.name == "Blocked"
    assert f"equal to those of {first!r}" in str(state.message)
    assert events(store, copy) == ["rendered", "rejected"]
    flights = {found.key.split("/")[2] for found in store.list("flights/")}
    assert len(flights) == 1  # the first one's; the copy never left


def test_a_run_with_scores_is_not_submitted_again(originals: str, store: ObjectStore, tmp_path: Path) -> None:
    name = rendered(originals, pair_table(tmp_path, FAR), method="global_grid", tag="once")
    first = ended(submit(name, return_state=True)).result()
    again = ended(submit(name, out=str(tmp_path / "out"), return_state=True))
    assert again.result() == first
    stem = name.removeprefix("submission_")
    csv, summary = (tmp_path / "out" / f"scored_{stem}.{kind}" for kind in ("csv", "json"))
    assert csv.read_bytes() == store.read(first.csv_key)
    assert json.loads(summary.read_bytes())["scored"] == 12
    assert "has these scores already" in str(again.message)
    assert events(store, name).count("scored") == 1


@pytest.mark.parametrize(
    ("flow", "sentence"),
    [
        (lambda name: analyse(name, return_state=True), "was never scored; submit it first"),
        (lambda name: promote(name, return_state=True), "was never scored; submit it first"),
        (lambda name: submit("v4", return_state=True), "has no finished run"),
        (lambda name: submit("nobody", return_state=True), "no submission is called 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    originals: str, store: ObjectStore, tmp_path: Path, flow: Any, sentence: str
) -> None:
    name = rendered(originals, pair_table(tmp_path, FAR), method="global_grid", tag="any")
    state = flow(name)
    assert state.is_failed()
    assert sentence in str(state.message)


def test_a_zip_that_lacks_photos_is_not_submitted(originals: str, store: ObjectStore, tmp_path: Path) -> None:
    folder = tmp_path / "originals"
    folder.mkdir()
    for photo in Path(originals).iterdir():
        (folder / photo.name).write_bytes(photo.read_bytes())
    (folder / "page_g1.jpg").write_bytes(b"<html>")
    name = rendered(str(folder), pair_table(tmp_path, FAR), method="global_grid", tag="gap")
    state = submit(name, return_state=True)
    assert state.is_failed()
    assert "'page_g1.jpg'" in str(state.message)
    assert events(store, name) == ["rendered"]


def test_evidence_that_was_altered_promotes_nothing(
    originals: str, store: ObjectStore, tmp_path: Path
) -> None:
    name = rendered(originals, pair_table(tmp_path, FAR), method="global_grid", tag="altered")
    scored: ScoredSubmission = ended(submit(name, return_state=True)).result()
    csv = store.read(scored.csv_key).replace(b"0.", b"9.")
    store.delete(scored.csv_key)
    store.create(scored.csv_key, csv)
    state = promote(name, return_state=True)
    assert state.is_failed()
    assert "the ledger says" in str(state.message)


def test_a_policy_can_only_be_stricter(originals: str, store: ObjectStore, tmp_path: Path) -> None:
    name = rendered(originals, pair_table(tmp_path, NEAR), method="global_grid", tag="strict")
    ended(submit(name, return_state=True))
    state = ended(promote(name, policy=GatePolicy(max_zero_rate=0.0), return_state=True))
    assert state.name == "Blocked"
    with pytest.raises(ValueError, match="max_zero_rate"):
        GatePolicy(max_zero_rate=0.13)


def test_a_pruned_zip_leaves_all_evidence(originals: str, store: ObjectStore, tmp_path: Path) -> None:
    name = rendered(originals, pair_table(tmp_path, FAR), method="global_grid", tag="pruned")
    ended(submit(name, return_state=True))
    store.delete(submission_key(name))
    assert ended(analyse(name, return_state=True)).result().name == name
    json.loads(store.read(f"runs/{name}/manifest.json"))


def answered(reply: dict[str, object]) -> None:
    """Answer the first run that is paused."""
    deadline = time.monotonic() + 120
    paused = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])))
    while time.monotonic() < deadline:
        with get_client(sync_client=True) as client:
            for run in client.read_flow_runs(flow_run_filter=paused):
                resume_flow_run(run.id, run_input=reply)
                return
        time.sleep(0.5)
    raise TimeoutError("no run was paused")


@pytest.mark.parametrize(
    ("reply", "state", "words"),
    [
        ({"promote": True}, "Promoted", "is champion under"),
        ({"promote": False, "reason": "doors look odd"}, "Advanced", "declined: doors look odd"),
    ],
)
def test_a_person_is_asked_before_the_champion_changes(
    originals: str, store: ObjectStore, tmp_path: Path, reply: dict[str, object], state: str, words: str
) -> None:
    for table, method, tag in (
        (pair_table(tmp_path, FAR), "global_grid", "far"),
        (bucket_table(tmp_path, NEAR), "dim_bucket_microgrid", "near"),
    ):
        name = rendered(originals, table, method=method, tag=tag)
        ended(submit(name, return_state=True))
    with ThreadPoolExecutor(1) as person:
        answer = person.submit(copy_context().run, answered, reply)
        asked = ended(promote(name, ask=True, return_state=True))
        answer.result()
    assert asked.name == state
    assert words in str(asked.message)
    assert ("promoted" in events(store, name)) is (state == "Promoted")


def test_a_person_who_does_not_answer_leaves_the_champion_and_a_sealed_decision(
    originals: str, store: ObjectStore, tmp_path: Path
) -> None:
    for table, method, tag in (
        (pair_table(tmp_path, FAR), "global_grid", "far"),
        (bucket_table(tmp_path, NEAR), "dim_bucket_microgrid", "near"),
    ):
        name = rendered(originals, table, method=method, tag=tag)
        ended(submit(name, return_state=True))
    asked = ended(promote(name, ask=True, patience_s=1, return_state=True))
    assert (asked.name, asked.message) == ("Advanced", "declined: nobody answered within 1 s")
    assert fsck(store).is_clean


def test_the_fallback_submits_the_champion_once_more_in_the_last_hour(
    originals: str, store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    baseline = rendered(originals, pair_table(tmp_path, FAR), method="global_grid", tag="far")
    ended(submit(baseline, return_state=True))
    name = rendered(originals, bucket_table(tmp_path, NEAR), method="dim_bucket_microgrid", tag="near")
    ended(submit(name, return_state=True))
    ended(promote(name, return_state=True))
    unset = fallback(return_state=True)
    assert "CALIBGUARD_DEADLINE is not set" in str(cast("State[Any]", unset).message)
    soon = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()
    monkeypatch.setenv("CALIBGUARD_DEADLINE", soon)
    named = ended(fallback(return_state=True))
    assert f"run: calibguard submit {name}" in str(named.message)
    assert "rescored" not in events(store, name)
    monkeypatch.setenv("CALIBGUARD_DEADLINE_SUBMISSION", "enabled")
    for _ in range(2):
        ended(fallback(return_state=True))
    assert events(store, name).count("rescored") == 1

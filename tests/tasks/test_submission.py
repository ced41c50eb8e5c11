import json
import uuid
from pathlib import Path

import pytest

from infra.errors import PortalUnreachable, ScoringUnfinished, SubmissionAmbiguous, SubmissionUnsettled
from infra.portal.client.connection import Portal, TeamIdentity
from infra.portal.client.step_record import flight_key
from infra.store.interface import ObjectStore
from tasks.champion import reigning
from tasks.deadline import submit_again
from tasks.domain.score_schemas import ScoredSubmission
from tasks.evidence import entry_of, read_run
from tasks.fsck import fsck
from tasks.ledger import append, entries
from tasks.photo_workers import PhotoWorkers
from tasks.promotion import concluded, rescored
from tasks.score_keeping import JudgeChanged
from tasks.submission import scored_run
from tests.infra.portal.fake_judge import fake_judge, status
from tests.infra.portal.submissions import SOON_TIRED
from tests.judged import FAR, NEAR
from tests.judged_store import JUDGE, JudgedStore

NOBODY = Portal("http://127.0.0.1:9", judge="portal")
EARLIER = "2026-11-23T12:00:00+00:00"
TEAM = TeamIdentity("team", "kaggler", "a@b.example", "https://github.com/team/repo")


@pytest.fixture
def judged(store: ObjectStore, workers: PhotoWorkers, tmp_path: Path) -> JudgedStore:
    return JudgedStore(store, tmp_path, workers)


def submit(
    judged: JudgedStore, name: str, *, resubmit: str | None = None, again_for: str | None = None
) -> None:
    scored_run(
        name,
        JUDGE,
        asked=NOBODY,
        identity=TEAM,
        store=judged.store,
        resubmit=resubmit,
        again_for=again_for,
        patience=SOON_TIRED,
    )


def test_a_resubmission_of_what_can_simply_go_on_is_a_sentence(judged: JudgedStore) -> None:
    name = judged.render("near", NEAR)
    with pytest.raises(PortalUnreachable):
        submit(judged, name)
    with pytest.raises(SubmissionUnsettled, match="run without resubmit to go on with it"):
        submit(judged, name, resubmit="the portal was down")


def test_an_anchor_that_was_cut_off_does_not_keep_another_candidate_from_its_own(judged: JudgedStore) -> None:
    name = judged.render("near", NEAR)
    run = read_run(name, entries(judged.store), judged.store)
    attempts = f"{flight_key(JUDGE.key, run.manifest.submission.behaviour_digest)}/attempts"
    steps = {
        "001/intent.json": {"resubmit": ""},
        "001/scored.json": {},
        "002/intent.json": {"resubmit": "anchor for another"},
        "002/accepted.json": {"request_id": str(uuid.uuid4())},
    }
    for step, members in steps.items():
        judged.store.create(f"{attempts}/{step}", json.dumps(members).encode())
    with pytest.raises(ScoringUnfinished):  # the other's job is waited for; nobody answers here
        submit(judged, name, again_for="anchor for this one")
    judged.store.create(f"{attempts}/002/failed.json", b'{"detail": "no more"}')
    with pytest.raises(PortalUnreachable):
        submit(judged, name, again_for="anchor for this one")
    assert judged.store.head(f"{attempts}/003/intent.json") is not None


def test_an_anchor_of_unknown_fate_is_sent_again_for_a_reason(judged: JudgedStore) -> None:
    judged.judged("far", FAR, [20.0] * 6, method="global_grid")
    name = judged.judged("near", NEAR, [40.0] * 6)
    concluded(judged.decide(name), judged.store)
    champion = reigning(JUDGE, judged.store).pointer
    assert champion is not None
    run = read_run(name, entries(judged.store), judged.store)
    attempts = f"{flight_key(JUDGE.key, run.manifest.submission.behaviour_digest)}/attempts"
    judged.store.delete(f"{attempts}/001/intent.json")
    for step, members in {
        "001/intent.json": {"resubmit": ""},
        "001/scored.json": {},
        "002/intent.json": {"resubmit": "anchor for another"},
        "002/posts/01/sent.json": {},
    }.items():
        judged.store.create(f"{attempts}/{step}", json.dumps(members).encode())

    def anchored(resubmit: str | None) -> None:
        rescored(
            champion,
            for_candidate="another",
            resubmit=resubmit,
            asked=NOBODY,
            identity=TEAM,
            store=judged.store,
            patience=SOON_TIRED,
        )

    with pytest.raises(SubmissionAmbiguous):
        anchored(None)
    with pytest.raises(PortalUnreachable):  # it is on its way to the portal
        anchored("the portal lists no job")
    intent = json.loads(judged.store.read(f"{attempts}/003/intent.json"))
    assert intent["resubmit"] == "anchor for another, again: the portal lists no job"


def test_the_fallback_sends_nothing_to_another_judge_than_the_one_it_decided_for(
    judged: JudgedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = judged.judged("near", NEAR, [40.0] * 6)
    with fake_judge({"poll": [status(404)]}) as other:
        monkeypatch.setenv("CALIBGUARD_STORE_URL", str(judged.folder / "store"))
        monkeypatch.setenv("CALIBGUARD_PORTAL_URL", other.url)
        with pytest.raises(JudgeChanged, match="the portal's judge is calibguard-portal unstated"):
            submit_again.fn(name, JUDGE, None)
    assert other.zips == []


def test_of_two_equal_runs_that_were_sent_at_once_the_first_goes_on(judged: JudgedStore) -> None:
    first, second = judged.render("first", NEAR), judged.render("second", NEAR)
    assert judged.submit(first)
    run = read_run(second, entries(judged.store), judged.store)
    append(entry_of(run, JUDGE, "submitted", at=judged.tick().isoformat()), judged.store)
    assert judged.submit(first)
    assert not judged.submit(second)


class AnotherIsFaster:
    """A store in which another machine keeps the same scores just before this one does."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def create(self, key: str, body: bytes, *, sha256: str | None = None) -> object:
        if key.endswith("/scored.json"):
            other = ScoredSubmission.model_validate_json(body).model_copy(update={"scored_at": EARLIER})
            self._store.create(key, other.model_dump_json(indent=1).encode())
        return self._store.create(key, body, sha256=sha256)


def test_scores_that_two_machines_keep_at_once_are_told_as_the_first_one_kept_them(
    judged: JudgedStore,
) -> None:
    name, store = judged.render("near", NEAR), judged.store
    judged.store = AnotherIsFaster(store)  # type: ignore[assignment]
    judged.score(name, [40.0] * 6)
    assert [one.at for one in entries(store) if one.event == "scored"] == [EARLIER]
    assert fsck(store).is_clean

"""Our client against our own portal, both real, over real sockets."""

from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from infra.errors import PortalDenied, ScoringUnfinished, SubmissionFailed
from infra.portal.client.connection import Patience, Portal
from infra.portal.client.submission import submit
from infra.store.local import LocalStore
from tests.infra.portal.conftest import IDS, StartPortal
from tests.infra.portal.submissions import TEAM, archive_of, zipped

PATIENT = Patience(request_s=10, upload_s=10, retry_s=10, scoring_s=30, poll_s=0.1)
HASTY = Patience(request_s=10, upload_s=10, retry_s=10, scoring_s=0.3, poll_s=0.1)

WORDS = {"team_name": "t", "kaggle_username": "k", "email": "e", "github_repo": "g"}


def outputs(kind: str = "targets") -> dict[str, bytes]:
    return {f"{photo_id}.jpg": f"{kind} {photo_id}".encode() * 50 for photo_id in IDS}


def test_a_zip_is_uploaded_scored_and_told_with_its_judge(portal_url: str, store: LocalStore) -> None:
    portal = Portal(portal_url, judge="own")
    files = outputs() | {f"{IDS[0]}.jpg": b"other", f"{IDS[1]}.jpg": b"no photo at all"}
    answer = submit(archive_of(zipped(files)), TEAM, portal=portal, store=store, patience=PATIENT)
    rows = ["image_id,score", f"{IDS[0]},37.13", f"{IDS[1]},0.00", f"{IDS[2]},100.00", f"{IDS[3]},100.00"]
    assert answer.csv.decode().splitlines() == rows
    assert {name: answer.summary[name] for name in ("total_images", "scored", "missing", "hard_fails")} == {
        "total_images": 4,
        "scored": 4,
        "missing": 0,
        "hard_fails": 1,
    }
    assert answer.summary["avg_score"] == pytest.approx(2.3713 / 4)
    assert answer.judge is not None
    assert answer.judge.metric_profile == "test"
    assert len(answer.judge.target_set_digest) == 64


def test_a_second_submit_asks_nothing_of_the_portal(start_portal: StartPortal, store: LocalStore) -> None:
    running = start_portal()
    portal, archive = Portal(running.url, judge="own"), archive_of(zipped(outputs()))
    first = submit(archive, TEAM, portal=portal, store=store, patience=PATIENT)
    running.kill()
    assert submit(archive, TEAM, portal=portal, store=store, patience=PATIENT) == first


def test_a_resubmission_is_another_job_and_the_same_words_again_are_not(
    portal_url: str, store: LocalStore
) -> None:
    portal, archive = Portal(portal_url, judge="own"), archive_of(zipped(outputs()))
    first = submit(archive, TEAM, portal=portal, store=store, patience=PATIENT)
    second = submit(archive, TEAM, portal=portal, store=store, patience=PATIENT, resubmit="anchor")
    third = submit(archive, TEAM, portal=portal, store=store, patience=PATIENT, resubmit="anchor")
    assert first.request_id != second.request_id
    assert third == second
    assert second.csv == first.csv


def test_a_zip_that_breaks_a_rule_fails_with_the_rule(portal_url: str, store: LocalStore) -> None:
    portal = Portal(portal_url, judge="own")
    files = outputs()
    del files[f"{IDS[3]}.jpg"]
    with pytest.raises(SubmissionFailed, match="must hold 4 files, its end record says 3"):
        submit(archive_of(zipped(files)), TEAM, portal=portal, store=store, patience=PATIENT)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_job_that_the_portals_end_interrupted_is_done_after_its_restart(
    start_portal: StartPortal, store: LocalStore, end: str
) -> None:
    running = start_portal(scorer="slow")
    archive = archive_of(zipped(outputs()))
    with pytest.raises(ScoringUnfinished):
        submit(archive, TEAM, portal=Portal(running.url, judge="own"), store=store, patience=HASTY)
    getattr(running, end)()
    portal = Portal(start_portal(scorer="slow").url, judge="own")
    answer = submit(archive, TEAM, portal=portal, store=store, patience=PATIENT)
    assert answer.summary["avg_score"] == 1.0


def test_a_finished_job_is_still_told_after_a_restart(start_portal: StartPortal, store: LocalStore) -> None:
    running = start_portal()
    archive = archive_of(zipped(outputs()))
    answer = submit(archive, TEAM, portal=Portal(running.url, judge="own"), store=store, patience=PATIENT)
    running.stop()
    told = httpx.get(f"{start_portal().url}/api/score", params={"request_id": answer.request_id}).json()
    assert (told["status"], told["csv"].encode()) == ("COMPLETED", answer.csv)


@pytest.mark.parametrize(
    ("scorer", "told"),
    [
        ("crashing", "crashed, twice"),
        ("broken", "scorer broke: ZeroDivisionError"),
        ("unusable", "photo 'home0_g0': its target is unusable: torn"),
    ],
)
def test_a_portal_whose_scorer_breaks_gives_no_scores(
    start_portal: StartPortal, store: LocalStore, scorer: str, told: str
) -> None:
    portal = Portal(start_portal(scorer=scorer).url, judge="own")
    with pytest.raises(SubmissionFailed, match=told):
        submit(archive_of(zipped(outputs())), TEAM, portal=portal, store=store, patience=PATIENT)


def test_a_worker_that_crashes_once_costs_nothing(
    start_portal: StartPortal, store: LocalStore, tmp_path: Path
) -> None:
    portal = Portal(start_portal(scorer="crashing_once").url, judge="own")
    files = {f"{photo_id}.jpg": str(tmp_path / photo_id).encode() for photo_id in IDS}
    answer = submit(archive_of(zipped(files)), TEAM, portal=portal, store=store, patience=PATIENT)
    assert answer.summary["avg_score"] == 0.3713


def test_a_portal_with_a_token_lets_nobody_else_in(
    start_portal: StartPortal, store: LocalStore, tmp_path: Path
) -> None:
    secret = tmp_path / "portal_token"
    secret.write_text("open sesame\n")
    url = start_portal(f"--token-file={secret}").url
    archive = archive_of(zipped(outputs()))
    for token in (None, SecretStr("open"), SecretStr("Open sesame")):
        with pytest.raises(PortalDenied, match="401"):
            submit(archive, TEAM, portal=Portal(url, judge="own", token=token), store=store, patience=PATIENT)
    portal = Portal(url, judge="own", token=SecretStr("open sesame"))
    assert submit(archive, TEAM, portal=portal, store=store, patience=PATIENT).summary["avg_score"] == 1.0


def test_requests_that_break_a_rule_are_refused_with_a_sentence(portal_url: str) -> None:
    with httpx.Client(base_url=portal_url, trust_env=False) as client:
        grant = client.post("/api/upload-url", json={"team_name": "t"}).json()
        signed = grant["upload_url"]
        statuses = {
            "no JSON": client.post("/api/upload-url", content=b"{").status_code,
            "repeated key": client.post(
                "/api/upload-url", content=b'{"team_name":"a","team_name":"b"}'
            ).status_code,
            "flood": client.post("/api/upload-url", content=b" " * 70_000).status_code,
            "number for text": client.post("/api/upload-url", json={"team_name": 5}).status_code,
            "unsigned": client.put(signed.replace("signature=", "signature=0"), content=b"x").status_code,
            "other name": client.put(signed.replace("/uploads/", "/uploads/0"), content=b"x").status_code,
            "later": client.put(signed.replace("expires=1", "expires=9"), content=b"x").status_code,
            "too large": client.put(signed, content=bytes((1 << 20) + 1)).status_code,
            "empty": client.put(signed, content=b"").status_code,
            "no length": client.put(signed, content=iter([b"x"])).status_code,
            "nothing uploaded": client.post(
                "/api/score", json={**WORDS, "s3_key": grant["s3_key"]}
            ).status_code,
            "climbing key": client.post("/api/score", json={**WORDS, "s3_key": "../secret"}).status_code,
            "no such job": client.get("/api/score", params={"request_id": "0"}).status_code,
            "climbing job": client.get("/api/score", params={"request_id": "../x"}).status_code,
            "rebound name": client.get("/api/judge", headers={"Host": "evil.example"}).status_code,
        }
    assert statuses == {
        "no JSON": 422,
        "repeated key": 422,
        "flood": 413,
        "number for text": 422,
        "unsigned": 403,
        "other name": 403,
        "later": 403,
        "too large": 413,
        "empty": 413,
        "no length": 411,
        "nothing uploaded": 404,
        "climbing key": 404,
        "no such job": 404,
        "climbing job": 404,
        "rebound name": 403,
    }


def test_the_same_upload_has_one_job_however_often_it_is_requested(portal_url: str) -> None:
    with httpx.Client(base_url=portal_url, trust_env=False) as client:
        grant = client.post("/api/upload-url", json={"team_name": "t"}).json()
        assert client.put(grant["upload_url"], content=zipped(outputs())).status_code == 204
        request = {
            "team_name": "t",
            "kaggle_username": "k",
            "email": "e",
            "github_repo": "g",
            "s3_key": grant["s3_key"],
        }
        first, second = (client.post("/api/score", json=request).json() for _ in range(2))
        assert first == second
        assert client.post("/api/score", json={**request, "team_name": "other"}).status_code == 409
        assert client.put(grant["upload_url"], content=b"replaced").status_code == 409

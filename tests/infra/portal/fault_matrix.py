"""Each step of a submission under each fault, and then a second run on the same state.

The judge's own count of jobs is the verdict: no scenario may ever make it two.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.errors import (
    PortalAnswerInvalid,
    PortalDenied,
    PortalError,
    PortalRefused,
    PortalUnavailable,
    ScoringUnfinished,
    SubmissionAmbiguous,
    SubmissionFailed,
    SubmissionLost,
    UploadUrlRefused,
)
from infra.portal.client.connection import Patience, Portal
from infra.portal.client.submission import submit
from infra.store.local import LocalStore
from tests.infra.portal import fake_judge as judge
from tests.infra.portal.fake_judge import CSV, SUMMARY, Act, FakeJudge, fake_judge, forever, says, status
from tests.infra.portal.submissions import IMPATIENT, QUICK, SOON_TIRED, TEAM, archive_of, zipped

ARCHIVE = archive_of(zipped({"home0_g0.jpg": b"photo" * 1000}))

PASSING: dict[str, Act] = {
    "429": status(429),
    "429 with a pause": status(429, headers="Retry-After: 0\r\n"),
    "500": status(500),
    "502": status(502, b"<html>"),
    "503": status(503),
    "504": status(504),
    "504 after commit": judge.committed_then(504),
    "drop": judge.drop,
    "drop after commit": judge.drop_after_commit,
    "reset": judge.reset,
    "truncated": judge.truncated,
    "hang": judge.hang,
    "slow headers": judge.slow_headers,
    "slow body": judge.slow_body,
    "close-delimited cut": judge.close_delimited_cut,
    "html": judge.html,
    "gzip": judge.compressed,
    "flood": judge.flood,
    "announced flood": judge.announced_flood,
}
HANGING = {"hang", "slow headers", "slow body"}
NO_JOB = {"429", "429 with a pause", "503"}  # what a score request may be repeated after
REFUSALS: dict[str, tuple[Act, type[PortalError]]] = {
    "400": (status(400, b'{"detail": "no"}'), PortalRefused),
    "401": (status(401), PortalDenied),
    "403": (status(403), PortalDenied),
    "404": (status(404), PortalRefused),
    "413": (status(413), PortalRefused),
    "422": (status(422, b'{"detail": [{"loc": []}]}'), PortalRefused),
}
UPLOAD_URLS = [
    "http://169.254.169.254/latest/meta-data",
    "https://169.254.169.254/latest/meta-data",
    "http://2130706433/key",
    "https://evil.example/key",
    "https://127.0.0.1@evil.example/key",
    "http://user@127.0.0.1:{port}/key",
    "https://127.0.0.1:{port}/key",
    "http://[::1]:{port}/key",
    "http://127.0.0.1:1/key",
    "file:///etc/passwd",
    "http://127.0.0.1:{port}/key\r\nX: y",
    "http://127.0.0.1:{port}\\@evil.example/key",
    "http://localhost.evil.example:{port}/key",
    "//127.0.0.1:{port}/key",
]
UPLOAD_SHAPES: dict[str, object] = {
    "no url": {"s3_key": "k"},
    "url is a number": {"upload_url": 5, "s3_key": "k"},
    "no key": {"upload_url": "http://127.0.0.1/"},
    "key with a line break": {"upload_url": "http://127.0.0.1/", "s3_key": "a\nb"},
    "a list": [1],
    "repeated key": b'{"s3_key": "a", "s3_key": "b"}',
    "NaN": b'{"upload_url": NaN}',
    "deep": b"[" * 100_000,
    "no UTF-8": b'{"upload_url": "\xff"}',
}
ACCEPTED_SHAPES: dict[str, object] = {
    "no id": {},
    "id is a number": {"request_id": 5},
    "id is no UUID": {"request_id": "1; drop table"},
    "null": None,
    "complaint": {"detail": "team unknown"},
    "complaint beside an id": {"request_id": "7f3b1f6e-2f0b-4c43-8f0b-2b9a3f1f0a11", "error": "queue full"},
    "empty": b"",
    "repeated id": b'{"request_id": "a", "request_id": "b"}',
    "half a surrogate pair": b'{"request_id": "\\ud800"}',
}
PENDING_SHAPES: dict[str, object] = {
    "queued": {"status": "QUEUED"},
    "unknown word": {"status": "ALMOST_COMPLETED"},
    "lower case": {"status": "completed", "csv": CSV, "summary": SUMMARY},
    "no status": {},
    "status is a list": {"status": ["COMPLETED"]},
    "status is true": {"status": True},
    "csv before the end": {"status": "RUNNING", "csv": CSV},
    "progress of nonsense": {"status": "RUNNING", "done": -1, "total": "many"},
    "no JSON": b"Internal Server Error",
    "NaN": b'{"status": "COMPLETED", "csv": NaN}',
    "1e999": b'{"status": "COMPLETED", "csv": 1e999}',
    "escape sequence": {"status": "\x1b[2J"},
}
DONE = {"status": "COMPLETED", "csv": CSV, "summary": SUMMARY}
FINISHED_SHAPES: dict[str, object] = {
    "COMPLETE": {**DONE, "status": "COMPLETE", "success": True},
    "unknown members": {**DONE, "version": [1, {"a": 2}]},
    "no per_image": {**DONE, "summary": {k: v for k, v in SUMMARY.items() if k != "per_image"}},
}
INVALID_SHAPES: dict[str, object] = {
    "no csv": {**DONE, "csv": None},
    "csv is empty": {**DONE, "csv": ""},
    "csv is a list": {**DONE, "csv": [CSV]},
    "csv is cut": {**DONE, "csv": CSV[:-2]},
    "no summary": {"status": "COMPLETED", "csv": CSV},
    "summary is a list": {**DONE, "summary": []},
    "count is a float": {**DONE, "summary": {**SUMMARY, "missing": 0.0}},
    "count is true": {**DONE, "summary": {**SUMMARY, "scored": True}},
    "count is negative": {**DONE, "summary": {**SUMMARY, "hard_fails": -1}},
    "average is text": {**DONE, "summary": {**SUMMARY, "avg_score": "0.5"}},
    "average is true": {**DONE, "summary": {**SUMMARY, "avg_score": True}},
    "average is 0 to 100": {**DONE, "summary": {**SUMMARY, "avg_score": 50.0}},
    "per_image of numbers": {**DONE, "summary": {**SUMMARY, "per_image": [1]}},
    "other request": {**DONE, "request_id": "7f3b1f6e-2f0b-4c43-8f0b-2b9a3f1f0a11"},
    "judge without digest": {**DONE, "judge": {"name": "j"}},
}
FAILED_SHAPES: dict[str, object] = {
    "FAILED": {"status": "FAILED"},
    "detail": {"status": "RUNNING", "detail": "zip damaged"},
    "error": {"error": {"code": 5}},
    "not a success": {**DONE, "success": False},
    "detail beside scores": {**DONE, "detail": "partial"},
}


@dataclass(frozen=True)
class Scenario:
    """Faults of the first run, and what both runs must come to; None stands for scores."""

    name: str
    acts: dict[str, list[Act]]
    first: type[PortalError] | None = None
    second: type[PortalError] | None = None
    jobs: tuple[int, ...] = (1,)
    upload_url: str | None = None
    patience: Patience = QUICK


def scenarios() -> Iterator[Scenario]:
    for name, act in PASSING.items():
        patience = IMPATIENT if name in HANGING else QUICK
        for step in ("upload-url", "put", "poll"):
            yield Scenario(f"{step}: {name}", {step: [act]}, patience=patience)
        fate = None if name in NO_JOB else SubmissionAmbiguous
        yield Scenario(
            f"post: {name}", {"post": [act]}, fate, fate, (0, 1) if fate else (1,), patience=patience
        )
    for name, (act, error) in REFUSALS.items():
        for step in ("upload-url", "put", "post", "poll"):
            lost = (step, name) == ("poll", "404")
            yield Scenario(f"{step}: {name}", {step: [act]}, SubmissionLost if lost else error)
    yield from for_ever()
    for step in ("upload-url", "put", "poll"):
        yield Scenario(f"{step}: redirect", {step: [judge.redirect]}, PortalRefused)
    for name, act in {"redirect": judge.redirect, "408": status(408)}.items():
        yield Scenario(f"post: {name}", {"post": [act]}, SubmissionAmbiguous, SubmissionAmbiguous, jobs=(0,))
    yield from shapes()
    for url in UPLOAD_URLS:
        yield Scenario(f"upload url: {url!r}", {}, UploadUrlRefused, upload_url=url)


def for_ever() -> Iterator[Scenario]:
    queued = says({"status": "Q"})
    for step in ("upload-url", "put", "post"):
        yield Scenario(
            f"{step}: 503 for ever", {step: [forever(status(503))]}, PortalUnavailable, patience=SOON_TIRED
        )
    yield Scenario(
        "poll: 503 for ever", {"poll": [forever(status(503))]}, ScoringUnfinished, patience=SOON_TIRED
    )
    yield Scenario(
        "poll: queued for ever",
        {"poll": [forever(queued)]},
        ScoringUnfinished,
        patience=SOON_TIRED,
    )


def shapes() -> Iterator[Scenario]:
    for name, shape in UPLOAD_SHAPES.items():
        yield Scenario(f"upload-url says {name}", {"upload-url": [says(shape)]})
    for name, shape in ACCEPTED_SHAPES.items():
        fate = SubmissionAmbiguous
        yield Scenario(f"post says {name}", {"post": [says(shape)]}, fate, fate)
    for name, shape in {**PENDING_SHAPES, **FINISHED_SHAPES}.items():
        yield Scenario(f"poll says {name}", {"poll": [says(shape)]})
    for name, shape in INVALID_SHAPES.items():
        yield Scenario(f"poll says {name}", {"poll": [says(shape)]}, PortalAnswerInvalid)
    for name, shape in FAILED_SHAPES.items():
        yield Scenario(f"poll says {name}", {"poll": [says(shape)]}, SubmissionFailed, SubmissionFailed)


ALL = tuple(scenarios())


def wrongs(scenario: Scenario, store: LocalStore) -> list[str]:
    """Submit three times, the first time among the faults; a sentence for all that is not as it must be."""
    with fake_judge(scenario.acts) as running:
        running.upload_url = scenario.upload_url and scenario.upload_url.format(port=running.port)
        found = list[str]()
        first = _outcome(running, store, found, scenario.patience)
        running.acts.clear()
        running.upload_url = None
        second = _outcome(running, store, found)
        if (first, second) != (scenario.first, scenario.second):
            found.append(f"two runs came to {first}, {second}; expected {scenario.first}, {scenario.second}")
        if len(running.jobs) not in scenario.jobs:
            found.append(f"the judge has {len(running.jobs)} jobs, expected {scenario.jobs}")
        posts = running.steps.count("post")
        _outcome(running, store, found)
        if running.steps.count("post") != posts:
            found.append("a third run sent a score request")
        return found


def _outcome(
    running: FakeJudge, store: LocalStore, found: list[str], patience: Patience = QUICK
) -> type[PortalError] | None:
    """Submit once: the error's type, None for scores; what is said must be fit for a log."""
    try:
        portal = Portal(running.url, judge="fake")
        answer = submit(ARCHIVE, TEAM, portal=portal, store=store, patience=patience)
    except PortalError as error:
        found += _unfit_for_a_log(str(error))
        return type(error)
    if answer.csv != CSV.encode():
        found.append("the scores are not the judge's")
    return None


def _unfit_for_a_log(sentence: str) -> list[str]:
    """What a judge says can hold escape sequences, and its URLs hold credentials."""
    faults = {
        "tells a credential": "canary" in sentence,
        "is no ASCII": not sentence.isascii(),
        "holds control characters": not sentence.isprintable(),
        "is no sentence but a flood": len(sentence) >= 900,
    }
    return [f"the error {fault}: {sentence[:200]!a}" for fault, present in faults.items() if present]

"""Zips, CSVs and JSON that others may send: all are refused in our own words, and leave nothing anywhere."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from infra.errors import SubmissionZipRefused
from infra.portal.client import answers
from infra.portal.server.submission_reader import read_submission
from infra.store.local import LocalStore
from infra.web.address import upload_address, web_address
from infra.web.exchange import Answer
from tasks.champion import reigning
from tasks.domain.gates.decision import decide_promotion
from tasks.domain.gates.records import GatePolicy
from tasks.domain.schemas import Record, RunManifest
from tasks.domain.score_schemas import ScoredSubmission
from tasks.domain.scored_csv import check_summary, parse_scored_csv
from tasks.domain.tables import load_bucket_table, load_global_table, load_table, shipped_text
from tasks.evidence import parse_summary
from tasks.failures import SENTENCES
from tasks.keys import champion_key, ledger_key, manifest_key
from tasks.ledger import entries
from tasks.photo_workers import open_photo_workers
from tasks.records import read_record
from tests.faults.hostile_csvs import IDS, SCORES, good, hostile_csvs
from tests.faults.hostile_json import DocumentKind, Place, hostile_json
from tests.faults.verdict import Verdict
from tests.gate_cases import evidence
from tests.infra.portal.hostile_zips import FILES, HOSTILE
from tests.judged import NEAR
from tests.judged_store import JudgedStore
from tests.ledger_entries import PORTAL, pointer, promotion
from tests.quick_folder import quick_folder

B = TypeVar("B", bytes, Path)

_SUITE = "hostile files"
_REQUEST_ID = "7f3b1f6e-2f0b-4c43-8f0b-2b9a3f1f0a11"
_MEAN = sum(float(score) for score in SCORES.values()) / len(SCORES)
_SUMMARY = json.dumps(
    {
        "total_images": len(IDS),
        "scored": len(IDS),
        "missing": 0,
        "hard_fails": 0,
        "avg_score": round(_MEAN / 100, 4),
        "elapsed": 1.5,
    }
).encode()
_LONGEST_LINE = 600
_MOST_LINES = 52


def hostile_files(folder: Path, *, count: int, seed: int) -> Iterator[Verdict]:
    """Have every file read by what reads it in earnest."""
    yield from _zips()
    yield from _csvs(count, seed)
    with quick_folder() as top:
        kinds = list(_kinds(top, _a_manifest(folder)))
        for kind in kinds:
            kind.read(kind.good)  # what is refused below is not refused for being what it is
        for name, kind, body in hostile_json(kinds, count=count, seed=seed):
            yield _refused(f"JSON {name}", kind.read, body)


def _zips() -> Iterator[Verdict]:
    for name, (body, _) in HOSTILE.items():
        with quick_folder() as top:
            inner = top / "inner"
            inner.mkdir()
            path = inner / "submission.zip"
            path.write_bytes(body)
            verdict = _refused(f"zip {name}", _read_zip, path, by=(SubmissionZipRefused,))
            left = sorted(found for found in top.rglob("*") if found not in (inner, path))
            more = [f"it left {found}" for found in left]
        yield Verdict(_SUITE, verdict.injection, (*verdict.wrongs, *more), verdict.measured)


def _read_zip(path: Path) -> object:
    return read_submission(path, wanted=FILES, max_file_bytes=1000)


def _csvs(count: int, seed: int) -> Iterator[Verdict]:
    _read_csv(good())
    for name, body in hostile_csvs(count=count, seed=seed):
        yield _refused(f"CSV {name}", _read_csv, body)


def _read_csv(raw: bytes) -> object:
    """Read as scores are kept: the CSV itself, and beside the judge's own average."""
    scores = parse_scored_csv(raw, source="scored.csv", expected_ids=IDS)
    check_summary(scores, parse_summary(_SUMMARY, source="summary.json"), source="summary.json")
    return scores


def _refused(
    name: str, read: Callable[[B], object], body: B, *, by: tuple[type[Exception], ...] = SENTENCES
) -> Verdict:
    try:
        found = read(body)
    except by as error:
        return Verdict(_SUITE, name, tuple(_unfit(str(error))), _shown(str(error)))
    except Exception as error:
        return Verdict(_SUITE, name, (f"it raised {type(error).__name__}: {_shown(str(error))}",))
    return Verdict(_SUITE, name, (f"it was read as {_shown(repr(found))}",))


def _unfit(text: str) -> Iterator[str]:
    """A sentence is one line; problems of a document are one to a line, set in by two spaces."""
    first, *more = text.split("\n")
    if not all(line.isprintable() for line in (first, *more)):
        yield f"it could steer a terminal: {text!a}"
    if any(not line.startswith("  ") for line in more):
        yield f"it is no sentence: {_shown(text)}"
    if len(more) > _MOST_LINES or max(map(len, (first, *more))) > _LONGEST_LINE:
        yield f"it is a flood of {len(text)} characters"


def _shown(text: str) -> str:
    return ascii(text[:160])[1:-1]


def _a_manifest(folder: Path) -> RunManifest:
    store = LocalStore(folder / "store")
    with open_photo_workers(processes=1, timeout_s=60, memory_mb=2048) as workers:
        name = JudgedStore(store, folder, workers, photos=2).render("any", NEAR)
    return read_record(RunManifest, manifest_key(name), store)


def _kinds(top: Path, manifest: RunManifest) -> Iterator[DocumentKind]:
    yield from _tables()
    yield from _answers()
    counts = [(name,) for name in ("total_images", "scored", "missing", "hard_fails", "avg_score")]
    read_summary = partial(parse_summary, source="summary.json")
    yield DocumentKind("summary", _SUMMARY, read_summary, counts, counts, closed=False)
    yield from _records(top, manifest)
    yield _pointer(top)
    yield _ledger_entry(top)


def _tables() -> Iterator[DocumentKind]:
    yield _table("calibguard_dim", load_table, ("dimensions", "2048x1367", "safe", "k1"), "parents")
    yield _table("dim_bucket_tuned", load_bucket_table, ("buckets", "standard", "k1"), "buckets")
    yield _table("global_grid_seed", load_global_table, ("pair", "k1"), "pair")


def _table(name: str, load: Callable[..., object], number: Place, section: str) -> DocumentKind:
    read = partial(load, source="table.json")
    required = [("name",), ("source",), (section,)]
    return DocumentKind(f"table {name}", shipped_text(f"{name}.json"), read, [number], required)


def _answers() -> Iterator[DocumentKind]:
    """What a judge says; a status that is not known means that the job goes on, so it is not tried here."""
    yield _answer(
        "to an upload",
        {"upload_url": "https://judge/put", "s3_key": "uploads/1.zip"},
        _upload_address,
        required=[("upload_url",), ("s3_key",)],
    )
    yield _answer(
        "to a score request",
        {"request_id": _REQUEST_ID},
        answers.read_request_id,
        required=[("request_id",)],
    )
    counts = [("summary", name) for name in ("total_images", "scored", "missing", "hard_fails", "avg_score")]
    yield _answer(
        "with scores",
        {"status": "COMPLETED", "csv": good().decode(), "summary": json.loads(_SUMMARY)},
        partial(answers.read_poll, request_id=_REQUEST_ID),
        required=[("csv",), ("summary",), *counts],
        numbers=counts,
    )


def _upload_address(members: answers.JsonObject) -> object:
    url, _ = answers.read_upload(members)
    return upload_address(url, portal=web_address("https://judge"), upload_hosts=())


def _answer(
    name: str,
    members: dict[str, object],
    read: Callable[[answers.JsonObject], object],
    *,
    required: Sequence[Place],
    numbers: Sequence[Place] = (),
) -> DocumentKind:
    def heard(body: bytes) -> object:
        return read(answers.read_object(Answer(200, body, None), asked="POST http://judge"))

    return DocumentKind(
        f"answer {name}", json.dumps(members).encode(), heard, numbers, required, closed=False
    )


def _records(top: Path, manifest: RunManifest) -> Iterator[DocumentKind]:
    scored = ScoredSubmission(
        name="a",
        judge=PORTAL,
        request_id=_REQUEST_ID,
        submission_sha256="1" * 64,
        behaviour_digest="2" * 64,
        manifest_sha256="3" * 64,
        csv_key="scores/a/scored.csv",
        csv_sha256="4" * 64,
        summary_sha256="5" * 64,
        scored_at="2026-11-23T12:00:00+00:00",
    )
    decision = decide_promotion(evidence(), GatePolicy())
    yield _record(top, scored, (), ["name", "judge", "submission_sha256", "csv_sha256"])
    yield _record(
        top, manifest, [("rendered",), ("submission", "size")], ["name", "plan_sha256", "submission"]
    )
    decision = decide_promotion(evidence(), GatePolicy())
    yield _record(top, decision, [("policy", "max_zero_rate")], ["policy", "evidence", "outcomes"])


def _record(top: Path, record: Record, numbers: Sequence[Place], required: Sequence[str]) -> DocumentKind:
    kind = type(record)

    def read(body: bytes) -> object:
        return read_record(kind, "record.json", _store_with(top, "record.json", body))

    places = [(name,) for name in required]
    return DocumentKind(kind.__name__, record.model_dump_json().encode(), read, numbers, places)


def _pointer(top: Path) -> DocumentKind:
    def read(body: bytes) -> object:
        return reigning(PORTAL, _store_with(top, champion_key(PORTAL), body))

    numbers = [("generation",), ("mean",)]
    required = [("name",), ("judge",), ("decision_sha256",), ("nonce",), *numbers]
    return DocumentKind("pointer", pointer("a", 1).model_dump_json().encode(), read, numbers, required)


def _ledger_entry(top: Path) -> DocumentKind:
    """Under the key of its digest, as one who wants it to be believed would store it."""
    entry = promotion("a", 1)
    document = entry.model_dump_json().encode()

    def read(body: bytes) -> object:
        digest = hashlib.sha256(body).hexdigest()[:16]
        key = ledger_key(entry, document).rpartition("_")[0]
        return entries(_store_with(top, f"{key}_{digest}.json", body))

    numbers = [("pointer", "generation"), ("pointer", "mean")]
    required = [("event",), ("name",), ("at",), ("pointer",)]
    return DocumentKind("ledger entry", document, read, numbers, required)


def _store_with(top: Path, key: str, body: bytes) -> LocalStore:
    """Put an object where the store would, behind its back, in a store of its own."""
    folder = top / hashlib.sha256(key.encode() + body).hexdigest()
    (folder / key).parent.mkdir(parents=True, exist_ok=True)
    (folder / key).write_bytes(body)
    return LocalStore(folder)

"""Checks what a judge gave for a run, and keeps it: bound to the run, sealed by the ledger."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from infra.errors import ObjectExists
from infra.portal.client.step_record import flight_key
from infra.portal.client.submission import ScoredAnswer
from infra.portal.judge import JudgeIdentity
from infra.store.interface import ObjectStore
from tasks.domain.analysis import score_units, statistics_of
from tasks.domain.errors import DomainError
from tasks.domain.ledger import LedgerEntry
from tasks.domain.score_schemas import Judge, PhotoScore, ScoredSubmission
from tasks.domain.scored_csv import check_summary, parse_scored_csv
from tasks.evidence import Run, entry_of, parse_summary
from tasks.keys import score_prefix
from tasks.ledger import append
from tasks.records import read_record, read_sealed, sha256_of

UNSTATED = "unstated"
"""Version and metric of a judge that does not say who it is."""


class FolderUnusable(DomainError):
    """Scores cannot be written where they were asked for."""


class JudgeChanged(DomainError):
    """The scores are by another judge than the one that was asked before."""


def keep_scores(
    run: Run,
    judge: Judge,
    answer: ScoredAnswer,
    store: ObjectStore,
    *,
    again_for: str | None = None,
    now: datetime,
) -> ScoredSubmission:
    """Check what a judge gave, store it, bind it to the run, and let the ledger seal all of it.

    The same answer again gives the same records; the first time is the one that is told.
    """
    _require_same_judge(run.manifest.name, judge, answer.judge)
    prefix = score_prefix(judge, run.manifest.name, answer.request_id)
    scores = _checked(run, answer, prefix)
    for key, document in (
        (f"{prefix}scored.csv", answer.csv),
        (f"{prefix}summary.json", answer.summary_json),
    ):
        store.create(key, document)
    record = _kept_record(run, judge, answer, prefix, store, now=now)
    append(_scored_entry(run, record, scores, prefix, store, again_for=again_for), store)
    return record


def _require_same_judge(name: str, asked: Judge, told: JudgeIdentity | None) -> None:
    """Require that scores name the judge that was asked; one that never says who it is names none."""
    if told is None and asked.version == UNSTATED:
        return
    found = Judge(**asdict(told)) if told else None
    if found != asked:
        raise JudgeChanged(
            f"{name} was scored by {found or 'a judge that does not say who it is'}, while {asked} was "
            f"asked; the portal was set up anew meanwhile: submit to the judge that is there now, and once "
            f"more with a reason (--resubmit) should the first one come back"
        )


def export_scores(record: ScoredSubmission, folder: Path, store: ObjectStore) -> tuple[Path, Path]:
    """Write scored CSV and summary into a folder, under the run's name; files that are there are replaced.

    Raises:
        FolderUnusable: They cannot be written there.
        EvidenceAltered: What the store holds is not what the judge gave.
    """
    stem = record.name.removeprefix("submission_")
    summary_key = f"{record.csv_key.rpartition('/')[0]}/summary.json"
    files = {
        folder / f"scored_{stem}.csv": read_sealed(record.csv_key, record.csv_sha256, store),
        folder / f"scored_{stem}.json": read_sealed(summary_key, record.summary_sha256, store),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, body in files.items():
            path.write_bytes(body)
    except OSError as error:
        raise FolderUnusable(f"{str(folder)!r} cannot take the scores: {error.strerror}") from error
    csv, summary = files
    return csv, summary


def flight_seals(run: Run, judge: Judge, store: ObjectStore) -> dict[str, str]:
    """Key and SHA-256 of every step that was taken to have a run scored by a judge."""
    flight = flight_key(judge.key, run.manifest.submission.behaviour_digest)
    return {found.key: sha256_of(found.key, store) for found in store.list(f"{flight}/attempts/")}


def _checked(run: Run, answer: ScoredAnswer, prefix: str) -> tuple[PhotoScore, ...]:
    wanted = [photo.id for photo in run.photos]
    scores = parse_scored_csv(answer.csv, source=f"{prefix}scored.csv", expected_ids=wanted)
    summary = parse_summary(answer.summary_json, source=f"{prefix}summary.json")
    check_summary(scores, summary, source=f"{prefix}summary.json")
    return scores


def _kept_record(
    run: Run, judge: Judge, answer: ScoredAnswer, prefix: str, store: ObjectStore, *, now: datetime
) -> ScoredSubmission:
    record = ScoredSubmission(
        name=run.manifest.name,
        judge=judge,
        request_id=answer.request_id,
        submission_sha256=run.manifest.submission.sha256,
        behaviour_digest=run.manifest.submission.behaviour_digest,
        manifest_sha256=run.manifest_sha256,
        csv_key=f"{prefix}scored.csv",
        csv_sha256=answer.csv_sha256,
        summary_sha256=answer.summary_sha256,
        scored_at=now.isoformat(),
    )
    key = f"{prefix}scored.json"
    with suppress(ObjectExists):  # kept by an earlier try, or by another machine just now
        store.create(key, record.model_dump_json(indent=1).encode())
    return read_record(ScoredSubmission, key, store)


def _scored_entry(
    run: Run,
    record: ScoredSubmission,
    scores: Sequence[PhotoScore],
    prefix: str,
    store: ObjectStore,
    *,
    again_for: str | None,
) -> LedgerEntry:
    statistics = statistics_of(score_units([row.score for row in scores]))
    kept = [f"{prefix}{name}" for name in ("scored.json", "scored.csv", "summary.json")]
    return entry_of(
        run,
        record.judge,
        "rescored" if again_for else "scored",
        at=record.scored_at,
        request_id=record.request_id,
        mean=statistics.mean,
        median=statistics.median,
        zero_rate=statistics.zero_rate,
        reasons=(again_for,) if again_for else (),
        evidence={key: sha256_of(key, store) for key in kept} | flight_seals(run, record.judge, store),
    )

"""Reads the records of a submission as the ledger seals them: what was altered, lost or swapped is refused.

A record is believed because an entry of the ledger names its key with its digest, never because it is there.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from infra.store.interface import ObjectStore
from tasks.domain.buckets import Bucket, bucket_of
from tasks.domain.errors import DomainError
from tasks.domain.ledger import Event, LedgerEntry, canonical_name
from tasks.domain.schemas import PhotoRef, RoutedPhoto, RunManifest, RunPlan
from tasks.domain.score_schemas import Judge, PhotoScore, ScoredSubmission, ScoreSummary
from tasks.domain.scored_csv import parse_scored_csv
from tasks.domain.strict_json import parse_strict_json
from tasks.keys import manifest_key, plan_key, score_prefix
from tasks.records import EvidenceAltered, RecordUnreadable, read_sealed, read_sealed_record

_SUMMARY_FIELDS = tuple(ScoreSummary.model_fields)


class NoSuchRun(DomainError):
    """The submission has no finished run in this store."""


class NotScored(DomainError):
    """No score of the submission by this judge is on record."""


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run and its plan, both as sealed."""

    manifest: RunManifest
    manifest_sha256: str
    plan: RunPlan
    family: str

    @property
    def routed(self) -> tuple[RoutedPhoto, ...]:
        """The photos in its zip with their warps, sorted by id."""
        lost = {photo.file_name for photo in self.manifest.quarantined}
        planned = (routed for shard in self.plan.shards for routed in shard.photos)
        kept = (one for one in planned if f"{one.photo.id}.jpg" not in lost)
        return tuple(sorted(kept, key=lambda one: one.photo.id))

    @property
    def photos(self) -> tuple[PhotoRef, ...]:
        """The photos in its zip, sorted by id."""
        return tuple(one.photo for one in self.routed)

    @property
    def bucket_photos(self) -> dict[Bucket, int]:
        """How many photos of its zip each bucket has; buckets without any are left out."""
        return dict(Counter(bucket_of(photo.width, photo.height) for photo in self.photos))

    @property
    def routes(self) -> dict[str, str]:
        """Route label of each photo in its zip."""
        return {one.photo.id: one.route for one in self.routed}


@dataclass(frozen=True, slots=True)
class Scored:
    """What a judge gave a run, as sealed."""

    record: ScoredSubmission
    scores: tuple[PhotoScore, ...]
    """One of each photo in the zip, sorted by id."""
    summary: ScoreSummary


def read_run(name: str, ledger: Sequence[LedgerEntry], store: ObjectStore) -> Run:
    """Read a finished run by its name or an alias of it.

    Raises:
        UnknownSubmissionError: Nobody ever used that name.
        NoSuchRun: The submission is known, but no run of this store made it.
        EvidenceAltered: Manifest or plan are not the ones that were written.
    """
    canonical = canonical_name(name, ledger)
    key = manifest_key(canonical)
    seals = [one for one in ledger if one.event == "rendered" and key in one.evidence]
    if not seals:
        raise NoSuchRun(
            f"{canonical} has no finished run in {store.url}; what is only remembered has no artifact, and a "
            f"run that was cut off is finished by running it again"
        )
    sealed = seals[-1].evidence[key]
    manifest = read_sealed_record(RunManifest, key, sealed, store)
    plan = read_sealed_record(RunPlan, plan_key(canonical), manifest.plan_sha256, store)
    return Run(manifest, sealed, plan, family=seals[-1].family)


def read_scored(run: Run, judge: Judge, ledger: Sequence[LedgerEntry], store: ObjectStore) -> Scored:
    """Read the first scores that a judge gave a run.

    Raises:
        NotScored: There are none.
        EvidenceAltered: Record, CSV or summary are not the ones that were written.
        DocumentError: The CSV is not one score for each photo of the zip.
    """
    name = run.manifest.name
    for entry in ledger:
        if (entry.event, entry.name, entry.judge) == ("scored", name, judge) and entry.request_id:
            return read_score(run, judge, entry, store)
    raise NotScored(f"{name} was never scored by {judge}; submit it first")


def read_score(run: Run, judge: Judge, entry: LedgerEntry, store: ObjectStore) -> Scored:
    """Read the scores that an entry tells of; see ``read_scored``."""
    prefix = score_prefix(judge, entry.name, entry.request_id or "")
    record_key = f"{prefix}scored.json"
    if record_key not in entry.evidence:
        raise EvidenceAltered(f"the ledger's entry of {entry.name}'s scores seals no {record_key}")
    record = read_sealed_record(ScoredSubmission, record_key, entry.evidence[record_key], store)
    csv = read_sealed(record.csv_key, record.csv_sha256, store)
    summary = read_sealed(f"{prefix}summary.json", record.summary_sha256, store)
    return Scored(
        record=record,
        scores=parse_scored_csv(csv, source=record.csv_key, expected_ids=[photo.id for photo in run.photos]),
        summary=parse_summary(summary, source=f"{prefix}summary.json"),
    )


def entry_of(run: Run, judge: Judge, event: Event, *, at: str, **more: object) -> LedgerEntry:
    """Make a ledger entry about a run; ``more`` are further fields of it."""
    about = {
        "event": event,
        "name": run.manifest.name,
        "at": at,
        "family": run.family,
        "judge": judge,
        "submission_sha256": run.manifest.submission.sha256,
        "behaviour_digest": run.manifest.submission.behaviour_digest,
    }
    return LedgerEntry.model_validate(about | more)


def parse_summary(document: bytes, *, source: str) -> ScoreSummary:
    """Take out of a judge's summary what is held against its CSV; more members are the judge's own."""
    members = parse_strict_json(document, source=source)
    wanted = {name: members.get(name) for name in _SUMMARY_FIELDS} if isinstance(members, dict) else {}
    try:
        return ScoreSummary.model_validate_json(json.dumps(wanted), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise RecordUnreadable(f"{source} is no summary: {first['loc'][0]}: {first['msg']}") from error

"""Checks that zip, manifest, scored CSV and summary are of one and the same submission.

A score counts only with its lineage. Digests are given as they were taken from the bytes at hand, not as
some record claims them.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from tasks.domain.schemas import RunManifest
from tasks.domain.score_schemas import PhotoScore, ScoredSubmission, ScoreSummary
from tasks.domain.scored_csv import summary_problems


@dataclass(frozen=True, slots=True)
class FoundDigests:
    """SHA-256 of the bytes that lie in the store now."""

    submission: str
    manifest: str
    csv: str
    summary: str


def lineage_problems(
    scored: ScoredSubmission,
    manifest: RunManifest,
    *,
    found: FoundDigests,
    submitted_ids: Collection[str],
    scores: Sequence[PhotoScore],
    summary: ScoreSummary,
) -> tuple[str, ...]:
    """Give a sentence for everything that does not belong together.

    Args:
        scored: The record that binds the scored CSV to its zip.
        manifest: Of the run that made the zip.
        found: Digests of what lies in the store.
        submitted_ids: Ids of the photos in the zip.
        scores: Rows of the scored CSV.
        summary: What the judge said of them.
    """
    return (
        *_record_problems(scored, manifest),
        *_digest_problems(scored, manifest, found),
        *_photo_problems(manifest, submitted_ids, scores),
        *summary_problems(scores, summary),
    )


def _record_problems(scored: ScoredSubmission, manifest: RunManifest) -> Iterator[str]:
    if scored.name != manifest.name:
        yield f"the scored record is of {scored.name!r}, the manifest of {manifest.name!r}"
    if scored.behaviour_digest != manifest.submission.behaviour_digest:
        yield "the scored record and the manifest tell different behaviour digests"
    if not manifest.submittable:
        yield f"{manifest.name} lacks photos and was not to be submitted"


def _digest_problems(scored: ScoredSubmission, manifest: RunManifest, found: FoundDigests) -> Iterator[str]:
    claims = (
        ("zip", "manifest", manifest.submission.sha256, found.submission),
        ("zip", "scored record", scored.submission_sha256, found.submission),
        ("manifest", "scored record", scored.manifest_sha256, found.manifest),
        ("scored CSV", "scored record", scored.csv_sha256, found.csv),
        ("summary", "scored record", scored.summary_sha256, found.summary),
    )
    for what, where, claimed, digest in claims:
        if claimed != digest:
            yield f"the {what} has SHA-256 {digest[:12]}, the {where} says {claimed[:12]}"


def _photo_problems(
    manifest: RunManifest, submitted_ids: Collection[str], scores: Sequence[PhotoScore]
) -> Iterator[str]:
    if len(submitted_ids) != manifest.submission.photos:
        yield f"the zip has {len(submitted_ids)} photos, its manifest says {manifest.submission.photos}"
    odd = sorted(set(submitted_ids).symmetric_difference(row.image_id for row in scores))
    if odd:
        yield f"{len(odd)} photos are in only one of zip and scored CSV, such as {odd[0]!r}"
    if len(scores) != len(submitted_ids):
        yield f"the scored CSV has {len(scores)} rows, the zip {len(submitted_ids)} photos"

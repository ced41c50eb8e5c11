import pytest

from tasks.domain.gates.lineage import FoundDigests, lineage_problems
from tasks.domain.schemas import Engine, Provenance, RunManifest, SubmissionZip
from tasks.domain.score_schemas import PhotoScore, ScoredSubmission, ScoreSummary
from tests.gate_cases import JUDGE
from tests.render_requests import request_for

MANIFEST = RunManifest(
    name="submission_x_y_20260222_030358",
    created="2026-02-22T03:03:58Z",
    finished="2026-02-22T03:10:00Z",
    provenance=Provenance(
        git_commit=None, git_dirty=None, command="x", flow_run_id="x", parameters={}, python="3", platform="x"
    ),
    request=request_for("x", "x", "y", shard_size=1),
    engine=Engine(backend="opencv", quality=95, versions={}),
    table_digest=None,
    input_digest="1" * 64,
    plan_sha256="2" * 64,
    routes=(),
    submission=SubmissionZip(key="k", size=1, sha256="a" * 64, behaviour_digest="b" * 64, photos=2),
    contact_sheet="k",
    contact_sheet_sha256="3" * 64,
    rendered=2,
    quarantined=(),
    shards=(),
    shard_records=(),
    submittable=True,
)
SCORED = ScoredSubmission(
    name=MANIFEST.name,
    judge=JUDGE,
    request_id="r",
    submission_sha256="a" * 64,
    behaviour_digest="b" * 64,
    manifest_sha256="c" * 64,
    csv_key="k",
    csv_sha256="d" * 64,
    summary_sha256="e" * 64,
    scored_at="2026-02-22T03:20:00Z",
)
FOUND = FoundDigests(submission="a" * 64, manifest="c" * 64, csv="d" * 64, summary="e" * 64)
SCORES = (PhotoScore(image_id="p", score=20.0), PhotoScore(image_id="q", score=0.0))
SUMMARY = ScoreSummary(total_images=2, scored=2, missing=0, hard_fails=1, avg_score=0.1)


def problems(
    *,
    scored: ScoredSubmission = SCORED,
    manifest: RunManifest = MANIFEST,
    found: FoundDigests = FOUND,
    submitted_ids: tuple[str, ...] = ("p", "q"),
    scores: tuple[PhotoScore, ...] = SCORES,
    summary: ScoreSummary = SUMMARY,
) -> tuple[str, ...]:
    return lineage_problems(
        scored, manifest, found=found, submitted_ids=submitted_ids, scores=scores, summary=summary
    )


def test_what_belongs_together_has_no_problems() -> None:
    assert problems() == ()


@pytest.mark.parametrize("what", ["submission", "manifest", "csv", "summary"])
def test_any_file_swapped_for_another_is_found(what: str) -> None:
    digests = {name: getattr(FOUND, name) for name in ("submission", "manifest", "csv", "summary")}
    told = problems(found=FoundDigests(**digests | {what: "f" * 64}))
    assert told
    assert all("has SHA-256 ffffffffffff, the " in problem for problem in told)


def test_zip_that_fits_only_one_of_the_two_records_is_found() -> None:
    other = MANIFEST.submission.model_copy(update={"sha256": "9" * 64})
    assert problems(manifest=MANIFEST.model_copy(update={"submission": other})) == (
        "the zip has SHA-256 aaaaaaaaaaaa, the manifest says 999999999999",
    )


def test_record_of_another_run_is_found() -> None:
    swapped = SCORED.model_copy(update={"name": "another", "behaviour_digest": "9" * 64})
    assert problems(scored=swapped) == (
        f"the scored record is of 'another', the manifest of {MANIFEST.name!r}",
        "the scored record and the manifest tell different behaviour digests",
    )


def test_score_without_the_zip_behind_it_is_found() -> None:
    """A probe: a constant 100 for photos that were never submitted."""
    probe = (PhotoScore(image_id="r", score=100.0), PhotoScore(image_id="s", score=100.0))
    summary = SUMMARY.model_copy(update={"avg_score": 1.0, "hard_fails": 0})
    assert problems(scores=probe, summary=summary) == (
        "4 photos are in only one of zip and scored CSV, such as 'p'",
    )


def test_rows_and_photos_are_counted() -> None:
    assert problems(submitted_ids=("p",)) == (
        "the zip has 1 photos, its manifest says 2",
        "1 photos are in only one of zip and scored CSV, such as 'q'",
        "the scored CSV has 2 rows, the zip 1 photos",
    )


def test_summary_of_another_run_is_found() -> None:
    (problem,) = problems(summary=SUMMARY.model_copy(update={"avg_score": 0.9}))
    assert problem.startswith("avg_score is 0.9")


def test_zip_that_was_not_to_be_submitted_is_found() -> None:
    (problem,) = problems(manifest=MANIFEST.model_copy(update={"submittable": False}))
    assert problem.endswith("lacks photos and was not to be submitted")

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from infra.store.interface import ObjectStore
from tasks import diagnosis
from tasks.diagnosis import NothingDiagnosed, diagnosis_of, kept_diagnosis, sample_of
from tasks.domain.diagnosis import Diagnosis, DiagnosisRequest
from tasks.domain.errors import DomainError
from tasks.domain.schemas import Provenance
from tasks.domain.score_schemas import ScoreAnalysis, ScoredSubmission
from tasks.photo_workers import PhotoWorkers, open_photo_workers
from tests.faulty_pair_score import score_or_fail
from tests.pairs import TABLE, fill_pairs
from tests.photos import jpeg, listing_ids

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PROVENANCE = Provenance(
    git_commit=None, git_dirty=None, command="test", flow_run_id="", parameters={}, python="3", platform="L"
)


@pytest.fixture
def truth(tmp_path: Path) -> str:
    """Path of the table that corrects the pairs exactly."""
    (tmp_path / "truth.json").write_text(TABLE)
    return str(tmp_path / "truth.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill_pairs(tmp_path / "pairs", listing_ids(6))


def request(folder: Path, **changes: object) -> DiagnosisRequest:
    fields: dict[str, object] = {
        "pairs_folder": str(folder),
        "method": "global_grid",
        "variant": None,
        "table": None,
        "interpolation": None,
        "border": None,
        "quality": 95,
        "sample": None,
        "sample_per": "all",
        "seed": 1,
        "metric_profile": "portal",
    }
    return DiagnosisRequest.model_validate(fields | changes)


def diagnosed(asked: DiagnosisRequest, workers: PhotoWorkers) -> Diagnosis:
    return diagnosis_of(sample_of(asked), asked, workers, provenance=PROVENANCE, created=NOW)


def test_the_exact_correction_scores_100(folder: Path, truth: str, workers: PhotoWorkers) -> None:
    found = diagnosed(request(folder, table=truth), workers)
    assert [(photo.proxy_score, photo.hard_fail) for photo in found.photos] == [(100.0, None)] * 6
    overall = found.groups[0]
    assert (overall.output.similarity, overall.output.mae, overall.output.psnr) == (1.0, 0.0, None)
    assert overall.identity.similarity < 0.98  # rectangles on grey forgive much; the mean of the six is 0.967
    assert overall.identity.mae > 5.0
    parts = ("edge", "line", "gradient", "ssim", "pixel")
    assert [getattr(overall.output, part) for part in parts] == [1.0] * 5
    assert max(getattr(overall.identity, part) for part in parts) < 1.0
    assert overall.worsened == 0


def test_the_identity_scores_0_and_measures_as_the_photo_left_alone(
    folder: Path, workers: PhotoWorkers
) -> None:
    found = diagnosed(
        request(folder, method="zero_guard"), workers
    )  # of this size zero_guard leaves photos alone
    assert {photo.warp.kind for photo in found.photos} == {"identity"}
    assert {photo.proxy_score for photo in found.photos} == {0.0}
    assert found.groups[0].output == found.groups[0].identity


def test_a_correction_the_wrong_way_counts_as_worse_than_nothing(
    folder: Path, tmp_path: Path, workers: PhotoWorkers
) -> None:
    wrong = json.loads(TABLE) | {"pair": {"k1": 0.18, "k2": 0.0}}
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    found = diagnosed(request(folder, table=str(tmp_path / "wrong.json")), workers)
    assert found.groups[0].worsened == 6
    assert found.groups[0].proxy_score.maximum == 0.0
    assert found.groups[0].output.mae > found.groups[0].identity.mae


def test_a_method_that_looks_at_pixels_looks_at_each_original(folder: Path, workers: PhotoWorkers) -> None:
    found = diagnosed(request(folder, method="nelder_per_image"), workers)
    assert {photo.route for photo in found.photos} == {"photo_choice"}
    assert len({photo.warp for photo in found.photos}) == 6


def test_groups_are_by_bucket_dimension_and_route_and_photos_worst_first(
    folder: Path, truth: str, workers: PhotoWorkers
) -> None:
    fill_pairs(folder, ["tall_g0"], width=214, height=320)
    (folder / "tall_g0_generated.jpg").write_bytes((folder / "tall_g0_original.jpg").read_bytes())
    found = diagnosed(request(folder, table=truth), workers)
    assert [(group.kind, group.key, group.proxy_score.photos) for group in found.groups] == [
        ("overall", "all", 7),
        ("bucket", "heavy_crop", 6),
        ("bucket", "portrait_cropped", 1),
        ("dimension", "214x320", 1),
        ("dimension", "320x214", 6),
        ("route", "global", 7),
    ]
    assert found.photos[0].id == "tall_g0"
    assert found.photos[0].gain < 0.0  # nothing could be gained there, and the warp was done all the same
    gains = [photo.gain for photo in found.photos]
    assert gains == sorted(gains)


def test_a_pair_that_crashes_hangs_or_is_damaged_costs_itself(
    folder: Path, truth: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "score_pair", score_or_fail)
    for pair_id, fault in zip(listing_ids(3), (b"segfault", b"hang", b"error"), strict=True):
        path = folder / f"{pair_id}_original.jpg"
        path.write_bytes(path.read_bytes() + fault)
    (folder / "home000_g3_generated.jpg").write_bytes(jpeg()[:2000])
    with open_photo_workers(processes=2, timeout_s=5, memory_mb=2048) as running:
        found = diagnosed(request(folder, table=truth), running)
    assert [photo.id for photo in found.photos] == listing_ids(6)[4:]
    assert {photo.file_name: photo.code for photo in found.quarantined} == {
        "home000_g0_original.jpg": "crashed",
        "home000_g1_original.jpg": "timed_out",
        "home000_g2_original.jpg": "render_failed",
        "home000_g3_original.jpg": "truncated",
    }
    assert found.quarantined[3].reason.startswith("the target: expected an end-of-image marker")


def test_without_one_pair_that_can_be_measured_the_first_reason_is_told(
    tmp_path: Path, workers: PhotoWorkers
) -> None:
    folder = fill_pairs(tmp_path / "pairs", ["a_g0"])
    (folder / "a_g0_original.jpg").write_bytes(jpeg()[:2000])
    with pytest.raises(NothingDiagnosed, match=r"the first, a_g0_original\.jpg: expected an end-of-image"):
        diagnosed(request(folder), workers)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"method": "magic"}, "there is no method 'magic'"),
        ({"variant": "bold"}, "no variant 'bold'"),
        ({"metric_profile": "kind"}, "there is no metric profile 'kind', only portal"),
        ({"table": "nowhere.json"}, "table 'nowhere.json' cannot be read"),
    ],
)
def test_a_wrong_name_is_told_before_the_folder_is_read(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(DomainError, match=sentence):
        sample_of(request(Path("nowhere"), **changes))


def test_a_diagnosis_is_kept_once_under_its_time_and_digest(
    folder: Path, truth: str, workers: PhotoWorkers, store: ObjectStore
) -> None:
    found = diagnosed(request(folder, table=truth, sample=2, sample_per="bucket"), workers)
    keys = {kept_diagnosis(found, store) for _ in range(2)}
    (stored,) = store.list("")
    assert keys == {stored.key}
    assert stored.key.startswith("diagnoses/20261123_120000_global_grid_seed_")
    assert Diagnosis.model_validate_json(store.read(stored.key)) == found
    assert (found.found, len(found.photos), found.request.variant) == (6, 2, "seed")


@pytest.mark.parametrize("evidence", [ScoreAnalysis, ScoredSubmission])
def test_no_part_of_a_diagnosis_reads_as_scored_evidence(
    folder: Path, truth: str, workers: PhotoWorkers, evidence: type[ScoreAnalysis | ScoredSubmission]
) -> None:
    found = diagnosed(request(folder, table=truth, sample=1), workers)
    for part in (found, found.groups[0], found.photos[0]):
        with pytest.raises(ValidationError):
            evidence.model_validate_json(part.model_dump_json())

import json
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from typer.testing import CliRunner

from flows.cli import app
from flows.diagnose import diagnose
from infra.store.interface import ObjectStore
from tasks.domain.diagnosis import Diagnosis
from tests.finished_runs import keep_run
from tests.pairs import TABLE, fill_pairs
from tests.photos import listing_ids
from tests.scored_history import as_csv, ids_of, photos, zero_guard_v1, zero_guard_v2, zero_guard_v3


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """A data set in the runbook's layout with six pairs; beside it the table that corrects them exactly."""
    fill_pairs(tmp_path / "data" / "lens-correction-train-cleaned", listing_ids(6))
    (tmp_path / "truth.json").write_text(TABLE)
    return tmp_path / "data"


@pytest.mark.usefixtures("prefect_api")
def test_a_diagnosis_leaves_its_record_and_two_tables_called_proxy(pairs: Path, store: ObjectStore) -> None:
    state = diagnose(
        str(pairs), method="global_grid", table="truth.json", sample=4, sample_per="all", return_state=True
    )
    assert state.is_completed()
    (stored,) = store.list("")
    title = "proxy: global_grid seed on 4 of 6 pairs, metric portal"
    assert state.message == (
        f"{title}: mean proxy score 100.00 (left alone 0), 0 worsened, 0 quarantined; {stored.key}"
    )
    record = Diagnosis.model_validate_json(store.read(stored.key))
    assert record.provenance.parameters["method"] == "global_grid"
    wanted = ArtifactFilter(key=ArtifactFilterKey(like_="diagnose-"))
    with get_client(sync_client=True) as client:
        shown = {found.key: found for found in client.read_artifacts(artifact_filter=wanted)}
    assert {key: found.description for key, found in shown.items()} == {
        "diagnose-groups": title,
        "diagnose-worst": f"{title}; worst first",
    }
    assert [row["group"] for row in json.loads(str(shown["diagnose-groups"].data))] == [
        "all",
        "heavy_crop",
        "320x214",
        "global",
    ]


@pytest.mark.usefixtures("prefect_api")
def test_a_diagnosis_that_cannot_be_made_fails_in_one_sentence(
    store: ObjectStore, capfd: pytest.CaptureFixture[str]
) -> None:
    state = diagnose("nowhere", return_state=True)
    assert state.is_failed()
    assert state.message == "photo folder 'nowhere' does not exist; name an existing one"
    printed = capfd.readouterr()
    assert "Traceback" not in printed.out + printed.err
    assert list(store.list("")) == []


def test_the_command_diagnoses_without_a_server_and_prints_the_tables(
    pairs: Path, store: ObjectStore
) -> None:
    words = ["diagnose", "--pairs", str(pairs), "--method", "global_grid", "--table", "truth.json"]
    shown = CliRunner().invoke(app, words, env={"COLUMNS": "300"})
    assert shown.exit_code == 0
    (stored,) = store.list("diagnoses/")
    title = "proxy: global_grid seed on 6 of 6 pairs, at most 40 of each bucket, metric portal"
    assert f"{title}; in brackets: left alone" in shown.output
    assert shown.output.endswith(
        f"{title}: mean proxy score 100.00 (left alone 0), 0 worsened, 0 quarantined; {stored.key}\n"
    )
    as_json = CliRunner().invoke(app, [*words, "--json", "--sample", "2"])
    assert len(Diagnosis.model_validate_json(as_json.output).photos) == 2


@pytest.fixture
def exports(tmp_path: Path, store: ObjectStore) -> list[str]:
    """The user's four exported CSVs, and the runs that they are of, in the store."""
    for name, changed in (
        ("safezero_v1", ()),
        ("zero_guard_v1", ()),
        ("zero_guard_v2", ids_of("portrait_standard")),
        ("zero_guard_v3", ids_of("moderate_crop")),
    ):
        pixels = {photo.id: "as v1" for photo in photos()} | dict.fromkeys(changed, f"as {name}")
        keep_run(store, f"submission_{name}_20260222_030358", pixels)
    tabs = (zero_guard_v1(), zero_guard_v2(), zero_guard_v3(), zero_guard_v1())
    for number, scores in enumerate(tabs, start=1):
        (tmp_path / f"tab{number}.csv").write_bytes(as_csv(scores))
    return [f"tab{number}.csv" for number in range(1, 5)]


def test_the_four_exported_csvs_find_their_artifacts_or_are_said_to_be_indistinguishable(
    exports: list[str],
) -> None:
    shown = CliRunner().invoke(app, ["forensics", *exports])
    assert shown.output.splitlines() == [
        "tab2.csv belongs to submission_zero_guard_v2_20260222_030358",
        "tab3.csv belongs to submission_zero_guard_v3_20260222_030358",
        "tab1.csv and tab4.csv may belong to submission_safezero_v1_20260222_030358 or "
        "submission_zero_guard_v1_20260222_030358; their fingerprints do not tell which",
    ]
    document = json.loads(CliRunner().invoke(app, ["forensics", *exports, "--json"]).output)
    assert document["sentences"] == shown.output.splitlines()
    assert document["identical_csvs"] == [["tab1.csv", "tab4.csv"]]
    assert list(document["certain"]) == ["tab2.csv", "tab3.csv"]


def test_known_pairs_and_named_artifacts_are_taken_from_the_command_line(exports: list[str]) -> None:
    names = [f"submission_zero_guard_v{number}_20260222_030358" for number in (1, 2)]
    artifacts = [word for name in names for word in ("--artifact", name)]
    words = ["forensics", exports[0], exports[1], *artifacts, "--known", f"tab1.csv={names[0]}"]
    assert CliRunner().invoke(app, words).output.splitlines() == [
        f"tab1.csv belongs to {names[0]}",
        f"tab2.csv belongs to {names[1]}",
    ]
    refused = CliRunner().invoke(app, ["forensics", exports[0], "--known", "tab1.csv"])
    assert refused.exit_code == 2
    assert "CSV=NAME was expected" in refused.output

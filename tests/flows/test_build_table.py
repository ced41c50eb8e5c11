"""Table builds on pairs of one lens that is known exactly: through a real server, and by command."""

from pathlib import Path
from typing import Any, cast

import pytest
from prefect.client.schemas.objects import State
from typer.testing import CliRunner

from flows.build_table import build_table
from flows.cli import app, main
from flows.render import render
from gpu.coordinates import ImageSize
from infra.store.interface import ObjectStore
from tasks.domain.schemas import RunManifest
from tasks.domain.table_building import BuiltTable
from tasks.domain.tables import load_table
from tasks.fsck import fsck
from tests.lens_pairs import filled, pair

SIZE = ImageSize(1024, 683)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pairs of a listing, one photo without its partner, and the originals apart."""
    folder = tmp_path_factory.mktemp("data")
    training, originals = folder / "lens-correction-train-cleaned", folder / "test-originals"
    for made in (training, originals):
        made.mkdir()
    for number in range(3):
        original, target = pair(filled(0.0, -0.10, size=SIZE), seed=number, size=SIZE)
        (training / f"ash_g{number}_original.jpg").write_bytes(original)
        (training / f"ash_g{number}_generated.jpg").write_bytes(target)
        (originals / f"ash_g{number}.jpg").write_bytes(original)
    (training / "oak_g0_original.jpg").write_bytes(original)
    return folder


def ended(state: object) -> State[Any]:
    return cast("State[Any]", state)


@pytest.mark.usefixtures("prefect_api")
def test_a_build_leaves_a_candidate_with_its_manifest_that_a_render_can_name(
    pairs: Path, store: ObjectStore
) -> None:
    done = ended(build_table(str(pairs), optimizer="gn", min_dim_support=3, return_state=True))
    assert done.is_completed(), done.message
    record: BuiltTable = done.result()
    assert record.request.options.optimizer == "gn"
    assert record.request.table is None
    assert [(one.file_name, one.code) for one in record.quarantined] == [
        ("oak_g0_original.jpg", "no_partner")
    ]
    table = load_table(store.read(f"candidates/{record.name}/calibguard_dim.json"), source="stored")
    assert table.dimensions["1024x683"].primary == record.manifest.found["1024x683"].primary
    stored = store.read(f"candidates/{record.name}/calibguard_dim.build.json")
    assert BuiltTable.model_validate_json(stored) == record
    assert fsck(store).is_clean

    rendered = ended(render(str(pairs), table=record.name, return_state=True))
    assert rendered.is_completed(), rendered.message
    manifest: RunManifest = rendered.result()
    assert manifest.table_digest == record.manifest.table_digest
    assert manifest.request.table == record.name


@pytest.mark.usefixtures("prefect_api")
def test_what_cannot_be_built_is_one_sentence_and_leaves_nothing(pairs: Path, store: ObjectStore) -> None:
    asked = {"method": "dim_bucket_microgrid", "optimizer": "de"}
    state = ended(build_table(str(pairs), **asked, return_state=True))
    assert state.is_failed()
    assert str(state.message).startswith(
        "optimizer of a build for dim_bucket_microgrid: Input should be 'gn'"
    )
    assert list(store.list("")) == []


TOO_FEW = "a sample_per_dim of 2 pairs leaves every size below the min_dim_support of 3 that a row needs"


@pytest.mark.usefixtures("prefect_api")
def test_a_sample_too_small_for_any_row_is_refused_before_anything_is_fitted(
    pairs: Path, store: ObjectStore
) -> None:
    asked = {"optimizer": "gn", "sample_per_dim": 2, "min_dim_support": 3}
    state = ended(build_table(str(pairs), **asked, return_state=True))
    assert state.is_failed()
    assert str(state.message).startswith(TOO_FEW)
    assert list(store.list("")) == []


def test_the_command_refuses_it_in_the_same_sentence(
    pairs: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "build-table --optimizer gn --sample-per-dim 2 --min-dim-support 3 --pairs"
    monkeypatch.setattr("sys.argv", ["calibguard", *words.split(), str(pairs)])
    with pytest.raises(SystemExit, match="1"):
        main()
    assert capsys.readouterr().err.startswith(TOO_FEW)
    assert list(store.list("")) == []


def test_the_command_builds_without_a_server_and_prints_what_it_found(
    pairs: Path, store: ObjectStore
) -> None:
    words = ["build-table", "--pairs", str(pairs), "--optimizer", "gn", "--min-dim-support", "3"]
    shown = CliRunner().invoke(app, words, env={"COLUMNS": "300"})
    assert shown.exit_code == 0, shown.output
    (build,) = (one.key for one in store.list("candidates/") if one.key.endswith(".build.json"))
    name = build.split("/")[1]
    *_, quarantined, outcome = shown.output.splitlines()
    assert quarantined.startswith(
        "quarantined: oak_g0_original.jpg: its partner 'oak_g0_generated.jpg' is not"
    )
    assert outcome == (
        f"{name}: table of calibguard_dim by gn from 3 of 3 pairs, 1 groups, 1 files quarantined; "
        f"use it with -p table={name}"
    )
    assert "1024x683" in shown.output


def test_the_help_says_which_searches_judge_no_pairs() -> None:
    shown = CliRunner().invoke(app, ["build-table", "--help"], env={"COLUMNS": "300"})
    assert "grid and de try candidates on every pair as it is, exchanged and cropped ones too" in " ".join(
        shown.output.split()
    )

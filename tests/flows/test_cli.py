import json
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from typer.testing import CliRunner

from flows.cli import app, main
from flows.preflight import preflight
from flows.prune import prune
from flows.render import render
from infra.store.interface import ObjectStore
from tasks.ledger import append
from tests.ledger_entries import entry


@pytest.mark.usefixtures("prefect_api", "store")
def test_preflight_exits_with_0_when_all_is_there_and_1_when_photos_are_missing(photos: Path) -> None:
    passed = CliRunner().invoke(app, ["preflight", "--photos", str(photos)])
    assert (passed.exit_code, "FAIL" in passed.output) == (0, False), passed.output
    failed = CliRunner().invoke(app, ["preflight", "--photos", "no[/b]where"])
    assert failed.exit_code == 1
    assert "no[/b]where" in failed.output.replace("\n", "")


@pytest.mark.usefixtures("prefect_api")
def test_the_preflight_flow_fails_with_the_remedy_of_what_failed(store: ObjectStore) -> None:
    state = preflight("nowhere", return_state=True)
    assert state.is_failed()
    assert "photos: 'nowhere': No such file or directory; name an existing folder" in str(state.message)


@pytest.mark.usefixtures("store")
def test_the_board_shows_the_history_and_its_champion() -> None:
    shown = CliRunner().invoke(app, ["board", "--json"])
    document = json.loads(shown.output)
    assert document["untested"] == []
    assert document["boards"][0]["champion"] == "submission_dim_bucket_microgrid"
    assert "12 scored runs, 11 behaviours" in CliRunner().invoke(app, ["board"]).output


@pytest.mark.usefixtures("store")
def test_an_old_name_is_explained_under_its_canonical_one() -> None:
    shown = CliRunner().invoke(app, ["explain", "safezero_v1", "--json"])
    assert [entry["name"] for entry in json.loads(shown.output)] == ["zero_guard_v1_20260222_030358"]
    told = CliRunner().invoke(app, ["explain", "safezero_v1"]).output
    assert "imported" in told
    assert "24.9839" in told


@pytest.mark.parametrize("columns", ["", "30"])
def test_names_stay_whole_in_a_pipe_and_on_a_narrow_terminal(
    columns: str, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    name = "submission_dim_bucket_microgrid_of_a_long_tag_20261123_151300"
    reason = f"G4: the photo files are those of {name}, which is an earlier submission, scored 29.64"
    append(entry("rejected", name, 20.0, reasons=(reason,), parents=(f"{name}_{name}",)), store)
    board = CliRunner().invoke(app, ["board"]).output
    assert all(word in board for word in (name, "submission_dim_bucket_microgrid_tuned_20260222", "24.9984"))
    told = CliRunner().invoke(app, ["explain", name]).output.splitlines()
    assert {f"    {reason}", f"    made from {name}_{name}"} <= set(told)


@pytest.mark.parametrize("command", ["submit", "analyse", "promote"])
def test_a_command_that_needs_a_server_says_so_where_none_answers(
    command: str, store: ObjectStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["calibguard", command, "v4"])
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}), pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "start one with `make up`" in capsys.readouterr().err


@pytest.mark.usefixtures("prefect_api", "store")
def test_what_has_no_artifact_cannot_be_submitted(capsys: pytest.CaptureFixture[str]) -> None:
    shown = CliRunner().invoke(app, ["submit", "v4", "--json"])
    assert shown.exit_code == 1
    assert "has no finished run" in json.loads(shown.output[shown.output.index("{") :])["message"]


@pytest.mark.usefixtures("prefect_api")
def test_prune_shows_first_and_removes_when_told(photos: Path, store: ObjectStore) -> None:
    render(str(photos))
    (zipped,) = list(store.list("submissions/"))
    assert prune(["submission_*"], return_state=True).is_completed()
    assert store.head(zipped.key) is not None
    state = prune(["submission_*"], apply=True, return_state=True)
    assert str(state.message).startswith("1 zips removed")
    assert store.head(zipped.key) is None
    refused = prune(["submission_*"], return_state=True)
    assert refused.is_failed()
    assert "selects none of the 0 artifacts" in str(refused.message)

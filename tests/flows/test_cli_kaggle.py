import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from infra.errors import RemoteRefused
from infra.settings import SettingMissing
from tests.fake_kaggle.faults import Fault
from tests.fake_kaggle.running import running_fake_kaggle
from tests.fake_kaggle.service import TOKEN, FakeKaggle
from tests.waiting import ENDLESS, wait_until

_SCRIPT = """
import pathlib
pathlib.Path("result").mkdir()
pathlib.Path("result/figures.json").write_text("{}")
for n in range(9):
    print("line", n, flush=True)
print("\\x1b[31m")
"""


@pytest.fixture
def kaggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKaggle]:
    with running_fake_kaggle(tmp_path / "kaggle") as kaggle:
        use(kaggle, monkeypatch, tmp_path)
        yield kaggle


def use(kaggle: FakeKaggle, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.chdir(folder)
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CALIBGUARD_KAGGLE_API_URL", kaggle.url)
    monkeypatch.setenv("KAGGLE_MCP_URL", kaggle.mcp_url)
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)


def invoked(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["kaggle", *arguments])


def script(folder: Path, source: str = _SCRIPT) -> str:
    path = folder / "work.py"
    path.write_text(source)
    return str(path)


def run_and_wait(folder: Path, *more: str, source: str = _SCRIPT) -> Result:
    path = script(folder, source)
    common = ("--slug", "my-work", "--local-notebook-path", path, "--poll-interval-sec", "0.05")
    return invoked("run-and-wait", *common, *more)


@pytest.mark.parametrize("transport", ["api", "mcp"])
def test_a_script_is_run_waited_for_and_fetched(kaggle: FakeKaggle, tmp_path: Path, transport: str) -> None:
    more = (
        "--transport",
        transport,
        "--enable-gpu",
        "--log-tail-lines",
        "3",
        "--output",
        str(tmp_path / "got"),
    )
    shown = run_and_wait(tmp_path, *more)
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert lines[0] == "owner/my-work/1"
    assert lines[-4:] == ["file: result/figures.json", "line 7", "line 8", "[31m"]
    assert (tmp_path / "got" / "result" / "figures.json").read_text() == "{}"


def test_running_and_stale_words_do_not_end_the_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_fake_kaggle(tmp_path / "kaggle", queue_s=0.3, stale_reads=5) as kaggle:
        use(kaggle, monkeypatch, tmp_path)
        kaggle.faults.add(
            Fault("GetKernelSessionStatus", "answer", answer={"status": "COMPLETED_ELSEWHERE"}),
            Fault("GetKernelSessionStatus", "400"),
            Fault("GetKernelSessionStatus", "answer", answer={"status": "COMPLETE"}),  # and then not
        )
        shown = run_and_wait(tmp_path)
    assert shown.exit_code == 0, shown.output
    assert [word for word in shown.output.split() if word.isupper() and len(word) > 4] == [
        "COMPLETED_ELSEWHERE",
        "NO_ANSWER",
        "COMPLETE",
        "QUEUED",
        "RUNNING",
        "COMPLETE",
    ]


def test_a_session_that_goes_on_has_an_exit_status_of_its_own(kaggle: FakeKaggle, tmp_path: Path) -> None:
    shown = run_and_wait(tmp_path, "--wait-timeout-min", "0.005", source=ENDLESS)
    assert shown.exit_code == 5
    assert "had not ended after 0.005 minutes and goes on" in shown.stderr
    assert kaggle.kernels_alive() == ["my-work"]


def test_a_script_that_fails_exits_with_1_and_says_why(kaggle: FakeKaggle, tmp_path: Path) -> None:
    shown = run_and_wait(tmp_path, source="print('so'); raise SystemExit(3)")
    assert shown.exit_code == 1
    assert "so" in shown.output
    assert "ended with ERROR: Your notebook exited with code 3" in shown.stderr


@pytest.mark.parametrize("transport", ["api", "mcp"])
@pytest.mark.parametrize(("slots", "quota_s", "told"), [(0, 1e6, "session count"), (2, 0, "weekly GPU")])
def test_want_of_room_is_told_apart_from_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str, slots: int, quota_s: float, told: str
) -> None:
    with running_fake_kaggle(tmp_path / "kaggle", slots=slots, quota_s=quota_s) as kaggle:
        use(kaggle, monkeypatch, tmp_path)
        shown = run_and_wait(tmp_path, "--enable-gpu", "--transport", transport)
    assert (shown.exit_code, told in shown.stderr) == (4, True)


def test_a_400_after_the_end_is_no_failure(kaggle: FakeKaggle, tmp_path: Path) -> None:
    kaggle.faults.add(Fault("ListKernelSessionOutput", "400"))
    shown = run_and_wait(tmp_path)
    assert (shown.exit_code, "no output: Kaggle answered 400" in shown.output) == (0, True)
    kaggle.faults.add(Fault("ListKernelSessionOutput", "400"))
    assert invoked("session-output", "--slug", "my-work").exit_code == 0


def test_what_kaggle_holds_is_run_once_more_and_keeps_its_title(kaggle: FakeKaggle, tmp_path: Path) -> None:
    kaggle.kernels.save({"newTitle": "My  Work", "text": "print('stored')", "isPrivate": True})
    wait_until(lambda: not kaggle.kernels_alive(), within_s=30, what="the end")
    shown = invoked("run-and-wait", "--slug", "my-work", "--poll-interval-sec", "0.05")
    assert (shown.exit_code, "stored" in shown.output) == (0, True), shown.output
    assert shown.output.startswith("owner/my-work/2")
    assert kaggle.journal.all("SaveKernel")[-1].members["newTitle"] == "My  Work"


def test_a_notebook_is_pushed_without_its_outputs(kaggle: FakeKaggle, tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# words"]},
        {"cell_type": "code", "source": ["print(", "'from a cell')"], "outputs": [{"data": "old"}]},
    ]
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps({"cells": cells, "nbformat": 4}))
    shown = invoked("run", "--slug", "my-work", "--local-notebook-path", str(path))
    assert shown.output == "owner/my-work/1\n"
    wait_until(lambda: not kaggle.kernels_alive(), within_s=30, what="the end")
    assert kaggle.sessions()[0].log == [{"stream_name": "stdout", "time": 0.0, "data": "from a cell\n"}]
    (asked,) = kaggle.journal.all("SaveKernel")
    assert asked.members["kernelType"] == "notebook"
    assert "old" not in str(asked.members["text"])


def test_no_second_session_is_started_beside_one_that_runs(kaggle: FakeKaggle, tmp_path: Path) -> None:
    path = script(tmp_path, ENDLESS)
    assert invoked("run", "--slug", "my-work", "--local-notebook-path", path).exit_code == 0
    wait_until(lambda: kaggle.sessions()[0].state == "RUNNING", within_s=30, what="the start")
    assert invoked("status", "--slug", "my-work").output == "RUNNING\n"
    refused = invoked("run", "--slug", "my-work", "--local-notebook-path", path)
    assert isinstance(refused.exception, RemoteRefused)
    assert kaggle.kernels_alive() == ["my-work"]
    assert invoked("delete", "--slug", "my-work").output == "owner/my-work is deleted\n"
    assert invoked("delete", "--slug", "my-work").output == "owner/my-work does not exist\n"
    assert kaggle.kernels_alive() == []


def test_the_mcp_endpoint_cannot_delete_and_says_so(kaggle: FakeKaggle) -> None:
    refused = invoked("delete", "--slug", "my-work", "--transport", "mcp")
    assert "no tool that deletes" in str(refused.exception)


@pytest.mark.parametrize("name", ["work.txt", "missing.py", "broken.ipynb"])
def test_what_is_no_notebook_is_not_pushed(kaggle: FakeKaggle, tmp_path: Path, name: str) -> None:
    (tmp_path / "work.txt").write_text("")
    (tmp_path / "broken.ipynb").write_text('{"cells": [{}]}')
    refused = invoked("run", "--slug", "my-work", "--local-notebook-path", str(tmp_path / name))
    assert isinstance(refused.exception, RemoteRefused)
    assert kaggle.journal.all("SaveKernel") == []


@pytest.mark.usefixtures("kaggle")
def test_the_quota_is_shown() -> None:
    shown = invoked("quota")
    assert (shown.exit_code, shown.output.startswith("30.0 of 30.0 GPU hours left, renewed at")) == (0, True)


@pytest.mark.parametrize("transport", ["api", "mcp"])
def test_what_is_not_set_is_named(
    kaggle: FakeKaggle, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    failed = invoked("status", "--slug", "my-work", "--transport", transport)
    assert isinstance(failed.exception, SettingMissing)
    assert "KAGGLE_API_TOKEN" in str(failed.exception)


def test_no_output_and_no_error_shows_a_secret(kaggle: FakeKaggle, tmp_path: Path) -> None:
    run_and_wait(tmp_path)
    kaggle.faults.add(Fault("ListKernelSessionOutput", "answer", answer=[TOKEN]))
    for arguments in (("status",), ("session-output",), ("delete", "--transport", "mcp")):
        shown = invoked(*arguments, "--slug", "my-work")
        assert TOKEN not in f"{shown.output}{shown.exception!r}"

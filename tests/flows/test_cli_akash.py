import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from infra.store.s3_connection import S3Credentials
from tests.akash_cases import job, provider_at
from tests.akash_training import COMMANDS, ENVIRONMENT, ROOT, as_environment, settings_for
from tests.fake_akash.faults import Fault
from tests.fake_akash.running import running_fake_akash
from tests.fake_akash.service import API_KEY, FakeAkash
from tests.script_host import script_host
from tests.waiting import wait_until

_SCRIPT = "import time; print('epoch 1', flush=True); time.sleep({seconds})"
_DIGEST = "0" * 64


@pytest.fixture
def akash(tmp_path: Path) -> Iterator[FakeAkash]:
    with running_fake_akash(tmp_path / "akash", commands=COMMANDS, environment=ENVIRONMENT) as running:
        yield running


@pytest.fixture
def variables(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """The environment of a command, set for this process too."""
    monkeypatch.chdir(tmp_path)
    named = as_environment(settings_for(akash, s3_server, tmp_path, script_url="http://127.0.0.1:1/train.py"))
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    return named


def invoked(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["akash", *arguments])


def started_up(script: str, url: str, variables: dict[str, str], folder: Path) -> "subprocess.Popen[str]":
    digest = sha256(script.encode()).hexdigest()
    options = ("--script-sha256", digest, "--output", str(folder / "out"), "--poll-interval-sec", "0.2")
    return subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "akash", "up", *options],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            **variables,
            "AKASH_TRAIN_SCRIPT_URL": url,
        },
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_up_says_what_it_may_cost_before_and_what_it_cost_after(
    akash: FakeAkash, variables: dict[str, str], tmp_path: Path
) -> None:
    script = _SCRIPT.format(seconds=0)
    with script_host(script) as url:
        command = started_up(script, url, variables, tmp_path)
        said, complaints = command.communicate(timeout=120)
    assert (command.returncode, complaints) == (0, "")
    lines = said.splitlines()
    assert "at most 1.440 USD until" in lines[0]
    assert " cost 0.0" in lines[-1]
    assert any(line.startswith("file: ") and line.endswith("_log.txt") for line in lines)
    assert akash.deployments_alive() == []
    assert "CANARY" not in said


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_up_ends_its_lease_and_exits_with_3(
    akash: FakeAkash, variables: dict[str, str], tmp_path: Path, sign: signal.Signals
) -> None:
    script = _SCRIPT.format(seconds=600)
    with script_host(script) as url:
        command = started_up(script, url, variables, tmp_path)
        wait_until(akash.pids, within_s=60, what="the lease's container")
        command.send_signal(sign)
        _, complaints = command.communicate(timeout=60)
    assert (command.returncode, complaints) == (3, "stopped\n")
    assert (akash.deployments_alive(), akash.pids()) == ([], [])


def test_what_a_killed_up_leaves_is_recorded_and_ended_by_down(
    akash: FakeAkash, variables: dict[str, str], tmp_path: Path
) -> None:
    script = _SCRIPT.format(seconds=600)
    with script_host(script) as url:
        command = started_up(script, url, variables, tmp_path)
        wait_until(akash.pids, within_s=60, what="the lease's container")
        command.kill()
        command.communicate(timeout=60)
    (row,) = json.loads(invoked("status", "--json").stdout)
    assert row["recorded"]
    ended = invoked("down", "--all")
    assert (ended.exit_code, f"{row['dseq']} ({row['name']}) is ended" in ended.stdout) == (0, True)
    assert (akash.deployments_alive(), akash.pids()) == ([], [])
    assert "0 leases alive; 0.00" in invoked("status").stdout


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (Fault("create", status=402, message="Not enough balance"), 4, "add credit to the Akash account"),
        (Fault("balances", status=401), 1, "check AKASH_API_KEY"),
    ],
)
@pytest.mark.usefixtures("variables")
def test_want_of_money_exits_otherwise_than_a_failure(
    akash: FakeAkash, tmp_path: Path, fault: Fault, status: int, words: str
) -> None:
    akash.faults.add(fault)
    shown = invoked("up", "--script-sha256", _DIGEST, "--output", str(tmp_path / "out"))
    if status == 1:
        assert words in str(shown.exception)
    else:
        assert (shown.exit_code, words in shown.stderr) == (status, True)
    assert akash.deployments_alive() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("up", "--script-sha256", "latest", "--output", "out"),
        ("up", "--script-sha256", _DIGEST, "--output", "out", "--max-hours", "49"),
        ("up", "--script-sha256", _DIGEST, "--output", "out", "--max-usd-per-hour", "cheap"),
        ("up", "--output", "out"),
        ("down",),
        ("down", "17", "--all"),
    ],
)
def test_wrong_usage_exits_with_2_and_asks_nothing(
    akash: FakeAkash, variables: dict[str, str], arguments: tuple[str, ...]
) -> None:
    assert variables
    assert invoked(*arguments).exit_code == 2
    assert akash.journal.all() == []


@pytest.mark.usefixtures("variables")
def test_status_down_and_status_again(akash: FakeAkash) -> None:
    handle = provider_at(akash).create(job(), lambda handle: None)
    (row,) = json.loads(invoked("status", "--json").stdout)
    assert (row["dseq"], row["name"]) == (handle.id, handle.name)
    shown = invoked("status")
    assert (shown.exit_code, "1 leases alive; 0.000 USD of this month's" in shown.stdout) == (0, True)
    ended = invoked("down", handle.id)
    assert (ended.exit_code, f"{handle.id} ({handle.name}) is ended" in ended.stdout) == (0, True)
    again = invoked("down", handle.id)
    assert (again.exit_code, again.stdout) == (0, f"{handle.id} is over\n")
    assert json.loads(invoked("status", "--json").stdout) == []


@pytest.mark.usefixtures("variables")
def test_prices_are_a_table(akash: FakeAkash) -> None:
    shown = invoked("prices")
    assert shown.exit_code == 0
    assert "t4" in shown.stdout
    assert "0.21" in shown.stdout
    assert API_KEY not in shown.stdout
    assert [one["model"] for one in json.loads(invoked("prices", "--json").stdout)] == ["t4", "h200"]

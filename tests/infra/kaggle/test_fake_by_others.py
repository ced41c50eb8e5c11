"""The fake Kaggle, judged by clients that are not ours: the SDK as it is, and Kaggle's own command line."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kagglesdk import KaggleClient
from kagglesdk.kaggle_env import KaggleEnv
from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelSessionStatusRequest
from kagglesdk.kernels.types.kernels_enums import KernelWorkerStatus

from tests.fake_kaggle.faults import Fault
from tests.fake_kaggle.running import running_fake_kaggle
from tests.fake_kaggle.service import KEY, TOKEN, USERNAME, FakeKaggle
from tests.waiting import wait_until

_SHIM = Path(__file__).with_name("kaggle_cli.py")
_SCRIPT = """
import os, pathlib, time
print("run type", os.environ["KAGGLE_KERNEL_RUN_TYPE"], flush=True)
pathlib.Path("out").mkdir()
pathlib.Path("out/result.txt").write_text("42")
"""


@pytest.fixture
def kaggle(tmp_path: Path) -> Iterator[FakeKaggle]:
    with running_fake_kaggle(tmp_path / "kaggle") as kaggle:
        yield kaggle


def command_line(kaggle: FakeKaggle, folder: Path, *arguments: str, **variables: str) -> str:
    """What the ``kaggle`` command prints."""
    known = variables or {"KAGGLE_API_TOKEN": TOKEN}
    outcome = subprocess.run(
        [sys.executable, str(_SHIM), kaggle.url, *arguments],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            **known,
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout


def pushed(folder: Path, source: str) -> None:
    """The files of ``kernels push``."""
    (folder / "script.py").write_text(source)
    metadata = {
        "id": "owner/cg-cli-test",
        "title": "cg cli test",
        "code_file": "script.py",
        "language": "python",
        "kernel_type": "script",
        "is_private": True,
        "enable_gpu": True,
    }
    (folder / "kernel-metadata.json").write_text(json.dumps(metadata))


def ended(kaggle: FakeKaggle) -> None:
    wait_until(lambda: not kaggle.kernels_alive(), within_s=60, what="the end of all sessions")


def test_the_kaggle_command_pushes_watches_fetches_and_deletes(kaggle: FakeKaggle, tmp_path: Path) -> None:
    pushed(tmp_path, _SCRIPT)
    told = command_line(kaggle, tmp_path, "kernels", "push", "-p", ".", "--accelerator", "NvidiaTeslaT4")
    assert "Kernel version 1 successfully pushed" in told
    ended(kaggle)
    told = command_line(kaggle, tmp_path, "kernels", "status", "owner/cg-cli-test")
    assert "KernelWorkerStatus.COMPLETE" in told
    assert "run type Batch" in command_line(kaggle, tmp_path, "kernels", "logs", "owner/cg-cli-test")
    command_line(kaggle, tmp_path, "kernels", "output", "owner/cg-cli-test", "-p", "got")
    assert (tmp_path / "got" / "out" / "result.txt").read_text() == "42"
    assert "30.00h" in command_line(kaggle, tmp_path, "quota")
    command_line(kaggle, tmp_path, "kernels", "delete", "owner/cg-cli-test", "-y")
    assert kaggle.kernels_left() == []


def test_the_kaggle_command_follows_a_log_that_breaks_off(kaggle: FakeKaggle, tmp_path: Path) -> None:
    lines = "import time\nfor n in range(3):\n    print('line', n, flush=True)\n    time.sleep(1)\n"
    pushed(tmp_path, lines)
    known = {"KAGGLE_USERNAME": USERNAME, "KAGGLE_KEY": KEY}
    command_line(kaggle, tmp_path, "kernels", "push", "-p", ".", **known)
    kaggle.faults.add(Fault("logs", "cut"))
    told = command_line(kaggle, tmp_path, "kernels", "logs", "--follow", "owner/cg-cli-test", **known)
    assert told.split("\n")[:3] == ["line 0", "line 1", "line 2"]


def test_the_kaggle_command_is_told_that_all_slots_are_taken(tmp_path: Path) -> None:
    with running_fake_kaggle(tmp_path / "kaggle", slots=0) as kaggle:
        pushed(tmp_path, _SCRIPT)
        told = command_line(kaggle, tmp_path, "kernels", "push", "-p", ".")
    assert "Kernel push error: Maximum batch GPU session count of 0 reached." in told


def test_the_sdk_takes_a_queued_session_for_queued(tmp_path: Path) -> None:
    with running_fake_kaggle(tmp_path / "kaggle", queue_s=60) as kaggle:
        kaggle.kernels.save({"newTitle": "some kernel", "text": "pass"})
        client = KaggleClient(env=KaggleEnv.TEST, api_token=TOKEN)
        client.http_client()._endpoint = kaggle.url
        request = ApiGetKernelSessionStatusRequest()
        request.user_name, request.kernel_slug, request.version_label = "owner", "some-kernel", "v1"
        answer = client.kernels.kernels_api_client.get_kernel_session_status(request)
        assert answer.status == KernelWorkerStatus.QUEUED

"""A writer to a local folder that dies or meets an error at any of its system calls."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.store.local import LocalStore

FINISHED, KILLED, REFUSED = "0", "9", "10"


@pytest.fixture(scope="module")
def report(quick_folder_factory: Any) -> dict[str, Any]:
    driver = Path(__file__).with_name("crash_driver.py")
    done = subprocess.run([sys.executable, str(driver), str(quick_folder_factory())], stdout=-1, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("how", ["kill before the call", "kill within the write"])
def test_kill_at_any_call_leaves_each_object_whole_or_absent(report: dict[str, Any], how: str) -> None:
    assert report[how]["faults"] == {}
    assert list(report[how]["endings"]) == [KILLED]
    assert report[how]["endings"][KILLED] >= 50


@pytest.mark.parametrize("how", ["no space", "input/output error"])
def test_error_at_any_call_is_told_and_leaves_each_object_whole_or_absent(
    report: dict[str, Any], how: str
) -> None:
    assert report[how]["faults"] == {}
    assert set(report[how]["endings"]) <= {FINISHED, REFUSED}
    assert report[how]["endings"][REFUSED] >= 40


def test_error_leaves_a_temporary_file_only_where_its_removal_fails(report: dict[str, Any]) -> None:
    # create and create_stream: one call each that removes the temporary name.
    assert report["no space"]["leftovers"] == 2


def test_contents_reach_the_disk_before_the_name_and_the_name_before_success(
    local_store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_store.create("objects/made", b"")
    calls = _recorded(monkeypatch)
    version = local_store.create("objects/a", b"1").version
    assert calls == ["write", "fsync file", "link", "fsync folder", "unlink"]
    calls.clear()
    local_store.create_stream("objects/b", [b"1", b"2"])
    assert calls == ["write", "write", "fsync file", "link", "fsync folder", "unlink"]
    calls.clear()
    local_store.swap("objects/a", b"2", expected=version)
    assert calls == ["write", "fsync file", "rename", "fsync folder", "unlink"]
    calls.clear()
    local_store.delete("objects/a")
    assert calls == ["unlink", "fsync folder"]


def test_new_folder_is_on_the_disk_before_the_object_in_it(
    local_store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_store.create("x", b"")
    calls = _recorded(monkeypatch)
    local_store.create("deep/er/a", b"1")
    made = [call for call in calls if call in ("mkdir", "fsync folder", "link")]
    assert made == ["mkdir", "fsync folder", "mkdir", "fsync folder", "link", "fsync folder"]


def _recorded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []

    def recording(name: str) -> None:
        call = getattr(os, name)

        def recorded(*args: Any, **options: Any) -> Any:
            folder = name == "fsync" and Path(f"/proc/self/fd/{args[0]}").is_dir()
            calls.append(f"fsync {'folder' if folder else 'file'}" if name == "fsync" else name)
            return call(*args, **options)

        monkeypatch.setattr(os, name, recorded)

    for name in ("write", "fsync", "link", "rename", "unlink", "mkdir"):
        recording(name)
    return calls

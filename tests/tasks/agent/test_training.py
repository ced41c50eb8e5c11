import hashlib
import io
import os
import subprocess
import sys
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.remote.batch import Batch
from infra.store.interface import ObjectStore
from tasks import training
from tasks.domain.training import TrainingManifest, read_training_spec
from tasks.keys import BatchKeys
from tasks.training import TrainingOrder, end_training, find_manifest, send_training, take_training
from tests.script_host import script_host
from tests.waiting import ENDLESS, wait_until

ROOT = Path(__file__).parents[3]
WELL = """
import os, pathlib
print("epoch 1", flush=True)
out = pathlib.Path(os.environ["CALIBGUARD_OUTPUT"])
(out / "weights").mkdir()
(out / "weights" / "best.bin").write_bytes(b"w" * 100)
(out / "seen.txt").write_text(" ".join(sorted(name for name in os.environ if name.startswith("CALIBGUARD"))))
"""
HALF_DONE = f"""
import os, pathlib
pathlib.Path(os.environ["CALIBGUARD_OUTPUT"], "half.txt").write_text("half")
print("on and on", flush=True)
{ENDLESS}
"""
TOO_DEEP = """
import os
os.chdir(os.environ["CALIBGUARD_OUTPUT"])
for _ in range(30):  # beyond the longest path that a call may name
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
"""


def _sent(url: str, script: str, store: ObjectStore, *, deadline_s: float = 60.0) -> BatchKeys:
    now = datetime.now(UTC)
    order = TrainingOrder(
        url,
        hashlib.sha256(script.encode()).hexdigest(),
        now + timedelta(seconds=deadline_s),
        heartbeat_s=0.2,
    )
    return send_training(order, store, now=now)


def _started(keys: BatchKeys, store: ObjectStore) -> "subprocess.Popen[str]":
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "CALIBGUARD_SPEC_URL": store.presign_get(keys.spec, expires_s=600),
        "CALIBGUARD_AGENT_TOKEN": "CANARY-token",
    }
    command = [sys.executable, "-m", "tasks.agent.training"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def _ended(keys: BatchKeys, store: ObjectStore) -> tuple[TrainingManifest, str]:
    output, _ = _started(keys, store).communicate(timeout=60)
    manifest = find_manifest(keys, store)
    assert manifest is not None
    assert "CANARY" not in output
    return manifest, output


def test_a_script_of_the_pinned_digest_runs_and_what_it_leaves_comes_back(
    store: ObjectStore, tmp_path: Path
) -> None:
    with script_host(WELL) as url:
        keys = _sent(url, WELL, store)
        manifest, output = _ended(keys, store)
    assert (manifest.ok, manifest.reason, manifest.exit_status) == (True, "done", 0)
    assert "epoch 1" in output
    word = Batch(store, keys.prefix).last_word()
    assert word is not None
    assert word.cause == "done"
    tar, log = take_training(keys, tmp_path / "taken", store)
    with tarfile.open(tar) as members:
        assert sorted(members.getnames()) == ["seen.txt", "weights/best.bin"]
        seen = members.extractfile("seen.txt")
        assert seen is not None
        assert seen.read() == b"CALIBGUARD_OUTPUT"
    assert "epoch 1" in log.read_text()


def test_a_script_of_another_digest_is_not_run(store: ObjectStore) -> None:
    with script_host(WELL + "\n# altered") as url:
        manifest, output = _ended(_sent(url, WELL, store), store)
    assert (manifest.ok, manifest.reason, manifest.exit_status) == (False, "inputs_damaged", None)
    assert "it was not run" in manifest.sentence
    assert "epoch" not in output


@pytest.mark.parametrize(
    ("script", "reason", "status"),
    [("raise SystemExit(3)", "failed", 3), ("import os; os.kill(os.getpid(), 9)", "failed", -9)],
)
def test_a_script_that_fails_is_told_with_its_status(
    store: ObjectStore, script: str, reason: str, status: int
) -> None:
    with script_host(script) as url:
        manifest, _ = _ended(_sent(url, script, store), store)
    assert (manifest.ok, manifest.reason, manifest.exit_status) == (False, reason, status)


def test_at_the_deadline_the_script_is_stopped_and_what_it_left_comes_back(store: ObjectStore) -> None:
    with script_host(HALF_DONE) as url:
        keys = _sent(url, HALF_DONE, store, deadline_s=4.0)
        manifest, _ = _ended(keys, store)
    assert manifest.reason == "deadline"
    with tarfile.open(fileobj=io.BytesIO(store.read(keys.output))) as members:
        assert members.getnames() == ["half.txt"]


def test_an_output_that_cannot_be_packed_is_told_and_not_trained_for_again(store: ObjectStore) -> None:
    with script_host(TOO_DEEP) as url:
        manifest, _ = _ended(_sent(url, TOO_DEEP, store), store)
    assert (manifest.ok, manifest.reason, manifest.exit_status, manifest.output_sha256) == (
        False,
        "failed",
        0,
        None,
    )
    assert "the output cannot be packed" in manifest.sentence


def test_a_training_that_nobody_wants_any_more_ends(store: ObjectStore) -> None:
    with script_host(HALF_DONE) as url:
        keys = _sent(url, HALF_DONE, store)
        agent = _started(keys, store)
        wait_until(
            lambda: store.head(keys.log) and b"on and on" in store.read(keys.log),
            within_s=30,
            what="the script's first words",
        )
        end_training(keys, store)
        agent.communicate(timeout=30)
    manifest = find_manifest(keys, store)
    assert manifest is not None
    assert manifest.reason == "cancelled"


def test_a_container_that_is_started_again_does_not_train_twice(store: ObjectStore) -> None:
    with script_host(WELL) as url:
        keys = _sent(url, WELL, store)
        first, _ = _ended(keys, store)
        second, output = _ended(keys, store)
    assert first == second
    assert "was finished before this start: done" in output


def test_what_a_machine_left_beyond_all_bounds_is_not_read(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_MOST_OUTPUT", 100)
    keys = _sent("http://127.0.0.1:1/x", "pass", store)
    store.create(keys.output, b"x" * 101)
    with pytest.raises(training.TrainingOutputTooLong, match="101 bytes"):
        take_training(keys, tmp_path, store)
    assert list(tmp_path.iterdir()) == []


def test_a_specification_shows_no_url(store: ObjectStore) -> None:
    keys = _sent("https://host.example/train.py?key=CANARY", "pass", store)
    assert "http" not in repr(read_training_spec(store.read(keys.spec)))


def test_the_same_script_again_is_another_attempt(store: ObjectStore) -> None:
    assert [_sent("http://127.0.0.1:1/x", "pass", store).attempt for _ in range(2)] == [0, 1]

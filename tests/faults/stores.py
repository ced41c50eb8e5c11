"""Stores that go away, refuse, overwrite or are full: the run says so or carries on, all of it whole."""

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.store.interface import ObjectStore
from infra.store.opening import open_store
from infra.store.s3_connection import S3Credentials
from infra.store.seaweedfs import seaweedfs
from tests.faults.bench import Bench
from tests.faults.history import manifests, snapshot, wrongs
from tests.faults.kills import clean_digest
from tests.faults.overwriting_s3 import overwriting_s3
from tests.faults.processes import children_of, command_of
from tests.faults.verdict import Verdict
from tests.photos import fill_folder, listing_ids
from tests.waiting import wait_until

_PHOTOS, _SHARD = 60, 5
_SHARDS = {"shard_size": _SHARD}
_OUTAGE_S = 20.0
_NO_DISK_CHECK = {"CALIBGUARD_MIN_FREE_DISK_MB": "0"}


def stores(bench: Bench) -> Iterator[Verdict]:
    """Try every sort of bad store."""
    photos = fill_folder(bench.folder / "photos-stores", listing_ids(_PHOTOS), width=1536, height=1024)
    expected = clean_digest(bench, photos, str(bench.folder / "store-stores"), shard_size=_SHARD)
    with seaweedfs(bench.folder / "seaweedfs", bucket="faults") as server:
        yield _completes(bench, photos, expected, server, "S3 instead of a folder", prefix="calm")
        with _outage(bench.folder) as began:
            verdict = _completes(
                bench, photos, expected, server, f"S3 killed for {_OUTAGE_S:.0f} s", prefix="storm", at=began
            )
        yield verdict
    yield _without_conditional_put(bench, photos)
    yield _below_a_file(bench, photos)
    yield _read_only(bench, photos)
    needed = _size(bench.folder / "store-stores")
    for share in (0.3, 0.7):
        yield _full_disk(bench, photos, expected, size=int(needed * share), share=share)
    yield _nearly_full_disk(bench, photos)


def environment(server: S3Credentials) -> dict[str, str]:
    """Settings that name an S3 server."""
    return {
        "CALIBGUARD_S3_ENDPOINT_URL": server.endpoint_url or "",
        "CALIBGUARD_S3_ACCESS_KEY_ID": server.access_key_id,
        "CALIBGUARD_S3_SECRET_ACCESS_KEY": server.secret_access_key.get_secret_value(),
    }


def _completes(
    bench: Bench,
    photos: Path,
    expected: str,
    server: S3Credentials,
    name: str,
    *,
    prefix: str,
    at: Callable[[ObjectStore], None] | None = None,
) -> Verdict:
    url = f"s3://faults/{prefix}"
    store = open_store(url, s3=server)
    run = bench.start(url, photos, env=environment(server), parameters=_SHARDS)
    bench.started_process(run)
    began = time.monotonic()
    if at is not None:
        at(store)
    state = bench.ended(run, within_s=400).state
    seconds = time.monotonic() - began
    ended = state.type.value if state else "none"
    found = wrongs(store, zip_sha256=expected, runs={run: ended})
    if ended != "COMPLETED":
        found.append(f"the run ended {ended}: {state.message if state else ''}")
    return Verdict(
        "store", name, tuple(found), f"{ended} after {seconds:.0f} s, {len(manifests(store))} manifest"
    )


@contextmanager
def _outage(folder: Path) -> Iterator[Callable[[ObjectStore], None]]:
    """Give a function that waits for the middle of a run, kills the server, and starts it again later."""
    revived: list[subprocess.Popen[bytes]] = []

    def begin(store: ObjectStore) -> None:
        wait_until(
            lambda: sum(1 for _ in store.list("renders/")) >= _PHOTOS // 3,
            within_s=180,
            what="a third of the photos in the store",
        )
        (server,) = (child for child in children_of(os.getpid()) if "weed" in " ".join(command_of(child)))
        command = command_of(server)
        os.kill(server, signal.SIGKILL)
        threading.Timer(_OUTAGE_S, lambda: revived.append(_served(command, folder / "seaweedfs"))).start()

    try:
        yield begin
    finally:
        for server in revived:
            server.kill()
            server.wait()


def _served(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "server.log").open("ab") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"TMPDIR": str(folder)}
        )


def _without_conditional_put(bench: Bench, photos: Path) -> Verdict:
    with overwriting_s3() as url:
        keys = {"CALIBGUARD_S3_ACCESS_KEY_ID": "any", "CALIBGUARD_S3_SECRET_ACCESS_KEY": "any"}
        env = {"CALIBGUARD_S3_ENDPOINT_URL": url, **keys}
        return _fails(
            bench, "s3://bucket/runs", photos, "no conditional put", "overwrote the object", env=env
        )


def _below_a_file(bench: Bench, photos: Path) -> Verdict:
    (bench.folder / "file").write_bytes(b"")
    return _fails(bench, str(bench.folder / "file" / "store"), photos, "a folder below a file", "file/store")


def _read_only(bench: Bench, photos: Path) -> Verdict:
    name = "a read-only folder"
    try:
        with _mounted("size=1m") as folder:
            _remount(folder, "ro")
            return _fails(bench, str(folder), photos, name, "make it writable", env=_NO_DISK_CHECK)
    except (OSError, subprocess.CalledProcessError) as error:
        return Verdict("store", name, skipped=f"this user may not mount: {error}")


def _full_disk(bench: Bench, photos: Path, expected: str, *, size: int, share: float) -> Verdict:
    name = f"a disk of {share:.0%} of what is needed"
    try:
        with _mounted(f"size={size}") as folder:
            refused = _fails(bench, str(folder), photos, name, "no space", env=_NO_DISK_CHECK)
            store = open_store(str(folder))
            half = [*wrongs(store, zip_sha256=expected, runs={})]
            before = len(snapshot(store))
            _remount(folder, f"size={4 * size + (64 << 20)}")
            run = bench.start(str(folder), photos, env=_NO_DISK_CHECK, parameters=_SHARDS)
            state = bench.ended(run).state
            ended = state.type.value if state else "none"
            half += wrongs(store, zip_sha256=expected, runs={run: ended})
            half += [] if ended == "COMPLETED" else [f"the run on the larger disk ended {ended}"]
    except (OSError, subprocess.CalledProcessError) as error:
        return Verdict("store", name, skipped=f"this user may not mount: {error}")
    measured = f"{before} whole objects kept, then {ended} with the same digest; {refused.measured}"
    return Verdict("store", name, (*refused.wrongs, *half), measured)


def _nearly_full_disk(bench: Bench, photos: Path) -> Verdict:
    name = "a disk below the free space that is asked for"
    try:
        with _mounted("size=64m") as folder:
            return _fails(bench, str(folder), photos, name, "MiB free at")
    except (OSError, subprocess.CalledProcessError) as error:
        return Verdict("store", name, skipped=f"this user may not mount: {error}")


def _fails(
    bench: Bench, url: str, photos: Path, name: str, said: str, *, env: dict[str, str] | None = None
) -> Verdict:
    """Run on a store that cannot do, and judge by what the user is told."""
    run = bench.start(url, photos, env=env, parameters=_SHARDS)
    bench.started_process(run)
    began = time.monotonic()
    state = bench.ended(run, within_s=400).state
    seconds = time.monotonic() - began
    message = (state.message if state else None) or ""
    found = [] if state and state.is_failed() else [f"the run ended in {state.name if state else None}"]
    if said not in message or "\n" in message:
        found.append(f"{said!r} is not said in one sentence")
    if any("Traceback" in line for line in bench.logs(run)):
        found.append("there is a traceback in the logs")
    return Verdict("store", name, tuple(found), f"failed after {seconds:.0f} s: {message}")


@contextmanager
def _mounted(options: str) -> Iterator[Path]:
    """Mount a file system in memory for the length of a block; needs root.

    Raises:
        CalledProcessError: This user may not.
    """
    with tempfile.TemporaryDirectory() as folder:
        _command("mount", "-t", "tmpfs", "-o", options, "calibguard-faults", folder)
        try:
            yield Path(folder)
        finally:
            _command("umount", "--lazy", folder)


def _remount(folder: Path, options: str) -> None:
    _command("mount", "-o", f"remount,{options}", str(folder))


def _command(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

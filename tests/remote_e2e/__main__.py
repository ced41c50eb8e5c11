"""``make remote-e2e``: twelve shards over two providers that misbehave, with workers and parent killed.

A real Prefect server with real workers, a real S3 server, and both fakes, which run what they are sent. The
zip must be the one that this machine renders by itself, and nothing may be left running at either provider.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from infra.remote.names import Kind
from infra.remote.records import RemoteRecords
from infra.store.lease import holder
from tasks.domain.schemas import RunManifest
from tasks.keys import manifest_key
from tests.faults.processes import children_of, command_of, kill
from tests.photos import fill_folder, listing_ids
from tests.remote_e2e.site import AGENT_ORDERS, Site, site

_SHARDS, _PHOTOS_EACH = 12, 2
_ROUTE: Final = ("akash", "kaggle", "akash", "kaggle")
_WITHIN_S: Final = 1500.0
_CLEARED_WITHIN_S: Final = 240.0


def main() -> int:
    """Render here, render there among faults, and compare."""
    parser = argparse.ArgumentParser(prog="python -m tests.remote_e2e", description=main.__doc__)
    parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="calibguard-e2e-") as folder, site(Path(folder)) as running:
        wrong = list(_findings(running, Path(folder)))
        kernels, leases = running.kaggle.kernels_left(), running.akash.deployments_alive()
    for finding in wrong:
        print(f"wrong: {finding}")
    print(
        f"remote: digest {'equal' if not any('digest' in finding for finding in wrong) else 'DIFFERENT'}, "
        f"kernels left {len(kernels)}, leases left {len(leases)}"
    )
    return 1 if wrong or kernels or leases else 0


def _findings(running: Site, folder: Path) -> Iterator[str]:
    photos = fill_folder(folder / "photos", listing_ids(_SHARDS * _PHOTOS_EACH))
    expected = _digest(running, _rendered(running, photos, artifact_tag="here"))
    _tell(f"here: {expected}")
    pools = {"pools": [f"render-batch/{name}" for name in _ROUTE], "batch_photos": _PHOTOS_EACH}
    stop = threading.Event()
    nemeses = [
        threading.Thread(target=nemesis, args=(running, stop), daemon=True)
        for nemesis in (_kill_a_worker, _take_the_hanging_lease)
    ]
    for nemesis in nemeses:
        nemesis.start()
    began = time.monotonic()
    _kill_the_parent(running, photos, pools)
    name = _rendered(running, photos, artifact_tag="there", **pools)
    stop.set()
    found = _digest(running, name) if name else "nothing"
    _tell(f"there: {found}, after {time.monotonic() - began:.0f} s")
    if found != expected:
        yield f"digest {found} where {expected} was rendered here"
    _await(lambda: not running.kaggle.kernels_left() and not running.akash.deployments_alive())
    yield from _unused_faults(running, folder)
    yield from _needless_work(running)
    yield from _leaks(running, folder)


def _rendered(running: Site, photos: Path, **parameters: object) -> str | None:
    """Run the deployment to its end; the artifact's name, None where it failed."""
    parameters = {"shard_size": _PHOTOS_EACH, **parameters}
    run = running.bench.start(running.store_url, photos, parameters=parameters)
    state = running.bench.ended(run, within_s=_WITHIN_S).state
    _tell(f"run {run}: {state.name if state else 'no state'}: {(state.message or '')[:600] if state else ''}")
    if state is None or not state.is_completed():
        return None
    return (state.message or "").partition("/")[2].partition(".zip")[0]


def _digest(running: Site, name: str | None) -> str:
    if name is None:
        return "nothing"
    return RunManifest.model_validate_json(running.store.read(manifest_key(name))).submission.sha256


def _kill_the_parent(running: Site, photos: Path, pools: dict[str, object]) -> None:
    """Start the run, and kill its process once machines are rented for it."""
    parameters = {"shard_size": _PHOTOS_EACH, "artifact_tag": "killed", **pools}
    run = running.bench.start(running.store_url, photos, parameters=parameters)
    process = running.bench.started_process(run)
    _await(lambda: bool(running.akash.leases_alive()))
    kill(process)
    _tell(f"killed the parent, process {process}, with {len(running.akash.leases_alive())} leases alive")


def _kill_a_worker(running: Site, stop: threading.Event) -> None:
    """Kill each worker of rented machines once, while it watches one."""
    alive: dict[Kind, Callable[[], list[str]]] = {
        "akash": running.akash.leases_alive,
        "kaggle": running.kaggle.kernels_alive,
    }
    while alive and not stop.wait(0.2):
        for pool in [pool for pool, machines in alive.items() if machines() and _watches(running, pool)]:
            if (worker := _worker(running, pool)) is not None:
                kill(worker)
                _tell(f"killed the worker of {pool}, process {worker}")
                del alive[pool]


def _watches(running: Site, pool: Kind) -> bool:
    """Tell whether a machine of a pool is known to whoever holds its lease."""
    records, now = RemoteRecords(running.store), time.time()
    return any(
        holder(records.store, records.watch_key(str(name)), now=now) is not None
        and (record := records.find(str(name))) is not None
        and record.opened is not None
        for name in records.open_names()
        if name.kind == pool
    )


def _worker(running: Site, pool: str) -> int | None:
    children = ((child, command_of(child)) for child in children_of(running.bench.stack.supervisor))
    return next((child for child, words in children if pool in words and "worker" in words), None)


def _take_the_hanging_lease(running: Site, stop: threading.Event) -> None:
    while not stop.wait(0.5):
        for dseq in running.akash.leases_alive():
            if "order: hang" in running.akash.log(dseq):
                running.akash.lose_lease(dseq)
                _tell(f"took lease {dseq} away")
                return


def _unused_faults(running: Site, folder: Path) -> Iterator[str]:
    left = [order.stem for order in (folder / "orders").glob("*.order")]
    if left:
        yield f"of {len(AGENT_ORDERS)} agents that were to misbehave {len(left)} never came: {left}"
    pushes = len(running.kaggle.journal.all("SaveKernel"))
    _tell(f"{pushes} pushes, {len(running.akash.journal.all('create'))} deployments asked for")
    if pushes < 4:
        yield f"{pushes} kernels were pushed, so the faults of Kaggle were not met"


def _needless_work(running: Site) -> Iterator[str]:
    """A batch is rendered again only after an attempt that was refused or lost."""
    ends = Counter(key.split("/")[1] for key in _keys(running, "/manifest.json") if _is_ok(running, key))
    again = sum(count - 1 for count in ends.values())
    forged = 2  # forge and truncate end well by their own account
    _tell(f"{len(ends)} batches ended well, {again} of them more than once")
    if again > forged:
        yield f"{again} batches were rendered again after a good end, {forged} at most were to be refused"


def _keys(running: Site, ending: str) -> list[str]:
    return [found.key for found in running.store.list("batches/") if found.key.endswith(ending)]


def _is_ok(running: Site, key: str) -> bool:
    return b'"ok":true' in running.store.read(key)


def _leaks(running: Site, folder: Path) -> Iterator[str]:
    """Secrets are in no request but its own header, in no file that was written, in no object."""
    asked_kaggle = running.kaggle.journal.all()
    bodies = b"".join(
        asked.body for asked in asked_kaggle if asked.method != "IntrospectToken"
    )  # its very question
    bodies += b"".join(asked.body for asked in running.akash.journal.all())
    texts = {"requests": bodies}
    texts |= {str(path): path.read_bytes() for path in _written(folder)}
    keys = [found.key for found in running.store.list("") if not found.key.endswith((".jpg", ".zip"))]
    texts |= {key: running.store.read(key) for key in keys}
    for secret, value in running.secrets.items():
        for place, text in texts.items():
            if value.encode() in text:
                yield f"the {secret} is in {place}"


def _written(folder: Path) -> Iterator[Path]:
    """All files but Prefect's own of a run's process: private, and left behind by the one that was killed."""
    for room in ("stack", "kaggle", "akash", "orders"):
        for path in (folder / room).rglob("*"):
            if path.is_file() and not path.is_symlink() and "tmp" not in path.relative_to(folder).parts[:2]:
                yield path


def _await(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + _CLEARED_WITHIN_S
    while not is_so() and time.monotonic() < until:
        time.sleep(0.5)


def _tell(words: str) -> None:
    print(words, flush=True)


if __name__ == "__main__":
    sys.exit(main())

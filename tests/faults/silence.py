"""Kills worker and flow process together: only the server is left to notice, by missing heartbeats."""

import time
from collections.abc import Iterator

from infra.store.opening import open_store
from tests.faults.bench import Bench
from tests.faults.history import finished_shards, snapshot
from tests.faults.kills import SHARD, of_stack
from tests.faults.processes import kill, run_processes
from tests.faults.verdict import Verdict
from tests.photos import fill_folder, listing_ids
from tests.waiting import wait_until

_WITHIN_S = 300.0  # the automation waits 150 s after a heartbeat, of which there is one each 30 s
_PHOTOS = 200  # the first heartbeat must be out before the kill


def silence(bench: Bench) -> Iterator[Verdict]:
    """Wait for the automation to call the silent run Crashed."""
    photos = fill_folder(bench.folder / "photos-silence", listing_ids(_PHOTOS), width=2048, height=1367)
    folder = bench.folder / "store-silence"
    run = bench.start(str(folder), photos, parameters={"shard_size": SHARD})
    process = bench.started_process(run)
    store = open_store(str(folder))
    wait_until(lambda: finished_shards(snapshot(store)), within_s=180, what="the first finished shard")
    for victim in (of_stack(bench, "worker"), process, *run_processes(run)):
        kill(victim)
    began = time.monotonic()
    state = bench.ended(run, within_s=_WITHIN_S).state
    seconds = time.monotonic() - began
    crashed = state is not None and state.type.value == "CRASHED"
    wrong = () if crashed else (f"the run is still {state.type.value if state else 'without state'}",)
    said = state.message if state else ""
    yield Verdict("silence", "worker and flow together", wrong, f"shown after {seconds:.0f} s: {said}")

"""Kills flow process, worker or server at random moments of a run; the next run must give the same zip."""

import random
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from infra.store.opening import open_store
from tests.faults.bench import Bench
from tests.faults.history import changes, finished_shards, manifests, photos_without_record, snapshot, wrongs
from tests.faults.processes import Victim, kill, run_processes, stack_process
from tests.faults.verdict import Verdict
from tests.photos import fill_folder, listing_ids

PHOTOS, SHARD = 60, 5
_OBJECTS = PHOTOS + PHOTOS // SHARD
_VICTIMS: tuple[Victim, ...] = ("flow", "worker", "server")
_PAUSE_S = 0.1  # about what the next photo takes
_CLOSING = 14  # of the moments come after the last photo, while zip, contact sheet and manifest are made
_CLOSING_S = 2.0
_SETTLE_S = 90.0


def kills(bench: Bench, *, count: int, seed: int) -> Iterator[Verdict]:
    """Kill ``count`` times and judge each time."""
    photos = fill_folder(bench.folder / "photos-kills", listing_ids(PHOTOS), width=2048, height=1367)
    expected = clean_digest(bench, photos, str(bench.folder / "store-reference"), shard_size=SHARD)
    moments = random.Random(seed)  # noqa: S311  the same moments again, not secrets
    for number in range(count):
        victim = _VICTIMS[number % len(_VICTIMS)]
        yield _kill(bench, photos, expected, number=number, victim=victim, moment=_moment(moments))


def _moment(moments: random.Random) -> tuple[int, float]:
    """Draw how many objects are rendered before the kill, and the seconds from the last one of them."""
    objects = moments.randrange(_OBJECTS + _CLOSING)
    return min(objects, _OBJECTS), moments.uniform(0, _PAUSE_S if objects < _OBJECTS else _CLOSING_S)


def clean_digest(bench: Bench, photos: Path, store: str, *, shard_size: int) -> str:
    """Digest of the zip of an undisturbed run."""
    run = bench.start(store, photos, parameters={"shard_size": shard_size})
    state = bench.ended(run).state
    if state is None or not state.is_completed():
        raise RuntimeError(f"the undisturbed run ended in {state!r}")
    return manifests(open_store(store))[-1].submission.sha256


def _kill(
    bench: Bench, photos: Path, expected: str, *, number: int, victim: Victim, moment: tuple[int, float]
) -> Verdict:
    folder = bench.folder / f"store-kill-{number:02d}"
    store = open_store(str(folder))
    first = bench.start(str(folder), photos, parameters={"shard_size": SHARD})
    process = bench.started_process(first)
    _await_moment(folder, first, *moment)
    kill(process if victim == "flow" else of_stack(bench, victim))
    left = len(list(folder.glob(".store/tmp/*")))
    told, message = _settled(bench, first)
    before = snapshot(store)
    since = bench.printed()
    second = bench.start(str(folder), photos, parameters={"shard_size": SHARD})
    state = bench.ended(second).state
    after = snapshot(store)
    ended = {first: told, second: state.type.value if state else "none"}
    taken = bench.shards_taken(since)
    found = [
        *wrongs(store, zip_sha256=expected, runs=ended),
        *changes(before, after),
        *_wrong_end(ended[second], state.message if state else None),
        *(_wrong_end(told, message) if victim == "server" else ()),  # a run outlives its server
    ]
    if ended[second] == "COMPLETED" and taken != len(finished_shards(before)):
        found.append(f"{len(finished_shards(before))} shards were finished but {taken} were taken")
    return Verdict(
        "kills",
        f"{number:02d} {victim} at object {moment[0]} + {moment[1]:.2f} s",
        tuple(found),
        f"killed run {told} ({message}), {taken} of {PHOTOS // SHARD} shards kept, "
        f"{photos_without_record(before)} photos rendered twice, {left} temporary files unseen",
    )


def _await_moment(store: Path, run: UUID, objects: int, pause_s: float) -> None:
    """Wait for so many rendered objects in the store and then a while, or for the end of the run."""
    while len(list(store.glob("renders/*/*"))) < objects and run_processes(run):
        time.sleep(0.02)
    time.sleep(pause_s)


def of_stack(bench: Bench, victim: Victim) -> int:
    """Id of the stack's own process of that kind."""
    assert victim != "flow"
    process = stack_process(bench.stack.supervisor, victim)
    if process is None:
        raise RuntimeError(f"the stack has no {victim}; see {bench.folder / 'logs'}")
    return process


def _settled(bench: Bench, run: UUID) -> tuple[str, str]:
    """Wait until nothing of the killed run is alive, and give the state that is shown then."""
    deadline = time.monotonic() + _SETTLE_S
    while run_processes(run) and time.monotonic() < deadline:
        time.sleep(0.2)
    for process in run_processes(run):
        with suppress(ProcessLookupError):
            kill(process)
    found = bench.ended(run, within_s=8)
    return (found.state.type.value, found.state.message or "") if found.state else ("none", "")


def _wrong_end(state: str, message: str | None) -> list[str]:
    return [] if state == "COMPLETED" else [f"a run that should have completed ended {state}: {message}"]

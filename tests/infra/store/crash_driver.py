"""Stop a writer to a local store at its n-th system call, for every n, and judge what it leaves.

Run as a script with the folder to work in; prints a JSON report. Each point is a forked child, so the kill is
as abrupt as ``kill -9``: nothing is unwound or flushed. What a kill cannot show is a power cut; the order of
``fsync`` and ``link`` is a test of its own.
"""

import errno
import fcntl
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.errors import StoreError, StoreFull
from infra.store.local import LocalStore

CALLS = ("open", "write", "utime", "fsync", "link", "rename", "unlink", "mkdir", "rmdir", "close")
SWAPPED = b"pointer 2, nonce b7"
BODIES = {
    "kept": b"kept",
    "pointer": b"pointer 1, nonce a4",
    "old/gone": b"gone",
    "objects/new": b"n" * 50_000,
    "deep/er/stream": b"s" * 150_000,
}
FINISHED, WRONG_ERROR, KILLED, REFUSED, NOT_REACHED = 0, 1, 9, 10, 11

Fault = Callable[[str, tuple[Any, ...]], None]


class Trap:
    """Wrap the system calls of ``os``; the n-th one springs the fault instead of running."""

    def __init__(self, at: int, fault: Fault) -> None:
        self.at, self.fault, self.count = at, fault, 0
        for name in CALLS:
            setattr(os, name, self.wrapped(name, getattr(os, name)))
        fcntl.flock = self.wrapped("flock", fcntl.flock)

    def wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def trapped(*args: Any, **options: Any) -> Any:
            self.count += 1
            if self.count == self.at:
                self.fault(name, args)
            return call(*args, **options)

        return trapped


def killed(name: str, args: tuple[Any, ...]) -> None:
    os._exit(KILLED)


def killed_within(name: str, args: tuple[Any, ...]) -> None:
    """Die with half of the bytes written, where the call writes bytes."""
    if name == "write":
        os.pwrite(args[0], bytes(args[1])[: len(args[1]) // 2], 0)
    os._exit(KILLED)


def failing(number: int) -> Fault:
    def fault(name: str, args: tuple[Any, ...]) -> None:
        raise OSError(number, os.strerror(number))

    return fault


def prepare(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    store = LocalStore(folder)
    for key in ("kept", "pointer", "old/gone"):
        store.create(key, BODIES[key])


def work(folder: Path) -> None:
    """Do everything a writer does, in a way that may be repeated."""
    store = LocalStore(folder)
    store.create("objects/new", BODIES["objects/new"])
    store.create_stream("deep/er/stream", [b"s" * 50_000] * 3)
    if store.read("pointer") != SWAPPED:
        found = store.head("pointer")
        store.swap("pointer", SWAPPED, expected=found.version if found else None)
    store.delete("old/gone")


def contents(folder: Path) -> dict[str, bytes]:
    store = LocalStore(folder)
    return {stored.key: store.read(stored.key) for stored in store.list("")}


def child(folder: Path, at: int, fault: Fault, refusal: type[StoreError]) -> int:
    """Work with a trap in a fork and return how that ended."""
    if (pid := os.fork()) == 0:
        trap = Trap(at, fault)
        try:
            work(folder)
        except refusal:
            os._exit(REFUSED)
        except BaseException:
            os._exit(WRONG_ERROR)
        os._exit(FINISHED if trap.count >= at else NOT_REACHED)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def faults_found(folder: Path) -> list[str]:
    """Say which objects are neither as before nor as after, now and when the work is done again."""
    found, faults = contents(folder), []
    for key, body in found.items():
        if body not in (BODIES.get(key), SWAPPED if key == "pointer" else None):
            faults.append(f"{key} holds {len(body)} wrong bytes")
    faults += [f"{key} is lost" for key in ("kept", "pointer") if key not in found]
    work(folder)
    if contents(folder) != wanted():
        faults.append("the repeated work did not finish it")
    return faults


def wanted() -> dict[str, bytes]:
    after = {**BODIES, "pointer": SWAPPED}
    del after["old/gone"]
    return after


def sweep_points(folder: Path, fault: Fault, refusal: type[StoreError]) -> dict[str, Any]:
    """Spring one kind of fault at every call and sum up."""
    endings: Counter[int] = Counter()
    faults: dict[str, list[str]] = {}
    leftovers = 0
    for at in range(1, 10_000):
        prepare(folder)
        ending = child(folder, at, fault, refusal)
        if ending == NOT_REACHED:
            break
        endings[ending] += 1
        temporary = folder / ".store" / "tmp"
        leftovers += any(temporary.iterdir()) if temporary.exists() else 0
        if found := faults_found(folder):
            faults[f"call {at}"] = found
    return {"endings": dict(endings), "faults": faults, "leftovers": leftovers}


if __name__ == "__main__":
    top = Path(sys.argv[1])
    report = {
        "kill before the call": sweep_points(top / "a", killed, StoreError),
        "kill within the write": sweep_points(top / "b", killed_within, StoreError),
        "no space": sweep_points(top / "c", failing(errno.ENOSPC), StoreFull),
        "input/output error": sweep_points(top / "d", failing(errno.EIO), StoreError),
    }
    print(json.dumps(report))

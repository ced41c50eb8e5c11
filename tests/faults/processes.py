"""Finds the processes of a stack and of one flow run in ``/proc``, and how much memory they hold."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

Victim = Literal["flow", "worker", "server"]

_COMMANDS = {"worker": b"prefect\0worker\0start", "server": b"prefect\0server\0start"}
_SAMPLE_S = 0.25


def processes() -> Iterator[int]:
    """Ids of all processes."""
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())


def _content(process: int, name: str) -> bytes:
    with suppress(OSError):  # it has ended meanwhile
        return Path(f"/proc/{process}/{name}").read_bytes()
    return b""


def command_of(process: int) -> list[str]:
    """Words of the command; empty for a process that has ended."""
    return [word.decode() for word in _content(process, "cmdline").split(b"\0")[:-1]]


def children_of(parent: int) -> list[int]:
    """Ids of the direct children."""
    lines = ((process, _content(process, "stat")) for process in processes())
    return [process for process, line in lines if line and int(line.rpartition(b")")[2].split()[1]) == parent]


def stack_process(supervisor: int, role: Literal["worker", "server"]) -> int | None:
    """The supervisor's present worker or server."""
    for child in children_of(supervisor):
        if _COMMANDS[role] in _content(child, "cmdline"):
            return child
    return None


def run_processes(run: UUID) -> list[int]:
    """Ids of everything that was started for a flow run: its own process and the render processes."""
    wanted = f"PREFECT__FLOW_RUN_ID={run}".encode()
    return [process for process in processes() if wanted in _content(process, "environ").split(b"\0")]


def run_process(run: UUID) -> int | None:
    """The process that executes the flow itself."""
    for process in run_processes(run):
        if "prefect.engine" in command_of(process):
            return process
    return None


def kill(process: int) -> None:
    """End a process at once, without a word from it."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


@dataclass
class Memory:
    """Largest memory of a flow run's processes together, shared pages counted once."""

    peak_mb: float = 0.0
    largest_process_mb: float = 0.0


@contextmanager
def measured_memory(run: UUID) -> Iterator[Memory]:
    """Sample the memory of a flow run's processes for the length of a block."""
    memory, over = Memory(), threading.Event()

    def sample() -> None:
        while not over.wait(_SAMPLE_S):
            shares = [_proportional_mb(process) for process in run_processes(run)]
            memory.peak_mb = max(memory.peak_mb, sum(shares))
            memory.largest_process_mb = max([memory.largest_process_mb, *shares])

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield memory
    finally:
        over.set()
        sampler.join()


def _proportional_mb(process: int) -> float:
    for line in _content(process, "smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0

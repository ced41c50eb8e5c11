"""Watches other processes through ``/proc``: who descends from whom, their memory, their CPU time."""

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    """One look at one process: bytes of resident memory, seconds of CPU time."""

    pid: int
    parent: int
    memory: int
    cpu: float
    command: str


@dataclass
class Watch:
    """What a thread saw below one process until it was stopped.

    Attributes:
        peak_memory: Largest sum of resident memory, bytes; pages that processes share count in each.
        busy: (time, render processes that used the CPU since the look before) of each look.
        cpu: Seconds of CPU time by kind of process.
    """

    peak_memory: int = 0
    busy: list[tuple[float, int]] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)


def peak_memory() -> int:
    """Peak resident memory of this process in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmHWM")


def look() -> dict[int, Process]:
    """See every process of this machine."""
    seen = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (process := _process(int(folder.name))):
            seen[process.pid] = process
    return seen


def below(pid: int, seen: dict[int, Process]) -> list[Process]:
    """Pick the descendants of a process, nearest first."""
    found, parents = [], [pid]
    while parents:
        children = [process for process in seen.values() if process.parent in parents]
        found += children
        parents = [child.pid for child in children]
    return found


def watch(pid: int, ended: threading.Event, *, every_s: float = 0.05) -> Watch:
    """Look at the descendants of a process, the flow run and its render processes, until ``ended``."""
    watched, used = Watch(), dict[int, tuple[str, float]]()
    while not ended.wait(every_s):
        family = below(pid, look())
        kinds = {process.pid: _kind(process) for process in family}
        busy = sum(
            kinds[process.pid] == "render" and process.cpu > used.get(process.pid, ("", process.cpu))[1]
            for process in family
        )
        used.update({process.pid: (kinds[process.pid], process.cpu) for process in family})
        watched.busy.append((time.time(), busy))
        watched.peak_memory = max(watched.peak_memory, sum(process.memory for process in family))
    for kind, cpu in used.values():
        watched.cpu[kind] = watched.cpu.get(kind, 0.0) + cpu
    return watched


def _process(pid: int) -> Process | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:  # it ended meanwhile
        return None
    if not command:  # a zombie: what it was is not told any more
        return None
    cpu = (int(fields[11]) + int(fields[12])) / _TICKS
    return Process(pid, int(fields[1]), int(fields[21]) * _PAGE, cpu, command)


def _kind(process: Process) -> str:
    """Tell the flow run's process from the render processes below it."""
    if "prefect" in process.command:
        return "flow"
    return "resource tracker" if "resource_tracker" in process.command else "render"

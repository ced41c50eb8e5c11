"""The render path against its floors, its peers and a plain process pool; ``make bench-render``.

Everything is measured in one run on one machine, whole processes side by side and in turn, and told as
ratios: absolute times of a shared machine mean little. It judges nothing and fails no build; ``README.md``
beside it keeps a run's figures and the goals.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from deployments.stack import Stack, running_stack
from infra.settings import load_settings
from tasks.domain.tables import shipped_text
from tests.bench import drawing, whole_run
from tests.bench.memory import MEMORY_WAYS
from tests.bench.one_photo import WAYS
from tests.bench.whole_run import Run

Row = Sequence[object]
Seconds = tuple[float, float]

_ROUNDS = 3
_PHOTOS_A_ROUND = 9  # the first one warms up
_FEW = 100
_COMPARED = (
    ("ours, linear", "floor, planes", "at most 1.6"),
    ("ours, cubic", "floor, planes", "at most 2.5"),
    ("ours, lanczos4", "floor, planes", ""),
    ("ours, linear", "floor, RGB", ""),
    ("ours, cubic", "floor, RGB", ""),
    ("ours, linear, new map", "floor, planes", ""),
    ("lensfunpy + cv2.remap, linear", "ours, linear", "at least 1.3"),
    ("lensfunpy + cv2.remap, linear", "ours, linear, new map", ""),
    ("lensfunpy + cv2.remap, cubic", "ours, cubic", ""),
    ("lensfunpy + cv2.remap, lanczos4", "ours, lanczos4", ""),
    ("cv2.undistort, linear", "ours, linear", ""),
)


def time_ways(photos: Sequence[Path]) -> dict[str, list[float]]:
    """CPU milliseconds per photo of every way, one figure a round; the ways take turns."""
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(_ROUNDS):
        for name, measured in times.items():
            measured.append(_printed("tests.bench.one_photo", name, *photos[:_PHOTOS_A_ROUND]))
    return times


def peak_gigabytes(photo: Path) -> dict[str, float]:
    """Peak memory of each way with the large photo."""
    return {name: _printed("tests.bench.memory", name, photo) for name in MEMORY_WAYS}


def plain_pool_seconds(photos: Path, output: Path) -> Seconds:
    """Wall and CPU time of the plain process pool, its start included."""
    shutil.rmtree(output, ignore_errors=True)
    processes = load_settings().render_processes
    arguments = [str(photos), str(output), str(processes)]
    command = [sys.executable, "-m", "tests.bench.plain_pool", *arguments]
    started, used = time.monotonic(), _cpu_of_children()
    subprocess.run(command, check=True)
    return time.monotonic() - started, _cpu_of_children() - used


def whole_runs(folder: Path, photos: int) -> tuple[dict[str, Run], dict[str, Seconds]]:
    """Few photos twice from nothing, then many, then the same many with all shards finished.

    Returns:
        The runs, and the plain pool's wall and CPU seconds beside the first and the many.
    """
    few, many = (drawing.fill(folder, count=count)[0].parent for count in (_FEW, photos))
    store, table = folder / "store", folder / "own_table.json"
    table.write_bytes(shipped_text("calibguard_dim.json"))
    shutil.rmtree(store, ignore_errors=True)
    with running_stack(folder / "stack", CALIBGUARD_STORE_URL=str(store)) as stack:
        runs = {
            f"{_FEW} photos": _run(stack, store, few, table, anew=True),
            f"{_FEW} again": _run(stack, store, few, table, anew=True),
        }
        pools = {f"{_FEW} photos": plain_pool_seconds(few, folder / "plain")}
        runs[f"{photos} photos"] = _run(stack, store, many, table, anew=True)
        pools[f"{photos} photos"] = plain_pool_seconds(many, folder / "plain")
        runs[f"{photos}, shards finished"] = _run(stack, store, many, table, anew=False)
    return runs, pools


def _run(stack: Stack, store: Path, photos: Path, table: Path, *, anew: bool) -> Run:
    if anew:
        shutil.rmtree(store / "renders", ignore_errors=True)
    return whole_run.run(stack, store, {"photos": str(photos), "table": str(table)})


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _printed(module: str, *arguments: object) -> float:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def ratio_rows(times: dict[str, list[float]]) -> Iterator[Row]:
    """Compare ways round by round; the machine's mood cancels within a round."""
    for way, base, goal in _COMPARED:
        ratios = [ours / theirs for ours, theirs in zip(times[way], times[base], strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        yield f"{way} / {base}", f"{statistics.median(ratios):.2f}", spread, goal


def time_rows(times: dict[str, list[float]]) -> Iterator[Row]:
    """CPU milliseconds per photo, slowest first."""
    medians = {way: statistics.median(measured) for way, measured in times.items()}
    for way in sorted(medians, key=medians.__getitem__, reverse=True):
        yield way, f"{medians[way]:.1f}", f"{min(times[way]):.1f} to {max(times[way]):.1f}"


def run_rows(runs: dict[str, Run], pools: dict[str, Seconds]) -> Iterator[Row]:
    """One row for each figure of the whole runs."""
    every = runs.values()
    yield "photos per second, flow", *(f"{run.photos / run.wall:.1f}" for run in every)
    yield "milliseconds per photo, shards", *(f"{1000 * _shards(run) / run.photos:.1f}" for run in every)
    yield "start-up, s", *(f"{run.start_up:.1f}" for run in every)
    yield "flow, s", *(f"{run.wall:.1f}" for run in every)
    for name in next(iter(every)).tasks:
        yield f"- {name}, s", *(f"{run.tasks.get(name, 0.0):.2f}" for run in every)
    yield "no render process worked, %", *(f"{100 * run.overhead:.1f}" for run in every)
    yield "no task ran (Prefect's own), %", *(f"{100 * run.orchestration:.1f}" for run in every)
    yield "render processes at work during shards", *(f"{run.busy:.2f}" for run in every)
    yield "CPU of flow run / of render processes, s", *(_cpu(run) for run in every)
    yield "peak memory, GB", *(f"{run.peak_memory / 1e9:.2f}" for run in every)
    yield (
        "flow / plain pool, wall",
        *(_beside_pool(run.wall, pools.get(name), 0) for name, run in runs.items()),
    )
    yield (
        "render processes / plain pool, CPU",
        *(_beside_pool(run.cpu.get("render", 0.0), pools.get(name), 1) for name, run in runs.items()),
    )
    yield "zip's SHA-256", *(run.sha256[:12] for run in every)


def _beside_pool(seconds: float, pool: Seconds | None, kind: Literal[0, 1]) -> str:
    return f"{seconds / pool[kind]:.2f}" if pool else ""


def _shards(run: Run) -> float:
    return run.tasks["render shards"]


def _cpu(run: Run) -> str:
    return f"{run.cpu.get('flow', 0.0):.1f} / {run.cpu.get('render', 0.0):.1f}"


def print_table(head: Row, rows: Iterator[Row]) -> None:
    """Print a Markdown table."""
    print("\n| " + " | ".join(map(str, head)) + " |")
    print("|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


def machine() -> str:
    """Name what the figures depend on."""
    libraries = ("numpy", "opencv-python-headless", "simplejpeg", "pillow", "lensfunpy", "prefect")
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    cpus = len(os.sched_getaffinity(0))
    return f"{_cpu_model()}, {cpus} CPUs, load {load}; Python {platform.python_version()}, {versions}"


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def main() -> None:
    """Measure the render path: one photo, memory, whole runs."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.render", description=main.__doc__)
    parser.add_argument("--photos", type=int, default=1000, help="photos of the large run")
    parser.add_argument("--json", type=Path, help="file that the figures are written to as well")
    arguments = parser.parse_args()
    folder = (load_settings().state_dir / "bench").resolve()
    print(machine())
    times = time_ways(drawing.fill(folder, count=_FEW))
    print_table(("one photo, ratio of CPU times", "median", "rounds", "goal"), ratio_rows(times))
    print_table(("one photo, CPU ms on one core", "median", "rounds"), time_rows(times))
    memory = peak_gigabytes(drawing.large_photo(folder))
    print_table(("96 megapixels", "peak GB"), ((way, f"{peak:.2f}") for way, peak in memory.items()))
    runs, pools = whole_runs(folder, arguments.photos)
    print_table(("whole run", *runs), run_rows(runs, pools))
    print(f"\nafter: {machine()}")
    if arguments.json:
        figures = {
            "machine": machine(),
            "one_photo_ms": times,
            "memory_gb": memory,
            "runs": {name: asdict(run) for name, run in runs.items()},
            "plain_pool_s": pools,
        }
        arguments.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

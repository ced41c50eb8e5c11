"""Drives whole runs through a real Prefect server and worker and reads from them where the time went.

Task times are Prefect's own records; the use of CPU and memory is what ``processes`` saw from outside. It
starts no stack and draws nothing.
"""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from deployments.stack import Stack
from tasks.domain.schemas import RunManifest
from tasks.keys import manifest_key
from tests.bench.processes import Watch, below, look, watch

_POLL_S = 0.25
_TIMEOUT_S = 1800.0
_LAST_RECORDS_S = 3.0  # the run reports its last task's times through a queue


@dataclass(frozen=True, slots=True)
class Run:
    """What one run did and took; all times in seconds.

    Attributes:
        start_up: From asking for the run to the flow's first line: the worker's poll, a process, imports.
        wall: From the flow's first line to its last.
        tasks: From the first start to the last end of the task runs of each name.
        rendering: Time in which at least one render process used the CPU.
        busy: Render processes that used the CPU, averaged over the time of the shards.
        cpu: CPU time by kind of process.
        peak_memory: Largest sum of resident memory of flow run and render processes, bytes.
    """

    photos: int
    sha256: str
    start_up: float
    wall: float
    tasks: dict[str, float]
    rendering: float
    busy: float
    cpu: dict[str, float]
    peak_memory: int

    @property
    def overhead(self) -> float:
        """Share of the flow's time in which no render process worked."""
        return 1 - self.rendering / self.wall

    @property
    def orchestration(self) -> float:
        """Share of the flow's time in which no task ran."""
        return 1 - sum(self.tasks.values()) / self.wall


def run(stack: Stack, store: Path, parameters: Mapping[str, object]) -> Run:
    """Run ``render/safe`` with these parameters to its end.

    Raises:
        RuntimeError: The run did not complete; the message is the run's own.
    """
    worker = next(p for p in below(stack.supervisor, look()) if "worker start" in p.command)
    ended = threading.Event()
    with httpx.Client(base_url=stack.api_url, trust_env=False) as api, ThreadPoolExecutor(1) as threads:
        watching = threads.submit(watch, worker.pid, ended)
        try:
            flow_run = _finished(api, _asked_for(api, parameters))
            time.sleep(_LAST_RECORDS_S)
            task_runs = _task_runs(api, flow_run["id"])
        finally:
            ended.set()
    return _measured(flow_run, task_runs, watching.result(), _manifest(store, flow_run["id"]))


def _asked_for(api: httpx.Client, parameters: Mapping[str, object]) -> str:
    deployment = api.get("/deployments/name/render/safe").raise_for_status().json()
    asked = {
        "parameters": {**deployment["parameters"], **parameters},
        "state": {"type": "SCHEDULED"},
    }
    created = api.post(f"/deployments/{deployment['id']}/create_flow_run", json=asked).raise_for_status()
    return str(created.json()["id"])


def _finished(api: httpx.Client, flow_run_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < deadline:
        flow_run: dict[str, Any] = api.get(f"/flow_runs/{flow_run_id}").raise_for_status().json()
        if flow_run["state"]["type"] == "COMPLETED":
            return flow_run
        if flow_run["state"]["type"] in ("FAILED", "CRASHED", "CANCELLED"):
            raise RuntimeError(
                f"the run ended as {flow_run['state']['type']}: {flow_run['state']['message']}"
            )
        time.sleep(_POLL_S)
    raise RuntimeError(f"the run did not end within {_TIMEOUT_S:g} s")


def _task_runs(api: httpx.Client, flow_run_id: str) -> list[dict[str, Any]]:
    wanted = {"flow_runs": {"id": {"any_": [flow_run_id]}}}
    found: list[dict[str, Any]] = api.post("/task_runs/filter", json=wanted).raise_for_status().json()
    return found


def _manifest(store: Path, flow_run_id: str) -> RunManifest:
    found = (RunManifest.model_validate_json(path.read_bytes()) for path in store.glob(manifest_key("*")))
    return next(manifest for manifest in found if manifest.provenance.flow_run_id == flow_run_id)


def _measured(
    flow_run: Mapping[str, Any], task_runs: list[dict[str, Any]], watched: Watch, manifest: RunManifest
) -> Run:
    began, over = _seconds(flow_run["start_time"]), _seconds(flow_run["end_time"])
    spans: dict[str, tuple[float, float]] = {}
    for task_run in task_runs:
        name = "render shards" if task_run["name"].startswith("shard-") else task_run["name"]
        start, end = _seconds(task_run["start_time"]), _seconds(task_run["end_time"])
        first, last = spans.get(name, (start, end))
        spans[name] = (min(first, start), max(last, end))
    looks = [(at, busy) for at, busy in watched.busy if began <= at <= over]
    each = (over - began) / max(len(looks), 1)
    shards = [busy for at, busy in looks if spans["render shards"][0] <= at <= spans["render shards"][1]]
    return Run(
        photos=manifest.rendered,
        sha256=manifest.submission.sha256,
        start_up=began - _seconds(flow_run["created"]),
        wall=over - began,
        tasks={name: last - first for name, (first, last) in sorted(spans.items(), key=lambda s: s[1])},
        rendering=each * sum(busy > 0 for _, busy in looks),
        busy=sum(shards) / max(len(shards), 1),
        cpu=watched.cpu,
        peak_memory=watched.peak_memory,
    )


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()

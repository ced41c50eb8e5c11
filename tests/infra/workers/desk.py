"""A real Prefect server, a store on S3, a pool, and workers whose machines are folders."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import anyio
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Scheduled

from infra.remote.records import RemoteRecords
from infra.store.interface import ObjectStore
from infra.workers.base import RemoteJobMixin
from tests.infra.workers.scripted import ScriptedWorker
from tests.rented import Agent, Death, FolderProvider

ROOT = Path(__file__).parent.parent.parent.parent
LEASE_S = 3.0
QUICK = {
    "poll_seconds": 0.1,
    "start_minutes": 1.0,
    "silence_minutes": 0.5,
    "last_word_seconds": 0.5,
    "stop_seconds": 1.0,
    "capacity_minutes": 0.02,
    "lease_seconds": LEASE_S,
}


@dataclass
class Desk:
    """What a test of a worker works with."""

    pool: str
    store: ObjectStore
    machines: FolderProvider
    api_url: str
    s3_secret: str

    @property
    def records(self) -> RemoteRecords:
        return RemoteRecords(self.store)

    def agent(self) -> Agent:
        """A batch that was sent."""
        return Agent(self.store).send_batch()

    def run(self, agent: Agent, **parameters: object) -> UUID:
        """Schedule a run of the batch on the pool."""
        _, digest, attempt, _ = agent.prefix.split("/")
        asked: dict[str, object] = {
            "batch": digest,
            "attempt": int(attempt),
            "accelerator": "none",
            "deadline": (datetime.now(UTC) + timedelta(minutes=10)).isoformat(),
            **parameters,
        }
        with get_client(sync_client=True) as client:
            flow = client.create_flow_from_name("render-batch")
            deployment = client.create_deployment(
                flow_id=flow, name=self.pool, work_pool_name=self.pool, enforce_parameter_schema=False
            )
            run = client.create_flow_run_from_deployment(deployment, parameters=asked, state=Scheduled())
        return run.id

    def work(self, kind: type[RemoteJobMixin] = ScriptedWorker) -> None:
        """Have a worker of this process take the runs that are due, and return once they have ended."""

        async def work() -> None:
            worker = kind(work_pool_name=self.pool, name="here")
            if isinstance(worker, ScriptedWorker):
                worker.machines = self.machines
            async with worker:
                await worker.get_and_submit_flow_runs()

        anyio.run(work)

    @contextmanager
    def worker(self, die_at: Death = "") -> Iterator["subprocess.Popen[bytes]"]:
        """Run a worker as a process of its own; it is killed at the end."""
        command = [sys.executable, "-m", "tests.infra.workers.scripted", self.pool]
        environment = {
            **os.environ,
            "PREFECT_API_URL": self.api_url,
            "PREFECT_WORKER_QUERY_SECONDS": "0.5",
            "PYTHONPATH": str(ROOT),
        }
        with Path("worker.log").open("ab") as log:
            arguments = [str(self.machines.folder), die_at]
            worker = subprocess.Popen([*command, *arguments], env=environment, stdout=log, stderr=log)
            try:
                yield worker
            finally:
                worker.kill()
                worker.wait()

    def read(self, run: UUID) -> FlowRun:
        with get_client(sync_client=True) as client:
            return client.read_flow_run(run)

    def state(self, run: UUID) -> State[object]:
        state = self.read(run).state
        assert state is not None
        return state

    def set_state(self, run: UUID, state: State[None]) -> None:
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run, state)

    def await_state(self, run: UUID, *names: str, patience_s: float = 90) -> State[object]:
        """Wait until a run is in one of these states."""
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            if (state := self.state(run)).name in names:
                return state
            time.sleep(0.1)
        raise AssertionError(f"still {state}; the worker says: {Path('worker.log').read_text()[-3000:]}")

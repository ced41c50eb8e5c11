"""The stack on PostgreSQL: a hundred child runs at once, which SQLite does not bear."""

import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Completed, Running, Scheduled
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

from deployments.children import end_with_parent, terminate
from deployments.stack import running_stack
from tests.waiting import wait_until

CHILDREN = 100
PASSWORD = "canary-of-the-database"  # noqa: S105  of a server that lives for one test
MISSING = [program for program in ("postgres", "initdb") if shutil.which(program) is None]


class NullWorker(BaseWorker[BaseJobConfiguration, BaseVariables, BaseWorkerResult]):
    """Runs nothing: what is left is the server's work."""

    type = "null"

    async def run(self, flow_run, configuration, task_status=None):  # type: ignore[no-untyped-def]
        if task_status is not None:
            task_status.started(str(flow_run.id))
        states: tuple[State[None], ...] = (Running(), Completed())
        for state in states:
            await self.client.set_flow_run_state(flow_run.id, state)
        return BaseWorkerResult(identifier=str(flow_run.id), status_code=0)


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL server on loopback; gives the URL for Prefect."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    # PostgreSQL refuses to run as root
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    secret, cluster = folder / "password", folder / "cluster"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    made = ["initdb", "-D", str(cluster), "-U", "calibguard", "--auth=scram-sha-256", f"--pwfile={secret}"]
    subprocess.run([*made, "--no-sync"], user=user, check=True, capture_output=True, cwd=folder)
    options = ["-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-F"]
    server = subprocess.Popen(
        ["postgres", "-D", str(cluster), *options],
        user=user,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=None if user else end_with_parent,
    )

    def answers() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True

    try:
        wait_until(answers, within_s=60, what="an answer of PostgreSQL")
        yield f"postgresql+asyncpg://calibguard:{PASSWORD}@127.0.0.1:{port}/postgres"
    finally:
        terminate(server)


@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
def test_a_hundred_child_runs_at_once_complete_on_postgresql(tmp_path: Path) -> None:
    with TemporaryDirectory() as folder, postgresql(Path(folder)) as url:
        state = tmp_path / "state"
        with running_stack(state, CALIBGUARD_PREFECT_DATABASE_URL=url) as stack:
            with temporary_settings(
                {PREFECT_API_URL: stack.api_url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
            ):
                runs = _run_all()
            APILogWorker.drain_all(timeout=10)
            EventsWorker.drain_all(timeout=10)
        assert [run.state.name for run in runs if run.state] == ["Completed"] * CHILDREN
        assert not list((state / "prefect").glob("*.db"))
        logs = "".join(log.read_text() for log in (state / "logs").iterdir())
        assert "database is locked" not in logs
        assert PASSWORD not in logs


def _run_all() -> list[FlowRun]:
    pool = f"null-{uuid.uuid4().hex[:8]}"
    with get_client(sync_client=True) as client:
        template = NullWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=pool, type="null", base_job_template=template))
        flow = client.create_flow_from_name("child")
        deployment = client.create_deployment(flow_id=flow, name=pool, work_pool_name=pool)
        ids = [
            client.create_flow_run_from_deployment(deployment, state=Scheduled()).id for _ in range(CHILDREN)
        ]
        anyio.run(_work, pool)
        return [client.read_flow_run(run) for run in ids]


async def _work(pool: str) -> None:
    """Take what is due until nothing is, and return once it has ended."""
    async with NullWorker(work_pool_name=pool, name="null") as worker:
        while await worker.get_and_submit_flow_runs():
            await anyio.sleep(0.1)

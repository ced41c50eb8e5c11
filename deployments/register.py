"""Puts the work pool, the deployments and the automation for silent runs on a Prefect server.

Run it again at any time: everything is created or brought up to date.
"""

import argparse
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Final

from prefect.automations import Automation
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.deployments import deploy
from prefect.deployments.runner import RunnerDeployment
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.exceptions import ObjectAlreadyExists
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.schedules import Cron, RRule, Schedule
from prefect.types.entrypoint import EntrypointType
from prefect.workers.process import ProcessWorker

from deployments.catalog import Deployment, catalog, remote_catalog
from infra.remote.names import Kind
from infra.settings import Settings, load_settings
from infra.workers.collection import WORKERS
from tasks.domain.gates.records import GatePolicy

MACHINES_AT_ONCE: Final[dict[Kind, int]] = {
    "kaggle": 2,  # GPU sessions that an account may have
    "akash": 4,  # the month's budget is the limit that counts
}
RUNS_AT_ONCE = 2  # a render uses every core; the second place is for a preflight or a short run
HEARTBEAT_S = 30
SILENT_AFTER = timedelta(seconds=5 * HEARTBEAT_S)  # a loaded machine may miss some
FALLBACK_WINDOW = timedelta(minutes=GatePolicy().fallback_minutes)
FALLBACK_EVERY = timedelta(minutes=10)  # one that fails has others after it
_SILENT_RUNS = "CalibGuard: silent runs are Crashed"
_ENDED = ("Completed", "Failed", "Cancelled", "Crashed")


def register(settings: Settings, *, working_dir: Path) -> list[str]:
    """Create or update everything, and return the deployments' full names.

    Args:
        settings: Name the work pool, and when runs start by themselves: nightly ones, which need a data
            root, and those before a deadline.
        working_dir: Where flow runs are started: the folder with ``.env``.
    """
    work_pool = settings.work_pool
    _create_work_pool(work_pool, working_dir)
    _create_automation(work_pool)
    for kind in settings.remote_pools:
        _create_remote_pool(kind)
    entries = [*catalog(), *remote_catalog(settings.remote_pools)]
    deployments = [_deployment(entry, settings) for entry in entries]
    for pool, of_pool in groupby(deployments, lambda deployment: deployment.work_pool_name):
        deploy(
            *of_pool,
            work_pool_name=pool,
            build=False,
            push=False,
            ignore_warnings=True,
            print_next_steps_message=False,
        )
    return [f"{deployment.flow_name}/{deployment.name}" for deployment in deployments]


def _deployment(entry: Deployment, settings: Settings) -> RunnerDeployment:
    flow: Flow[..., object] = load_flow_from_entrypoint(entry.entrypoint)
    deployment = flow.to_deployment(
        name=entry.name,
        description=entry.description,
        parameters=entry.parameters,
        tags=list(entry.tags),
        work_pool_name=entry.pool or settings.work_pool,
        entrypoint_type=EntrypointType.MODULE_PATH,
        schedule=_schedule(entry, settings),
        concurrency_limit=1 if entry.schedule else None,
    )
    assert isinstance(deployment, RunnerDeployment)  # noqa: S101  narrows a signature shared with async code
    return deployment


def _schedule(entry: Deployment, settings: Settings) -> Schedule | None:
    if entry.schedule == "nightly":
        has_pairs = settings.data_root is not None
        return Cron(settings.refit_cron, timezone=settings.time_zone, active=has_pairs)
    if entry.schedule == "before the deadline" and settings.deadline is not None:
        return _before(settings.deadline)
    return None


def _before(deadline: datetime) -> Schedule:
    """Give a run at the start of the window before the deadline, and more at even intervals until it ends."""
    start = deadline.astimezone(UTC) - FALLBACK_WINDOW
    count = FALLBACK_WINDOW // FALLBACK_EVERY
    every = FALLBACK_EVERY // timedelta(minutes=1)
    return RRule(
        f"DTSTART:{start:%Y%m%dT%H%M%S}\nRRULE:FREQ=MINUTELY;INTERVAL={every};COUNT={count}", timezone="UTC"
    )


def _create_work_pool(name: str, working_dir: Path) -> None:
    template = ProcessWorker.get_default_base_job_template()
    variables = template["variables"]["properties"]
    variables["working_dir"]["default"] = str(working_dir)
    variables["env"]["default"] = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S)}
    pool = WorkPoolCreate(
        name=name,
        type="process",
        description="Renders on this machine.",
        base_job_template=template,
        concurrency_limit=RUNS_AT_ONCE,
    )
    with get_client(sync_client=True) as client:
        client.create_work_pool(pool, overwrite=True)


def _create_remote_pool(kind: Kind) -> None:
    """Create a pool of rented machines; what somebody has set in one that exists is left alone."""
    worker = next(worker for worker in WORKERS if worker.type == kind)
    pool = WorkPoolCreate(
        name=kind,
        type=kind,
        description=worker.get_description(),
        base_job_template=worker.get_default_base_job_template(),
        concurrency_limit=MACHINES_AT_ONCE[kind],
    )
    with get_client(sync_client=True) as client, suppress(ObjectAlreadyExists):
        client.create_work_pool(pool)


def _create_automation(work_pool: str) -> None:
    """Turn a run of our pool whose process died without a word into Crashed, so that it can be retried."""
    with get_client(sync_client=True) as client:
        for earlier in client.read_automations_by_name(_SILENT_RUNS):
            client.delete_automation(earlier.id)
    Automation(
        name=_SILENT_RUNS,
        description="A run that sends no heartbeat was killed together with its worker.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *(f"prefect.flow-run.{state}" for state in _ENDED)},
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            match_related={"prefect.resource.role": "work-pool", "prefect.resource.name": work_pool},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENT_AFTER,
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED, message="No heartbeat: the run's process is gone. Run it again."
            )
        ],
    ).create()


def main() -> None:
    """Register everything on the server that Prefect's settings name."""
    parser = argparse.ArgumentParser(prog="python -m deployments.register", description=main.__doc__)
    parser.parse_args()
    for name in register(load_settings(), working_dir=Path.cwd()):
        print(f"prefect deployment run {name}")


if __name__ == "__main__":
    main()

"""Runs of a pool that a worker took and then died over, before it had written anything down.

Prefect leaves such a run Pending for ever. Nothing is rented for it, since an intent comes first.
"""

from collections.abc import Set
from datetime import UTC, datetime, timedelta
from typing import Final

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterId,
)
from prefect.client.schemas.objects import FlowRun, StateType, WorkPool
from prefect.states import Crashed

from infra.remote.names import run_digits

_AFTER: Final = timedelta(minutes=5)  # from Pending to the intent a worker needs seconds


async def crash_stranded(
    client: PrefectClient, *, pool: WorkPool, known: Set[str], after: timedelta = _AFTER
) -> None:
    """Make old Pending and Running runs of a pool Crashed, so that their parents start them again.

    ``known`` are the runs that somebody is at work on, or that have an open record, be it one that cannot be
    read; as ``run_digits`` of them.
    """
    at_work = FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING])
    runs = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=at_work)),
        work_pool_filter=WorkPoolFilter(id=WorkPoolFilterId(any_=[pool.id])),
    )
    for run in runs:
        if run_digits(run.id) not in known and _is_old(run, after):
            message = "its worker died before a machine was asked for; start the run again"
            await client.set_flow_run_state(run.id, Crashed(message=message))


def _is_old(run: FlowRun, after: timedelta) -> bool:
    since = run.state.timestamp if run.state else None
    return since is not None and datetime.now(UTC) - since > after

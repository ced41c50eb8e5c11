"""Ask the Prefect server about flow runs and tell it how they are; blocking, for threads."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound, PrefectException
from prefect.states import Cancelled, Completed, Crashed, Failed, Running

from infra.remote.reaping import RunFate
from infra.remote.watch import Ending

_UNREACHABLE: Final = (httpx.HTTPError, PrefectException, OSError)


def is_wanted(flow_run_id: UUID) -> bool:
    """Whether a run still waits for its result; a server that cannot be asked takes nothing back."""
    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(flow_run_id).state
    except ObjectNotFound:
        return False
    except _UNREACHABLE:
        return True
    return state is None or not (state.is_cancelling() or state.is_final())


def run_fate(flow_run_id: UUID) -> RunFate:
    """How a run is, for reaping; ``alive`` where the server cannot be asked: nothing is ended blindly."""
    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(flow_run_id).state
    except ObjectNotFound:
        return "unknown"
    except _UNREACHABLE:
        return "alive"
    return "over" if state is not None and (state.is_final() or state.is_cancelling()) else "alive"


def say_running(flow_run_id: UUID) -> None:
    """Set a run Running."""
    _set(flow_run_id, Running())


def say_ended(flow_run_id: UUID, ending: Ending) -> None:
    """Set a run's last state."""
    states: dict[str, State[None]] = {
        "completed": Completed(message=ending.sentence),
        "failed": Failed(message=ending.sentence),
        "crashed": Crashed(message=ending.sentence),
        "cancelled": Cancelled(message=ending.sentence),
    }
    _set(flow_run_id, states[ending.fate])


def _set(flow_run_id: UUID, state: State[None]) -> None:
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(flow_run_id, state)


def utc_now() -> datetime:
    """The moment."""
    return datetime.now(UTC)

"""Speak for a flow run at the Prefect server; blocking, for threads. A server that is away is borne."""

import logging
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterId
from prefect.client.schemas.objects import State, StateType
from prefect.exceptions import ObjectNotFound, PrefectException
from prefect.states import Running

from infra.remote.flow_run import FlowRunLink, NoFlowRun
from infra.remote.outcomes import Outcome
from infra.remote.records import Intent
from infra.remote.watching import RunState

UNREACHABLE: Final = (httpx.HTTPError, PrefectException, OSError)
_TRIES: Final = 3  # beside those of the client itself
_PAUSE_S: Final = 5.0
_NOTHING_TO_SET: Final = ("ended", "missing", "foreign")


def link_of(intent: Intent) -> FlowRunLink:
    """Speak for whoever asked for a machine."""
    if intent.asked_by == "command":
        return NoFlowRun(logging.getLogger(__name__).warning)
    return PrefectLink(intent.flow_run_id, intent.asked_by)


class PrefectLink:
    """One flow run; see ``infra.remote.flow_run.FlowRunLink``.

    Args:
        flow_id: The run's flow, by which its server is known again; None where nobody knows it.
        started: Told the name of the first machine, where a worker's own run waits for it.
        logger: Takes the lines that are said; by default that of this module.
        pause: Waits so many seconds.
    """

    def __init__(
        self,
        flow_run_id: UUID,
        flow_id: UUID | None,
        *,
        started: Callable[[str], None] | None = None,
        logger: "logging.Logger | logging.LoggerAdapter[logging.Logger] | None" = None,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._id = flow_run_id
        self._flow_id = flow_id
        self._started = started
        self._logger = logger or logging.getLogger(__name__)
        self._pause = pause

    def state(self) -> RunState:
        """Ask how the run is; see ``RunState``."""
        try:
            with get_client(sync_client=True) as client:
                return self._state(client)
        except UNREACHABLE:
            return "unknown"

    def _state(self, client: SyncPrefectClient) -> RunState:
        try:
            state = client.read_flow_run(self._id).state
        except ObjectNotFound:
            return "missing" if self._is_its_server(client) else "foreign"
        if state is not None and state.is_final():
            return "ended"
        return "cancelling" if state is not None and state.is_cancelling() else "live"

    def _is_its_server(self, client: SyncPrefectClient) -> bool:
        if self._flow_id is None:
            return False
        its_flow = FlowFilter(id=FlowFilterId(any_=[self._flow_id]))
        return bool(client.read_flows(flow_filter=its_flow, limit=1))

    def opened(self, name: str) -> None:
        """Say that there is a machine now, so that the run can be cancelled before it runs."""
        if self._started is not None:
            self._started(name)
            self._started = None
            return
        self._tell(lambda client: client.update_flow_run(self._id, infrastructure_pid=name))

    def running(self) -> None:
        """Set the run Running, unless it is, or is being cancelled."""
        if self.state() == "live":
            self._tell(lambda client: client.set_flow_run_state(self._id, Running()))

    def settle(self, outcome: Outcome) -> bool:
        """Put the run into the outcome's final state, where there is one to put; see the protocol."""
        for attempt in range(1, _TRIES + 1):
            state = self.state()
            if state in _NOTHING_TO_SET:
                return True
            if state != "unknown":
                self._tell(lambda client, now=state: self._set(client, outcome, now))  # type: ignore[misc]
            elif attempt < _TRIES:
                self._pause(_PAUSE_S)
        return self.state() in _NOTHING_TO_SET

    def say(self, sentence: str) -> None:
        """Add a line to the run's log."""
        self._logger.warning("%s", sentence)

    def _set(self, client: SyncPrefectClient, outcome: Outcome, now: RunState) -> None:
        if now == "cancelling" and outcome.cause != "done":
            outcome = Outcome("cancelled", outcome.sentence)
        final = outcome.state
        state: State[None] = State(type=StateType(final.type), name=final.name, message=outcome.sentence)
        # Prefect forces this one state too: rules of transitions are for runs that report themselves.
        client.set_flow_run_state(self._id, state, force=final.type == "CANCELLED")

    def _tell(self, message: Callable[[SyncPrefectClient], object]) -> None:
        try:
            with get_client(sync_client=True) as client:
                message(client)
        except UNREACHABLE as error:
            self._logger.warning("the Prefect server could not be told: %s", type(error).__name__)

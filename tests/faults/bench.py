"""A stack to injure: starts deployment runs with a store of their own and waits for their end.

Everything it asks of the server it asks again while the server is being killed and started.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from deployments.stack import Stack, running_stack
from tests.faults.processes import run_process

T = TypeVar("T")

_PATIENCE_S = 240.0  # a server that was killed takes 10 s to come back, on a busy machine a minute
_POLL_S = 0.25
_LOG_PAGE = 200


@dataclass(frozen=True)
class Bench:
    """A running stack with the deployments registered."""

    folder: Path
    stack: Stack

    def start(
        self,
        store: str,
        photos: Path | str | None = None,
        *,
        env: Mapping[str, str] | None = None,
        deployment: str = "render/safe",
        parameters: Mapping[str, object] | None = None,
    ) -> UUID:
        """Start a deployment run that keeps everything in ``store``; ``env`` adds to its environment."""
        given = {**({} if photos is None else {"photos": str(photos)}), **(parameters or {})}
        variables = {"env": {"CALIBGUARD_STORE_URL": store, **(env or {})}}

        def ask(client: SyncPrefectClient) -> UUID:
            found = client.read_deployment_by_name(deployment)
            return client.create_flow_run_from_deployment(
                found.id, parameters=given, job_variables=variables
            ).id

        return patiently(ask)

    def ended(self, run: UUID, *, within_s: float = _PATIENCE_S) -> FlowRun:
        """Wait until the server calls the run ended, or until the time is up, and give what it says."""
        deadline = time.monotonic() + within_s
        while True:
            found = patiently(lambda client: client.read_flow_run(run))
            if (found.state and found.state.is_final()) or time.monotonic() > deadline:
                return found
            time.sleep(_POLL_S)

    def started_process(self, run: UUID) -> int:
        """Wait for the process that executes the flow."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            if (process := run_process(run)) is not None:
                return process
            time.sleep(0.05)
        raise TimeoutError(f"flow run {run} got no process within {_PATIENCE_S:.0f} s; see {self.folder}")

    def logs(self, run: UUID) -> list[str]:
        """Everything the run logged, tracebacks included."""
        wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run]))
        messages: list[str] = []
        while len(page := _log_page(wanted, len(messages))) == _LOG_PAGE:
            messages += page
        return messages + page

    def printed(self) -> int:
        """Length of what the worker and its runs have printed so far; for ``shards_taken``."""
        return (self.folder / "logs" / "worker.log").stat().st_size

    def shards_taken(self, since: int) -> int:
        """Shards that runs took from the store instead of rendering them; lines survive a dead server."""
        with (self.folder / "logs" / "worker.log").open("rb") as log:
            log.seek(since)
            return len(re.findall(rb"photos taken from the store", log.read()))


def _log_page(wanted: LogFilter, offset: int) -> list[str]:
    page = patiently(lambda client: client.read_logs(wanted, limit=_LOG_PAGE, offset=offset))
    return [line.message for line in page]


def patiently(ask: Callable[[SyncPrefectClient], T]) -> T:
    """Ask the server, again while it is down or not ready yet."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            with get_client(sync_client=True) as client:
                return ask(client)
        except (httpx.TransportError, PrefectHTTPStatusError) as error:
            refused = isinstance(error, PrefectHTTPStatusError) and error.response.status_code < 500
            if refused or time.monotonic() > deadline:
                raise
        time.sleep(_POLL_S)


@contextmanager
def bench(folder: Path, **more: str) -> Iterator[Bench]:
    """Run a stack for the length of a block; ``more`` adds to the environment of all its processes."""
    environment = {"CALIBGUARD_STORE_URL": str(folder / "store"), **more}
    auth = environment.get("PREFECT_API_AUTH_STRING")
    with (
        running_stack(folder, **environment) as stack,
        temporary_settings({PREFECT_API_URL: stack.api_url, PREFECT_API_AUTH_STRING: auth}),
    ):
        yield Bench(folder, stack)

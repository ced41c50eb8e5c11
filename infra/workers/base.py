"""What our Prefect workers have in common: a flow run is one batch on one rented machine.

    Scheduled ──> Pending ──> Submitting ──> Running ──> Completed | Failed | Crashed
                     │            │             └── Cancelling ──> agent told, machine ended ──> Cancelled
                     └────────────┴── no machine, no money, no batch ──> Crashed | Failed

The machine knows nothing of Prefect, so the worker says how the run is: Running at the first sign of life,
and its end by the agent's last word, after the machine has ended. What a dead worker left is on record (see
``infra.remote``); each worker looks for it at its start and every few minutes, adopts what is still wanted
and ends the rest. A worker that is told to stop ends its machines and makes their runs Crashed.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

import anyio
import anyio.abc
from anyio import from_thread, to_thread
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import InfrastructureNotAvailable, InfrastructureNotFound
from prefect.workers.base import BaseWorker
from pydantic import ValidationError

from infra.errors import RemoteError
from infra.remote.batch import Batch
from infra.remote.ending import Clock
from infra.remote.names import run_digits
from infra.remote.outcomes import Outcome
from infra.remote.provider import Provider
from infra.remote.reaping import Reaper
from infra.remote.records import RemoteRecord, RemoteRecords
from infra.remote.renting import Renter
from infra.remote.watching import Patience
from infra.settings import Settings, SettingsError, load_settings
from infra.store.opening import configured_store
from infra.workers.configuration import RemoteConfiguration, RemoteResult, RemoteVariables
from infra.workers.link import PrefectLink, link_of
from infra.workers.stranded import crash_stranded

_MOST_THREADS: Final = 256  # each watches one machine and sleeps
_LEASES_END_S: Final = 150.0  # a little more than the lease of a pool whose template was left alone

if TYPE_CHECKING:
    _Worker = BaseWorker[RemoteConfiguration, RemoteVariables, RemoteResult]
else:
    _Worker = object  # Prefect registers every subclass of its own, and one without a type breaks them all

T = TypeVar("T")


class RemoteJobMixin(_Worker):
    """Runs batches on machines of one kind; a worker type adds how its provider is opened."""

    def open_provider(self, settings: Settings, records: RemoteRecords) -> Provider:
        """Open the provider that settings name; nothing is asked of it.

        Raises:
            SettingsError: They do not name one.
        """
        raise NotImplementedError

    async def setup(self) -> None:
        """Begin as every worker does, then look for what others left behind, again and again."""
        self._stopping, self._closing = threading.Event(), anyio.Event()
        self._at_work: set[UUID] = set()
        self._threads = anyio.CapacityLimiter(_MOST_THREADS)
        await super().setup()
        self._start_soon(self._reap_again_and_again)

    async def teardown(self, *exc_info: object) -> None:
        """End: where something ends us, with all machines; where we are done, once they are."""
        self._closing.set()
        if exc_info and exc_info[0] is not None:
            self._stopping.set()
        await super().teardown(*exc_info)

    async def run(
        self,
        flow_run: FlowRun,
        configuration: RemoteConfiguration,
        task_status: "anyio.abc.TaskStatus[int] | None" = None,
    ) -> RemoteResult:
        """See the run's batch through on a rented machine, and put the run into its states."""
        opened, names = anyio.Event(), list[str]()

        def started(name: str) -> None:
            names.append(name)
            from_thread.run_sync(opened.set)

        link = self._link(flow_run, started)
        self._at_work.add(flow_run.id)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._see_through, flow_run, configuration, link, opened)
                await opened.wait()
                if task_status is not None:  # from this very task: anyio asks which one it is
                    task_status.started(_named(names, flow_run))  # type: ignore[arg-type]
        finally:
            self._at_work.discard(flow_run.id)
        return RemoteResult(identifier=_named(names, flow_run), status_code=0)

    async def kill_infrastructure(
        self,
        infrastructure_pid: str,
        configuration: RemoteConfiguration,
        grace_seconds: int = 30,  # noqa: ARG002  an agent that has not begun has nothing to finish
    ) -> None:
        """End the machine of a run that has not begun to run; its watcher then closes the record."""
        await self._in_thread(partial(self._kill, infrastructure_pid, configuration))

    async def _see_through(
        self, flow_run: FlowRun, configuration: RemoteConfiguration, link: PrefectLink, opened: anyio.Event
    ) -> None:
        """Rent until the end; ``opened`` is set then, if it was not before."""
        try:
            await self._in_thread(partial(self._rent, flow_run, configuration, link))
        finally:
            opened.set()

    def _rent(self, flow_run: FlowRun, configuration: RemoteConfiguration, link: PrefectLink) -> None:
        try:
            order = configuration.order(flow_run)
            renter = self._renter(configuration.patience())
        except ValidationError as error:
            wrong = "; ".join(str(problem["loc"][0]) for problem in error.errors(include_url=False))
            link.settle(Outcome("bug", f"the run's parameters name no batch: {wrong}; see render-batch"))
        except SettingsError as error:
            link.settle(Outcome("denied", str(error)))
        else:
            renter.rent(order, link)

    def _kill(self, name: str, configuration: RemoteConfiguration) -> None:
        renter = self._renter(configuration.patience())
        record = renter.records.find(name)
        handle = renter.known(record) if record and record.closed is None else None
        if record is None or handle is None:
            raise InfrastructureNotFound(f"no machine of the name {name!r} is on record as open")
        Batch(renter.records.store, record.intent.batch).stop()
        said: list[str] = []
        if not renter.undertaker.destroy(handle, say=said.append):
            raise InfrastructureNotAvailable(said[-1])

    def _renter(self, patience: Patience) -> Renter:
        settings = load_settings()
        records = RemoteRecords(configured_store(settings))
        return Renter(
            self.open_provider(settings, records),
            records,
            worker=f"{self.name} on {socket.gethostname()}, process {os.getpid()}",
            patience=patience,
            clock=Clock(sleep=self._stopping.wait),
            stopping=self._stopping.is_set,
        )

    def _link(self, flow_run: FlowRun, started: Callable[[str], None] | None = None) -> PrefectLink:
        logger = self.get_flow_run_logger(flow_run)
        pause = self._stopping.wait
        return PrefectLink(flow_run.id, flow_run.flow_id, started=started, logger=logger, pause=pause)

    async def _reap_again_and_again(self) -> None:
        """Look at once, again when the leases of a worker that has just died have run out, then for ever."""
        regular_s = load_settings().remote_reap_s
        pauses_s = chain([min(regular_s, _LEASES_END_S)], repeat(regular_s))
        while not self._closing.is_set():
            try:
                await self._reap()
            except Exception as error:  # the edge of a task that must not take the worker's runs with it
                self._logger.warning("what was left behind could not be looked for: %s", error)
            with anyio.move_on_after(next(pauses_s)):
                await self._closing.wait()

    async def _reap(self) -> None:
        """Adopt what is still wanted and end what is not; then the runs that nothing is left of."""
        adopted, known = await self._in_thread(self._reaped)
        for record in adopted:
            self._start_soon(self._adopt, record)
        known |= {run_digits(run) for run in self._at_work}
        await crash_stranded(self.client, pool=self.work_pool, known=known)

    def _reaped(self) -> tuple[list[RemoteRecord], set[str]]:
        """What is to be watched here, and the runs of all that is open, by the digits in its names."""
        adopted: list[RemoteRecord] = []
        renter = self._renter(Patience())
        try:
            for reaped in Reaper(renter, link_of, adopt=adopted.append).reap():
                if reaped.due != "nothing":
                    level = logging.INFO if reaped.done else logging.WARNING
                    self._logger.log(level, "%s: %s; %s", reaped.name, reaped.why, reaped.in_words)
        except RemoteError as error:  # what is on record was seen to before
            self._logger.warning("not all that stands at the provider could be seen: %s", error)
        return adopted, {name.run for name in renter.records.open_names()}

    async def _adopt(self, record: RemoteRecord) -> None:
        """Watch a job whose worker died, with the patience of its own run."""
        self._at_work.add(record.intent.flow_run_id)
        try:
            flow_run = await self.client.read_flow_run(record.intent.flow_run_id)
            configuration = await self.job_configuration.resolve_for_flow_run(
                flow_run, client=self.client, work_pool=self.work_pool, worker_name=self.name
            )
            renter = self._renter(configuration.patience())
            await self._in_thread(partial(renter.adopt, record.intent.name, self._link(flow_run)))
        except Exception as error:  # as above; the record stays open, and the next look finds it
            self._logger.warning("%s is not watched here: %s", record.intent.name, error)
        finally:
            self._at_work.discard(record.intent.flow_run_id)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Do what blocks; it is never left behind, but learns from ``stopping`` that it is to end."""
        return await to_thread.run_sync(work, limiter=self._threads)

    def _start_soon(self, work: Callable[..., object], *arguments: object) -> None:
        if self._runs_task_group is not None:
            self._runs_task_group.start_soon(work, *arguments)  # type: ignore[arg-type]


def _named(names: list[str], flow_run: FlowRun) -> str:
    """What the run's infrastructure is called: as its first machine, else as the run."""
    return names[0] if names else str(flow_run.id)

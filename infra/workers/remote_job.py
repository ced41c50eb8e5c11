"""What our Prefect workers have in common: a flow run is one batch on one rented machine.

The machine knows nothing of Prefect and gets nothing of the worker's environment but one presigned URL. So
the worker says how the run is: Running at the first sign of life, and its end, by the agent's last word. What
a dead worker left is found in the store; each worker looks for it at its start and every few minutes.
"""

import os
import random
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

import anyio
import anyio.abc
import anyio.from_thread
import anyio.to_thread
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import InfrastructureNotAvailable
from prefect.workers.base import BaseWorker
from pydantic import BaseModel, ConfigDict, Field

from infra.errors import AdapterError, AtCapacity, ObjectExists, WatchTaken
from infra.remote.batch import Batch
from infra.remote.names import Kind, remote_name
from infra.remote.provider import Provider, RemoteJob
from infra.remote.reaping import Reaped, reap
from infra.remote.records import Intent, Rental
from infra.remote.renting import Rent, adopt_job, run_job
from infra.remote.watch import Ending, Limits, Surroundings
from infra.settings import Settings, load_settings
from infra.store.opening import configured_store
from infra.workers.configuration import RemoteConfiguration, RemoteResult, RemoteVariables
from infra.workers.runs import is_wanted, run_fate, say_ended, say_running, utc_now

_NAMES: Final = 20  # that one flow run may use up: each is one machine asked for
_LEASE_S: Final = 60.0
_REAP_EVERY_S: Final = 300.0
_REAP_SOON_S: Final = 20.0  # while a job has a watcher elsewhere, which may be dead: its lease will tell
_JITTER: Final = 0.2

if TYPE_CHECKING:
    _Worker = BaseWorker[RemoteConfiguration, RemoteVariables, RemoteResult]
else:
    _Worker = object  # Prefect registers every subclass of its own, and one without a ``type`` breaks all


class BatchParameters(BaseModel):
    """What a flow run's parameters say of its batch, see ``flows.render_batch``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    batch: str = Field(pattern=r"^[0-9a-f]{64}$")
    attempt: int = Field(ge=0, le=999)
    accelerator: Literal["none", "cuda"]
    deadline: datetime

    @property
    def prefix(self) -> str:
        """What the keys of the batch begin with."""
        return f"batches/{self.batch}/{self.attempt}/"


class RemoteJobMixin(_Worker):
    """Runs batches on machines of one kind."""

    kind: Kind

    def provider(self, settings: Settings, batch: Batch | None) -> Provider:
        """Open the provider; ``batch`` is what a job is to start with, None where none is started."""
        raise NotImplementedError

    async def setup(self) -> None:
        """Begin as every worker does, then look for what others left behind, again and again."""
        self._stops: dict[str, threading.Event] = {}
        await super().setup()
        assert self._runs_task_group is not None  # noqa: S101  the base has just made it
        self._runs_task_group.start_soon(self._reap_now_and_then)

    async def run(
        self,
        flow_run: FlowRun,
        configuration: RemoteConfiguration,
        task_status: "anyio.abc.TaskStatus[int] | None" = None,
    ) -> RemoteResult:
        """Rent a machine for the run's batch, watch it, end it, and set the run's states.

        Where no machine was to be had, the run is Crashed, and its parent goes on elsewhere.
        """
        wanted = BatchParameters.model_validate(flow_run.parameters)
        stop, reported = threading.Event(), task_status is None

        async def report(name: str) -> None:
            nonlocal reported
            if not reported and task_status is not None:
                reported = True
                task_status.started(name)  # type: ignore[arg-type]  # typed for process ids

        def started(name: str) -> None:
            self._stops[name] = stop
            anyio.from_thread.run(report, name)

        def work() -> str:
            return self._rented(flow_run, wanted, configuration, stop, started)

        name = await _to_the_end(work, stop)
        await report(name)  # where no machine was to be had, the run has its last state all the same
        return RemoteResult(identifier=name, status_code=0)

    async def kill_infrastructure(
        self,
        infrastructure_pid: str,
        configuration: RemoteConfiguration,  # noqa: ARG002
        grace_seconds: int = 30,  # noqa: ARG002  the pool's own time limit holds
    ) -> None:
        """Stop a job that has not begun to run yet; one that runs is stopped by its watcher."""
        stop = self._stops.get(infrastructure_pid)
        if stop is None:
            raise InfrastructureNotAvailable(
                f"{infrastructure_pid} is watched by another worker, which ends it"
            )
        stop.set()

    def _rented(
        self,
        flow_run: FlowRun,
        wanted: BatchParameters,
        configuration: RemoteConfiguration,
        stop: threading.Event,
        started: Callable[[str], None],
    ) -> str:
        """Rent under the first free name, waiting for a machine while there is none; in a thread."""
        settings = load_settings()
        store = configured_store(settings)
        batch = Batch(store, wanted.prefix)
        provider = self.provider(settings, batch)
        log = self.get_flow_run_logger(flow_run)
        rent = self._rent(settings, provider, flow_run.id, configuration.limits(), stop, say=log.info)
        patience = time.monotonic() + 60 * configuration.capacity_minutes
        for number in range(_NAMES):
            name = str(remote_name(self.kind, flow_run.id, number))
            intent = Intent(
                name=name,
                kind=self.kind,
                flow_run_id=flow_run.id,
                batch=wanted.prefix,
                deadline=wanted.deadline,
                most_usd=provider.worst_cost_usd(wanted.deadline),
                worker=rent.owner,
                at=utc_now(),
            )
            job = RemoteJob(
                name=name,
                spec_url=batch.spec_url(until=wanted.deadline, now=utc_now()),
                deadline=wanted.deadline,
                accelerator=wanted.accelerator,
            )
            try:
                ending = run_job(rent, intent, job, lambda name=name: started(name))  # type: ignore[misc]
            except ObjectExists:
                continue  # an earlier life of this worker used the name up
            except AdapterError as error:
                waits = isinstance(error, AtCapacity) and time.monotonic() < patience
                if waits and is_wanted(flow_run.id) and not stop.is_set():
                    log.info("%s; waiting for a free machine", error)
                    stop.wait(_around(configuration.poll_seconds))
                    continue
                ending = Ending("crashed", f"no machine: {error}")
            finally:
                self._stops.pop(name, None)
            break
        else:
            ending = Ending("crashed", f"all {_NAMES} names of this run are used up; run the batch again")
        say_ended(flow_run.id, _as_told(ending, stop, flow_run.id))
        return name

    def _rent(
        self,
        settings: Settings,
        provider: Provider,
        flow_run_id: UUID,
        limits: Limits,
        stop: threading.Event,
        *,
        say: Callable[[str], None],
    ) -> Rent:
        around = Surroundings(
            now=utc_now,
            pause=lambda span: _pause(stop, span),
            is_wanted=lambda: not stop.is_set() and is_wanted(flow_run_id),
            alive=lambda: say_running(flow_run_id),
            progress=say,
        )
        return Rent(
            provider=provider,
            store=configured_store(settings),
            limits=limits,
            around=around,
            owner=f"{self.name} on {socket.gethostname()}, process {os.getpid()}",
            lease_s=_LEASE_S,
            say=say,
        )

    async def _reap_now_and_then(self) -> None:
        with anyio.CancelScope() as scope:
            self._scheduled_task_scopes.add(scope)
            try:
                while True:
                    watched_elsewhere = await self._reap_once()
                    await anyio.sleep(_around(_REAP_SOON_S if watched_elsewhere else _REAP_EVERY_S))
            finally:
                self._scheduled_task_scopes.discard(scope)

    async def _reap_once(self) -> bool:
        """Deal with what is open; what is alive and unwatched is watched here from now on.

        Returns:
            Whether something is watched by another worker.
        """
        try:
            adopted, reaped = await anyio.to_thread.run_sync(self._reaped)
        except AdapterError as error:
            self._logger.warning("nothing was reaped: %s", error)
            return False
        for one in reaped:
            if one.deed not in ("watched", "left alone"):
                self._logger.info("%s: %s, %s", one.name, one.deed, one.sentence)
        for rental in adopted:
            assert self._runs_task_group is not None  # noqa: S101  it runs this very task
            self._runs_task_group.start_soon(self._adopted, rental)
        return any(one.deed == "watched" and one.name not in self._stops for one in reaped)

    def _reaped(self) -> tuple[list[Rental], list[Reaped]]:
        settings = load_settings()
        stop, adopted = threading.Event(), list[Rental]()
        provider = self.provider(settings, None)
        rent = self._rent(settings, provider, UUID(int=0), Limits(), stop, say=self._logger.info)
        return adopted, list(reap(rent, run_fate=run_fate, adopt=adopted.append))

    async def _adopted(self, rental: Rental) -> None:
        stop = threading.Event()
        self._stops[rental.name] = stop
        try:
            with suppress(WatchTaken):
                await _to_the_end(lambda: self._watch_adopted(rental, stop), stop)
        except AdapterError as error:
            self._logger.warning("%s could not be watched: %s", rental.name, error)
        finally:
            self._stops.pop(rental.name, None)

    def _watch_adopted(self, rental: Rental, stop: threading.Event) -> str:
        settings = load_settings()
        run, say = rental.intent.flow_run_id, self._logger.info
        rent = self._rent(settings, self.provider(settings, None), run, Limits(), stop, say=say)
        ending = adopt_job(rent, rental)
        say_ended(run, _as_told(ending, stop, run))
        return rental.name


async def _to_the_end(work: Callable[[], str], stop: threading.Event) -> str:
    """Do the work in a thread; where this task is cancelled, tell the work to stop and wait until it has."""

    async def pass_on_the_cancellation() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            stop.set()

    done: Future[str] = Future()  # an error that left the group would come out wrapped
    async with anyio.create_task_group() as group:
        group.start_soon(pass_on_the_cancellation)
        await anyio.to_thread.run_sync(_settle, done, work)
        group.cancel_scope.cancel()
    return done.result()


def _settle(done: "Future[str]", work: Callable[[], str]) -> None:
    try:
        done.set_result(work())
    except Exception as error:  # whatever it is, it belongs to whoever asks for the result
        done.set_exception(error)


def _as_told(ending: Ending, stop: threading.Event, flow_run_id: UUID) -> Ending:
    """Tell a worker that was stopped from a run that was cancelled: the first is tried again elsewhere."""
    if ending.fate == "cancelled" and stop.is_set() and is_wanted(flow_run_id):
        return Ending("crashed", "the worker was stopped, and the machine with it")
    return ending


def _pause(stop: threading.Event, span: timedelta) -> None:
    stop.wait(_around(span.total_seconds()))


def _around(seconds: float) -> float:
    return seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  no secret depends on it

"""One machine for one flow run, from the first record to the last.

    lease, intent ──> create ──> opened ──> watch ──> harvest ──> destroy ──> run settled ──> closed
                        └── at capacity: wait ──┘

A machine is asked for under a fresh name each time that something may exist under the former one. Whoever
holds the lease watches; who finds that another has taken it over leaves everything as it is.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from infra.errors import (
    AdapterError,
    AtCapacity,
    BudgetExhausted,
    CreateAmbiguous,
    DestroyFailed,
    RemoteAnswerInvalid,
    RemoteDenied,
    RemoteError,
    RemoteRefused,
    RemoteUnavailable,
    WatchTaken,
)
from infra.remote.batch import Batch
from infra.remote.ending import Clock, Undertaker
from infra.remote.flow_run import FlowRunLink
from infra.remote.following import Follower
from infra.remote.names import remote_name
from infra.remote.outcomes import Cause, Outcome
from infra.remote.provider import Accelerator, Handle, Provider, RemoteJob
from infra.remote.records import Asker, Intent, Opened, RemoteRecord, RemoteRecords
from infra.remote.watching import Patience
from infra.store.lease import Lease, leased

_MOST_NAMES: Final = 3  # that one flow run takes for creates of which nobody knows what became
_MOST_ATTEMPTS: Final = 1000
_LEAST_S: Final = 60  # of a batch's time; with less nothing is begun
_URL_OUTLIVES_S: Final = 3600  # a machine may be slow to start
_CAUSES: Final[tuple[tuple[type[AdapterError], Cause], ...]] = (
    (AtCapacity, "capacity"),
    (BudgetExhausted, "budget"),
    (RemoteDenied, "denied"),
)


@dataclass(frozen=True, slots=True)
class Order:
    """What a flow run asks for.

    Attributes:
        batch: What the keys of the batch's objects begin with.
        deadline: When the agent stops at the latest.
        asked_by: By which the server of the flow run is known again.
    """

    flow_run_id: UUID
    batch: str
    accelerator: Accelerator
    deadline: datetime
    asked_by: Asker


@dataclass(frozen=True)
class Renter:
    """Rents from one provider.

    Attributes:
        worker: Who rents, for people.
        stopping: Whether our worker is told to stop.
    """

    provider: Provider
    records: RemoteRecords
    worker: str
    patience: Patience = field(default_factory=Patience)
    clock: Clock = field(default_factory=Clock)
    stopping: Callable[[], bool] = lambda: False

    def rent(self, order: Order, link: FlowRunLink) -> Outcome | None:
        """See a batch through on a rented machine and settle its run; None where another took it over."""
        try:
            word = Batch(self.records.store, order.batch).last_word() or self._too_late(order)
            return _settled(word, link) if word else self._rented(order, link)
        except WatchTaken as error:
            link.say(f"another worker watches this run now: {error}")
            return None
        except AdapterError as error:
            return _settled(Outcome(_cause(error), str(error)), link)

    def adopt(self, name: str, link: FlowRunLink) -> Outcome | None:
        """Go on watching a job whose watcher died; None where it has ended meanwhile.

        Raises:
            WatchTaken: Somebody watches it.
        """
        with self._watching(name) as lease:
            record = self.records.find(name)
            if record is None or record.closed is not None:
                return None
            handle = self.known(record)
            if handle is None:
                outcome = Outcome("lost", "its worker died before a machine was opened; start the run again")
            else:
                link.opened(name)
                batch = Batch(self.records.store, record.intent.batch)
                outcome = self._follower.follow(handle, record.intent.deadline, batch, lease=lease, link=link)
            self.undertaker.end(name, handle, outcome, link)
            return outcome

    def abandon(self, name: str, outcome: Outcome, link: FlowRunLink) -> bool:
        """End a job that nobody watches; False where something is left to do.

        Raises:
            WatchTaken: Somebody does.
        """
        with self._watching(name):
            record = self.records.find(name)
            if record is None or record.closed is not None:
                return True
            handle = self.known(record)
            Batch(self.records.store, record.intent.batch).stop()
            return self.undertaker.end(name, handle, outcome, link)

    @property
    def undertaker(self) -> Undertaker:
        """Ends jobs at this provider."""
        return Undertaker(self.provider, self.records, self.clock)

    @property
    def _follower(self) -> Follower:
        return Follower(self.provider, self.patience, self.clock, self.stopping)

    def known(self, record: RemoteRecord) -> Handle | None:
        """How the provider knows a job: as recorded, else as it is found by its name, which is recorded."""
        name = record.intent.name
        if record.handle is None and (handle := self.undertaker.find(name)) is not None:
            self.records.open(handle, Opened(id=handle.id, at=self.clock.moment()))
            return handle
        return record.handle

    def _too_late(self, order: Order) -> Outcome | None:
        """A run that waited in its pool for longer than its batch may take is no defect of ours."""
        left_s = order.deadline.timestamp() - self.clock.now()
        if left_s >= _LEAST_S:
            return None
        return Outcome("deadline", f"{left_s:.0f} s were left when its turn came; no machine was asked for")

    def _rented(self, order: Order, link: FlowRunLink) -> Outcome:
        for _ in range(_MOST_NAMES):
            self.provider.check(order.accelerator)  # before the intent, which a month's budget counts
            with self._named(order) as (intent, lease):
                outcome = self._lived(intent, order, lease, link)
            if outcome is not None:
                return outcome
        sentence = f"{_MOST_NAMES} machines were asked for and none is known to exist"
        return _settled(Outcome("lost", sentence), link)

    @contextmanager
    def _watching(self, name: str) -> Iterator[Lease]:
        store, key, now = self.records.store, self.records.watch_key(name), self.clock.now
        with leased(
            store, key, owner=self.worker, lease_s=self.patience.lease_s, now=now, taken=WatchTaken
        ) as lease:
            yield lease

    @contextmanager
    def _named(self, order: Order) -> Iterator[tuple[Intent, Lease]]:
        """Take the lease of the next free name and then the name: nobody sees an intent without a watcher."""
        for attempt in range(_MOST_ATTEMPTS):
            name = str(remote_name(self.provider.kind, order.flow_run_id, attempt))
            if self.records.find(name) is not None:
                continue
            intent = Intent(
                name=name,
                kind=self.provider.kind,
                flow_run_id=order.flow_run_id,
                batch=order.batch,
                deadline=order.deadline,
                most_usd=self.provider.worst_cost_usd(order.deadline),
                worker=self.worker,
                at=self.clock.moment(),
                asked_by=order.asked_by,
            )
            with self._watching(name) as lease:
                if self.records.intend(intent):
                    yield intent, lease
                    return
        raise RemoteRefused(
            f"flow run {order.flow_run_id} has asked for {_MOST_ATTEMPTS} machines; start a new one"
        )

    def _lived(self, intent: Intent, order: Order, lease: Lease, link: FlowRunLink) -> Outcome | None:
        """One name from create to closed; None where another name may fare better."""
        if intent.most_usd is not None:
            link.say(f"{intent.name} may cost {intent.most_usd:.2f} USD, until {intent.deadline:%H:%M} UTC")
        opening = _Opening(self, link)
        try:
            outcome = self._created(self._job(intent.name, order), lease, opening)
            if outcome is None:
                batch = Batch(self.records.store, intent.batch)
                handle = opening.required()
                outcome = self._follower.follow(handle, intent.deadline, batch, lease=lease, link=link)
        except WatchTaken:
            raise
        except (CreateAmbiguous, DestroyFailed, RemoteAnswerInvalid) as error:
            link.say(f"{intent.name}: {error}")
            return self._undone(intent, opening, link)
        except AdapterError as error:
            outcome = Outcome(_cause(error), str(error))
        except BaseException as error:
            sentence = f"{type(error).__name__} in our worker; its log tells more"
            self.undertaker.end(intent.name, opening.handle, Outcome("bug", sentence), link)
            raise
        self.undertaker.end(intent.name, opening.handle, outcome, link)
        return outcome

    def _created(self, job: RemoteJob, lease: Lease, opening: "_Opening") -> Outcome | None:
        """Create the job, waiting while no machine is free; an outcome where that is not to be."""
        until = self.clock.now() + self.patience.capacity_s
        outcome = None
        while outcome is None:
            lease.require_held()
            try:
                self.provider.create(job, opening)
                return None
            except (AtCapacity, RemoteUnavailable) as error:
                left_s = until - self.clock.now()
                if opening.handle is not None or left_s <= 0:
                    raise
                opening.link.say(f"{error}; trying again for {left_s:.0f} s at most")
            outcome = self._follower.waited(job.deadline, opening.link)
        return outcome

    def _job(self, name: str, order: Order) -> RemoteJob:
        left_s = max(0, int(order.deadline.timestamp() - self.clock.now()))
        url = Batch(self.records.store, order.batch).spec_url(expires_s=left_s + _URL_OUTLIVES_S)
        return RemoteJob(name, url, order.deadline, order.accelerator)

    def _undone(self, intent: Intent, opening: "_Opening", link: FlowRunLink) -> Outcome | None:
        """After a create of which nobody knows what became: end what is there, then another name is free.

        What turns up later under this name is ended by a reaper: its record is closed.
        """
        self._follower.pause()  # what was just created may be listed a little later
        try:
            handle = opening.handle or self.undertaker.find(intent.name)
        except RemoteError as error:  # the record stays open, for a reaper
            sentence = f"{intent.name} may exist, and the provider cannot be asked: {error}"
            return _settled(Outcome("lost", sentence), link)
        outcome = Outcome("lost", "nobody knows whether its create succeeded")
        if self.undertaker.end(intent.name, handle, outcome, link, settles="nothing"):
            return None
        return _settled(Outcome("lost", f"{intent.name} could not be ended; a reaper goes on trying"), link)


@dataclass
class _Opening:
    """Keeps the handle from the moment that a provider tells it."""

    renter: Renter
    link: FlowRunLink
    handle: Handle | None = None

    def __call__(self, handle: Handle) -> None:
        self.handle = handle
        self.renter.records.open(handle, Opened(id=handle.id, at=self.renter.clock.moment()))
        self.link.opened(handle.name)

    def required(self) -> Handle:
        """The handle of a job that was created."""
        if self.handle is None:
            raise CreateAmbiguous("the provider created a job and did not tell its id")
        return self.handle


def _settled(outcome: Outcome, link: FlowRunLink) -> Outcome:
    link.settle(outcome)
    return outcome


def _cause(error: AdapterError) -> Cause:
    """What an error means for the run; a lasting one that is nobody's capacity would come again anywhere."""
    return next(
        (cause for kind, cause in _CAUSES if isinstance(error, kind)), "lost" if error.retryable else "bug"
    )

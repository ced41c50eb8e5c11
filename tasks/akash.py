"""Runs a training script on a lease at Akash, and looks after leases; shards go through workers.

Prefect takes no part. Every lease is recorded in the store before it is asked for, so that what a killed
command leaves behind is found and ended by ``down``, by ``reap`` or by the next worker.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final
from uuid import uuid4

from infra.akash.answers import GpuModel
from infra.akash.connection import Patience
from infra.akash.ending import by_hand
from infra.akash.money import in_words
from infra.akash.opening import TRAINING, open_akash, open_console, spent_this_month
from infra.akash.provider import AkashProvider, is_ours
from infra.akash.refusals import DeploymentUnknown
from infra.errors import AdapterError, AtCapacity, BudgetExhausted, DestroyFailed, RemoteRefused
from infra.remote.batch import Batch
from infra.remote.names import remote_name
from infra.remote.provider import Handle, RemoteJob
from infra.remote.records import Intent, Rental, is_recorded, note_closed, rentals
from infra.remote.renting import Rent, end_job, run_job
from infra.remote.watch import Ending, Limits, Surroundings
from infra.settings import Settings
from infra.store.interface import ObjectStore
from infra.store.opening import configured_store
from tasks.keys import BatchKeys
from tasks.training import TrainingOrder, end_training, send_training, take_training

NO_ROOM: Final = (AtCapacity, BudgetExhausted)
"""No machine, or no money: nothing is wrong with what was to run."""
MayStillRun = DestroyFailed
_LEASE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """What the user asks for.

    Attributes:
        max_usd_per_hour: None for the cap of the settings.
        output: Folder that output and log are written into.
        poll_s: Seconds between two looks.
        patience: Time limits of what is asked of Akash.
    """

    script_sha256: str
    max_hours: float
    max_usd_per_hour: Decimal | None
    output: Path
    poll_s: float = 15.0
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class TrainingEnd:
    """How it went.

    Attributes:
        cost_usd: None where the end of the lease is not confirmed.
        files: What was fetched.
        may_run: The lease may still run and cost.
    """

    ending: Ending
    name: str
    cost_usd: Decimal | None
    files: tuple[Path, ...]
    may_run: bool


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """A deployment of ours that is alive."""

    dseq: str
    name: str
    state: str
    detail: str
    cost_usd: Decimal | None
    recorded: bool


class _Training:
    """One run: what it is done with, and what of it may be left."""

    def __init__(self, run: TrainingRun, settings: Settings, say: Callable[[str], None]) -> None:
        self._run = run
        self._store = configured_store(settings)
        self._provider = open_akash(
            settings, command=TRAINING, max_usd_per_hour=run.max_usd_per_hour, patience=run.patience
        )
        self._script_url = settings.require("akash_train_script_url").get_secret_value()
        self._say = say
        self._limits = Limits(poll=timedelta(seconds=run.poll_s))
        self.name = str(remote_name("akash", uuid4(), 0))

    def go(self) -> TrainingEnd:
        now = _now()
        deadline = now + timedelta(hours=self._run.max_hours)
        worst = self._provider.worst_cost_usd(deadline)
        self._provider.check()
        order = TrainingOrder(self._script_url, self._run.script_sha256, deadline)
        keys = send_training(order, self._store, now=now)
        try:
            self._say(f"{self.name}: at most {in_words(worst)} until {deadline:%Y-%m-%d %H:%M} UTC")
            ending = self._rented(keys, deadline, worst)
            return self._ended(ending, take_training(keys, self._run.output, self._store))
        except BaseException:
            self._settle()
            raise
        finally:
            end_training(keys, self._store)

    def _rented(self, keys: BatchKeys, deadline: datetime, worst: Decimal) -> Ending:
        batch = Batch(self._store, keys.prefix)
        intent = Intent(
            name=self.name,
            kind="akash",
            flow_run_id=uuid4(),
            batch=keys.prefix,
            deadline=deadline,
            most_usd=worst,
            worker=_owner(),
            at=_now(),
        )
        job = RemoteJob(self.name, batch.spec_url(until=deadline, now=_now()), deadline, "cuda")
        rent = _rent(self._provider, self._store, self._limits, self._say)
        return run_job(rent, intent, job, lambda: self._say(f"{self.name} is leased"))

    def _ended(self, ending: Ending, files: tuple[Path, ...]) -> TrainingEnd:
        closed = _recorded(self._store, self.name)
        cost = closed.closed.cost_usd if closed and closed.closed else None
        return TrainingEnd(ending, self.name, cost, files, may_run=closed is None or closed.closed is None)

    def _settle(self) -> None:
        """Look for what an interrupted or lost request may have left, and end it."""
        rental = _recorded(self._store, self.name)
        if rental is None or rental.closed is not None:
            return
        rent = _rent(self._provider, self._store, self._limits, self._say)
        try:
            for handle in self._provider.find():
                if handle.name == self.name:
                    end_job(rent, self.name, handle, how="the command was stopped")
                    self._say(f"{self.name} is ended")
                    return
        except AdapterError as error:
            self._say(f"{self.name} may still run and cost: {error}")
            return
        self._say(f"{self.name}: Akash has no such lease now; `calibguard akash status` tells later")


def up(run: TrainingRun, settings: Settings, *, say: Callable[[str], None]) -> TrainingEnd:
    """Lease a machine, run the script on it, fetch what it leaves, and end the lease, whatever happens.

    Raises:
        SettingMissing: There is no API key, image, script or S3 store.
        AtCapacity: Nobody has a machine at this price now.
        BudgetExhausted: The account or the month's budget has not enough money.
        RemoteError: Any other trouble.
    """
    return _Training(run, settings, say).go()


def alive(settings: Settings) -> Iterator[LeaseRow]:
    """Look at every deployment under a name of ours.

    Raises:
        RemoteUnavailable: After all others: of some deployments the name could not be learnt.
    """
    provider, store = open_akash(settings), configured_store(settings)
    for handle in provider.find():
        seen = provider.observe(handle)
        recorded = is_recorded(store, handle.name)
        yield LeaseRow(handle.id, handle.name, seen.state, seen.detail, seen.cost_usd, recorded)


def down(dseqs: tuple[str, ...] | None, settings: Settings) -> Iterator[str]:
    """End deployments of ours, and say of each how it went; one that is over already is success.

    Args:
        dseqs: Which; None for all of ours.
        settings: Of the account.

    Raises:
        RemoteRefused: A deployment is not ours; nothing happens to it.
        DestroyFailed: An end could not be confirmed.
    """
    provider, store = open_akash(settings), configured_store(settings)
    if dseqs is None:
        for handle in provider.find():
            yield _ended_by_hand(provider, store, handle)
        return
    for dseq in dseqs:
        handle_or_none = _ours(provider, dseq)
        if handle_or_none is None:
            yield f"{dseq} is over"
        else:
            yield _ended_by_hand(provider, store, handle_or_none)


def prices(settings: Settings) -> tuple[GpuModel, ...]:
    """Return the market's price list of GPUs, the cheapest first."""
    models = open_console(settings).gpu_prices().models
    return tuple(
        sorted(models, key=lambda one: (one.price is None, one.price.low if one.price else 0, one.model))
    )


def month_in_words(settings: Settings) -> str:
    """Tell what the month's leases cost, of which budget."""
    spent = spent_this_month(settings, now=_now())
    return f"{in_words(spent)} of this month's {in_words(settings.akash_monthly_budget_usd)}"


def _ours(provider: AkashProvider, dseq: str) -> Handle | None:
    """The handle of a deployment of ours; None for one that is over or unknown."""
    try:
        view = provider.console.deployment(dseq)
    except DeploymentUnknown:
        return None
    if view.deployment.state == "closed":
        return None
    name = next(filter(is_ours, provider.console.group_names(view.deployment.id)), None)
    if name is None:
        raise RemoteRefused(
            f"deployment {dseq} has no name of ours, so it is left alone; {by_hand(dseq, provider.console)}"
            " would end it by hand"
        )
    return Handle(name, dseq)


def _ended_by_hand(provider: AkashProvider, store: ObjectStore, handle: Handle) -> str:
    provider.destroy(handle)
    cost = provider.cost_usd(handle)
    if is_recorded(store, handle.name):
        note_closed(store, handle.name, how="ended by hand", cost_usd=cost, at=_now())
    return f"{handle.id} ({handle.name}) is ended" + ("" if cost is None else f", it cost {in_words(cost)}")


def _rent(provider: AkashProvider, store: ObjectStore, limits: Limits, say: Callable[[str], None]) -> Rent:
    around = Surroundings(
        now=_now,
        pause=lambda span: time.sleep(span.total_seconds()),
        is_wanted=lambda: True,
        alive=lambda: say("the script's machine gives a sign of life"),
        progress=say,
    )
    return Rent(provider, store, limits, around, owner=_owner(), lease_s=_LEASE_S, say=say)


def _recorded(store: ObjectStore, name: str) -> Rental | None:
    return next((rental for rental in rentals(store, "akash") if rental.name == name), None)


def _owner() -> str:
    return f"{socket.gethostname()} process {os.getpid()}"


def _now() -> datetime:
    return datetime.now(UTC)

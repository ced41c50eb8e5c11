"""Runs a training script on a lease at Akash, and looks after leases; shards go through workers.

Prefect takes no part. Every lease is recorded in the store before it is asked for, so that what a killed
command leaves behind is found and ended by ``down``, by ``reap`` or by the next worker.
"""

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from infra.akash.answers import GpuModel
from infra.akash.connection import Patience
from infra.akash.ending import by_hand
from infra.akash.money import in_words
from infra.akash.opening import TRAINING, open_akash, open_console, spent_this_month
from infra.akash.provider import AkashProvider, is_ours
from infra.akash.refusals import DeploymentUnknown
from infra.errors import (
    AtCapacity,
    BudgetExhausted,
    DestroyFailed,
    RecordUnreadable,
    RemoteError,
    RemoteRefused,
)
from infra.remote.flow_run import NoFlowRun
from infra.remote.outcomes import Cause, Outcome
from infra.remote.provider import Handle
from infra.remote.records import Closed, RemoteRecord, RemoteRecords
from infra.remote.renting import Order, Renter
from infra.remote.watching import Patience as WatchPatience
from infra.settings import Settings
from infra.store.interface import ObjectStore
from infra.store.opening import configured_store
from tasks.training import TrainingOrder, end_training, require_output, send_training, take_training

NO_ROOM: Final = (AtCapacity, BudgetExhausted)
"""No machine, or no money: nothing is wrong with what was to run."""
MayStillRun = DestroyFailed
_NO_ROOM_OF: Final[dict[Cause, type[RemoteError]]] = {"capacity": AtCapacity, "budget": BudgetExhausted}


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

    outcome: Outcome
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


def _trained(run: TrainingRun, settings: Settings, say: Callable[[str], None]) -> TrainingEnd:
    store, now = configured_store(settings), _now()
    provider = open_akash(
        settings, command=TRAINING, max_usd_per_hour=run.max_usd_per_hour, patience=run.patience
    )
    script_url = settings.require("akash_train_script_url").get_secret_value()
    deadline = now + timedelta(hours=run.max_hours)
    worst = provider.worst_cost_usd(deadline)
    require_output(run.output)
    provider.check("cuda")
    keys = send_training(TrainingOrder(script_url, run.script_sha256, deadline), store, now=now)
    flow_run_id = uuid4()
    patience = WatchPatience(poll_s=run.poll_s, settle_s=4 * run.poll_s, capacity_s=0.0)
    renter = Renter(provider, RemoteRecords(store), worker=_owner(), patience=patience)
    try:
        say(f"at most {in_words(worst)} until {deadline:%Y-%m-%d %H:%M} UTC")
        outcome = renter.rent(Order(flow_run_id, keys.prefix, "cuda", deadline, "command"), NoFlowRun(say))
        files = take_training(keys, run.output, store)
    except BaseException as error:  # an interrupt as well: a lease that may still cost is told first
        if names := [record.intent.name for record in _of_run(renter, flow_run_id) if not record.closed]:
            what = str(error) or type(error).__name__
            raise MayStillRun(
                f"{names[-1]} may still run and cost ({what}); `calibguard akash down --all` ends it"
            ) from error
        raise
    finally:
        end_training(keys, store)
    return _ended(renter, flow_run_id, outcome or Outcome("lost", "another process took it over"), files)


def _ended(renter: Renter, flow_run_id: UUID, outcome: Outcome, files: tuple[Path, ...]) -> TrainingEnd:
    """Look at the newest record of the run; one that is open may still cost."""
    own = _of_run(renter, flow_run_id)
    may_run = any(record.closed is None for record in own)
    if not may_run and (error := _NO_ROOM_OF.get(outcome.cause)):
        raise error(outcome.sentence)
    cost = sum((record.closed.cost_usd or Decimal() for record in own if record.closed), Decimal())
    name = own[-1].intent.name if own else ""
    return TrainingEnd(outcome, name, None if may_run else cost, files, may_run=may_run)


def _of_run(renter: Renter, flow_run_id: UUID) -> list[RemoteRecord]:
    return list(renter.records.jobs_of(flow_run_id))


def up(run: TrainingRun, settings: Settings, *, say: Callable[[str], None]) -> TrainingEnd:
    """Lease a machine, run the script on it, fetch what it leaves, and end the lease, whatever happens.

    Raises:
        SettingMissing: There is no API key, image, script or S3 store.
        OutputUnusable: There is no room for what comes back.
        AtCapacity: Nobody has a machine at this price now.
        BudgetExhausted: The account or the month's budget has not enough money.
        RemoteError: Any other trouble.
    """
    return _trained(run, settings, say)


def alive(settings: Settings) -> Iterator[LeaseRow]:
    """Look at every deployment under a name of ours.

    Raises:
        RemoteUnavailable: After all others: of some deployments the name could not be learnt.
    """
    provider, store = open_akash(settings), configured_store(settings)
    for handle in provider.find():
        seen = provider.observe(handle)
        recorded = RemoteRecords(store).is_intended(handle.name)
        yield LeaseRow(handle.id, handle.name, seen.state, seen.detail, seen.cost_usd, recorded)


def down(dseqs: tuple[str, ...] | None, settings: Settings) -> Iterator[str]:
    """End deployments of ours, and say of each how it went; one that is over already is success.

    Args:
        dseqs: Which; None for all of ours.
        settings: Of the account.

    Raises:
        RemoteRefused: A deployment is not ours; nothing happens to it.
        DestroyFailed: After all others: an end could not be confirmed.
    """
    provider, store = open_akash(settings), configured_store(settings)
    failed: list[DestroyFailed] = []
    for dseq, handle in _to_end(provider, dseqs):
        if handle is None:
            yield f"{dseq} is over"
            continue
        try:
            yield _ended_by_hand(provider, store, handle)
        except DestroyFailed as error:  # the others cost as well
            failed.append(error)
    if failed:
        raise DestroyFailed("\n".join(map(str, failed)))


def prices(settings: Settings) -> tuple[GpuModel, ...]:
    """Return the market's price list of GPUs, the cheapest first."""
    models = open_console(settings).gpu_prices().models
    return tuple(
        sorted(models, key=lambda one: (one.price is None, one.price.low if one.price else 0, one.model))
    )


def month_in_words(settings: Settings) -> str:
    """Tell what the month's leases cost, of which budget."""
    try:
        spent = spent_this_month(settings, now=_now())
    except RecordUnreadable as error:  # no reason to leave unsaid which leases run
        return f"what this month cost is not known: {error}"
    return f"{in_words(spent)} of this month's {in_words(settings.akash_monthly_budget_usd)}"


def _to_end(provider: AkashProvider, dseqs: tuple[str, ...] | None) -> Iterator[tuple[str, Handle | None]]:
    if dseqs is None:
        yield from ((handle.id, handle) for handle in provider.find())
    else:
        yield from ((dseq, _ours(provider, dseq)) for dseq in dseqs)


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
    records = RemoteRecords(store)
    if records.is_intended(handle.name):
        closed = Closed(cause="overtaken", sentence="ended by hand", cost_usd=cost, at=_now())
        records.close(handle.name, closed)
    return f"{handle.id} ({handle.name}) is ended" + ("" if cost is None else f", it cost {in_words(cost)}")


def _owner() -> str:
    return f"{socket.gethostname()} process {os.getpid()}"


def _now() -> datetime:
    return datetime.now(UTC)

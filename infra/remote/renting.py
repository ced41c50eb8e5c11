"""Rent a machine for one batch and end it, whatever happens in between.

    watch lease > intent > create > opened > watch > log > destroy > closed

Each arrow may be where this process dies. The intent is written before anything is asked for, the lease runs
out when nobody renews it, and the next worker or ``reap`` goes on from what the store says.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from infra.errors import AdapterError, CreateAmbiguous, DestroyFailed, RemoteError, WatchTaken
from infra.remote.batch import Batch, printable
from infra.remote.provider import Handle, Provider, RemoteJob
from infra.remote.records import (
    Intent,
    Rental,
    note_closed,
    note_intent,
    note_log,
    note_opened,
    watch_key,
)
from infra.remote.watch import Ending, Limits, Surroundings, watch
from infra.store.interface import ObjectStore
from infra.store.lease import leased

_LONGEST_LOG: Final = 1 << 20  # characters; the end of a log says most


@dataclass(frozen=True, slots=True)
class Rent:
    """Everything that renting is done with.

    Attributes:
        owner: This worker, for people: host and process.
        lease_s: Seconds after which a watcher that died may be replaced.
        say: Told each sentence that a person should read.
    """

    provider: Provider
    store: ObjectStore
    limits: Limits
    around: Surroundings
    owner: str
    lease_s: float
    say: Callable[[str], None]


def run_job(rent: Rent, intent: Intent, job: RemoteJob, started: Callable[[], None]) -> Ending:
    """Rent, watch and end one machine.

    Args:
        rent: With what.
        intent: What is recorded before anything is asked for; its name is the job's.
        job: What the provider is asked for.
        started: Told once, when the machine is there.

    Raises:
        ObjectExists: The name was used before.
        RemoteError: No machine was to be had; nothing is left behind, or the record stays open for ``reap``.
    """
    with watching(rent, intent.name):
        rent.provider.check()
        note_intent(rent.store, intent)
        handle = _created(rent, job)
        started()
        return _watched(rent, intent, handle)


def adopt_job(rent: Rent, rental: Rental) -> Ending:
    """Go on watching a machine whose watcher died.

    Raises:
        WatchTaken: Its watcher lives.
        ValueError: Nobody knows the provider's id of it.
    """
    handle = rental.handle
    if handle is None:
        raise ValueError(f"{rental.name} was never opened, so there is nothing to watch")
    with watching(rent, rental.name):
        return _watched(rent, rental.intent, handle)


def end_job(rent: Rent, name: str, handle: Handle | None, *, how: str) -> Decimal | None:
    """Keep the log, destroy, and only then record the end; gives the cost.

    Raises:
        DestroyFailed: The end is not confirmed; the record stays open, and the text tells what to do.
    """
    cost: Decimal | None = None
    if handle is not None:
        with suppress(AdapterError):  # a log is worth less than the end of its machine
            note_log(rent.store, name, rent.provider.harvest(handle)[-_LONGEST_LOG:])
        rent.provider.destroy(handle)
        with suppress(RemoteError):
            cost = rent.provider.cost_usd(handle)
    note_closed(rent.store, name, how=printable(how, longest=400), cost_usd=cost, at=rent.around.now())
    return cost


@contextmanager
def watching(rent: Rent, name: str) -> Iterator[None]:
    """Be the one who watches a job; WatchTaken where another does."""
    with leased(
        rent.store,
        watch_key(name),
        owner=rent.owner,
        lease_s=rent.lease_s,
        now=lambda: rent.around.now().timestamp(),
        taken=WatchTaken,
    ):
        yield


def _created(rent: Rent, job: RemoteJob) -> Handle:
    def opened(handle: Handle) -> None:
        note_opened(rent.store, handle, at=rent.around.now())

    try:
        return rent.provider.create(job, opened)
    except (CreateAmbiguous, DestroyFailed) as error:
        rent.say(f"{job.name} may exist: {error}; `calibguard reap` looks for it")
        raise
    except RemoteError as error:
        note_closed(rent.store, job.name, how=_never(error), cost_usd=Decimal(0), at=rent.around.now())
        raise


def _watched(rent: Rent, intent: Intent, handle: Handle) -> Ending:
    """Watch, and end the machine on every way out; what ends this process leaves it to be adopted."""
    how = "its watcher was stopped"
    try:
        ending = watch(
            handle,
            rent.provider,
            Batch(rent.store, intent.batch),
            deadline=intent.deadline,
            limits=rent.limits,
            around=rent.around,
        )
        how = ending.sentence
        return ending
    finally:
        _end_for_sure(rent, intent, handle, how)


def _end_for_sure(rent: Rent, intent: Intent, handle: Handle, how: str) -> None:
    """End the machine; where that fails the record stays open and a person is told what to do."""
    try:
        cost = end_job(rent, intent.name, handle, how=how)
        Batch(rent.store, intent.batch).stop()  # a machine that only looks gone hears it too
    except AdapterError as error:
        rent.say(f"{intent.name} may still run and cost: {error}")
        return
    paid = "" if cost is None else f", {cost:.4f} USD"
    rent.say(f"{intent.name} has ended and is gone{paid}: {how}")


def _never(error: RemoteError) -> str:
    return f"never began: {error}"

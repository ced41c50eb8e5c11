"""Looks for rented machines that nobody watches, by hand; workers do the same every few minutes."""

import os
import socket
from collections.abc import Iterator

from infra.remote.names import Kind
from infra.remote.outcomes import Outcome
from infra.remote.reaping import Reaper
from infra.remote.records import RemoteRecord, RemoteRecords
from infra.remote.renting import Renter
from infra.workers.link import link_of
from infra.workers.providers import named_providers, open_provider
from tasks.adapters import run_store, settings
from tasks.domain.schemas import Record


class ReapedJob(Record):
    """One rented machine that was found.

    Attributes:
        due: What is to be done.
        why: One sentence.
        done: What was done about it; empty where it was only looked at.
        is_settled: Nothing is left to do about it.
    """

    name: str
    provider: Kind
    due: str
    why: str
    done: str
    is_settled: bool


def look_for_jobs() -> Iterator[ReapedJob]:
    """Tell what a reaper would do.

    Raises:
        AdapterError: A provider or the store could not be asked.
    """
    for kind, reaper in _reapers(abandon=False):
        for found in reaper.find():
            settled = found.due == "nothing"
            yield ReapedJob(
                name=found.name, provider=kind, due=found.due, why=found.why, done="", is_settled=settled
            )


def reap_jobs(*, abandon: bool) -> Iterator[ReapedJob]:
    """End what nobody wants any more; adopting is a worker's business.

    Args:
        abandon: End also what a flow run waits for, where no worker watches it; the run becomes Crashed.

    Raises:
        AdapterError: A provider or the store could not be asked.
    """
    for kind, reaper in _reapers(abandon=abandon):
        for one in reaper.reap():
            yield ReapedJob(
                name=one.name,
                provider=kind,
                due=one.due,
                why=one.why,
                done=one.in_words,
                is_settled=one.done,
            )


def _reapers(*, abandon: bool) -> Iterator[tuple[Kind, Reaper]]:
    current, records = settings(), RemoteRecords(run_store())
    me = f"calibguard reap on {socket.gethostname()}, process {os.getpid()}"
    for kind in named_providers(current):
        renter = Renter(open_provider(kind, current, records), records, worker=me)
        yield kind, Reaper(renter, link_of, adopt=_Abandon(renter) if abandon else None)


class _Abandon:
    """Ends a job instead of watching it."""

    def __init__(self, renter: Renter) -> None:
        self._renter = renter

    def __call__(self, record: RemoteRecord) -> None:
        outcome = Outcome("lost", "its worker died and nobody took it over; ended by `calibguard reap`")
        self._renter.abandon(record.intent.name, outcome, link_of(record.intent))

"""Keep what was rented, in the object store: written before anything is asked for, so no crash can hide it.

    remote/<name>/
        intent.json    before a machine is asked for: for which run, until when, at what cost at most
        opened.json    the provider's own id, the moment it is known
        closed.json    only after the provider confirmed the end: how it went, what it cost
        log.txt        what the provider had as a log, fetched before the end
        watch.json     the lease of whoever watches it; swapped, all else is create-only

A job without ``closed.json`` may still run and cost.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from infra.errors import ObjectExists, ObjectMissing, StoreError
from infra.remote.names import Kind, parse_remote_name
from infra.remote.provider import Handle
from infra.store.interface import ObjectStore

TOP: Final = "remote/"

Money = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=6)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


D = TypeVar("D", bound=_Document)


class Intent(_Document):
    """What a machine is about to be asked for."""

    name: str
    kind: Kind
    flow_run_id: UUID
    batch: str
    """What the keys of the batch begin with, see ``infra.remote.batch``."""
    deadline: AwareDatetime
    most_usd: Money | None
    """What it may cost at the most; None where it costs quota and no money."""
    worker: str
    at: AwareDatetime


class Opened(_Document):
    """The provider's own id of a job."""

    id: str
    at: AwareDatetime


class Closed(_Document):
    """The confirmed end of a job."""

    how: str
    """One sentence."""
    cost_usd: Money | None
    at: AwareDatetime


@dataclass(frozen=True, slots=True)
class Rental:
    """All that the store says of one job."""

    intent: Intent
    opened: Opened | None
    closed: Closed | None

    @property
    def name(self) -> str:
        """Of the job, everywhere."""
        return self.intent.name

    @property
    def handle(self) -> Handle | None:
        """How the provider knows it, where that was recorded."""
        return Handle(self.name, self.opened.id) if self.opened else None


class RecordUnreadable(StoreError):
    """A record of something rented was altered; what it was about must be looked for by hand."""


def watch_key(name: str) -> str:
    """Key of the lease of a job's watcher."""
    return f"{TOP}{name}/watch.json"


def log_key(name: str) -> str:
    """Key of a job's log."""
    return f"{TOP}{name}/log.txt"


def note_intent(store: ObjectStore, intent: Intent) -> None:
    """Record that a machine is about to be asked for.

    Raises:
        ObjectExists: The name was used before; take the next attempt's.
    """
    store.create(_key(intent.name, "intent"), _text(intent))


def note_opened(store: ObjectStore, handle: Handle, *, at: datetime) -> None:
    """Record the provider's id; one that is recorded already stays."""
    with suppress(ObjectExists):
        store.create(_key(handle.name, "opened"), _text(Opened(id=handle.id, at=at)))


def note_closed(store: ObjectStore, name: str, *, how: str, cost_usd: Decimal | None, at: datetime) -> None:
    """Record a confirmed end; the first one stands."""
    cents = None if cost_usd is None else cost_usd.quantize(Decimal("0.000001"))
    with suppress(ObjectExists):
        store.create(_key(name, "closed"), _text(Closed(how=how, cost_usd=cents, at=at)))


def note_log(store: ObjectStore, name: str, log: str) -> None:
    """Keep a job's log; the first one stands."""
    with suppress(ObjectExists):
        store.create(log_key(name), log.encode())


def rentals(store: ObjectStore, kind: Kind) -> Iterator[Rental]:
    """Everything that was ever rented of a kind, by name.

    Raises:
        RecordUnreadable: A record was altered or is of another version.
    """
    names = {found.key.removeprefix(TOP).partition("/")[0] for found in store.list(TOP)}
    for name in sorted(names):
        parsed = parse_remote_name(name)
        if parsed is None or parsed.kind != kind:
            continue
        if (intent := _read(store, name, "intent", Intent)) is not None:
            yield Rental(intent, _read(store, name, "opened", Opened), _read(store, name, "closed", Closed))


def is_recorded(store: ObjectStore, name: str) -> bool:
    """Whether this store knows a job of that name; one that it does not know is another installation's."""
    return store.head(_key(name, "intent")) is not None


def spent_usd(rented: Iterator[Rental], *, since: datetime) -> Decimal:
    """Sum what was paid, and what may still be owed, for everything asked for since a moment."""
    recent = [rental for rental in rented if rental.intent.at >= since]
    return sum((_owed(rental) for rental in recent), Decimal(0))


def _owed(rental: Rental) -> Decimal:
    most = rental.intent.most_usd or Decimal(0)
    if rental.closed is None:
        return most
    return rental.closed.cost_usd if rental.closed.cost_usd is not None else most


def _key(name: str, document: Literal["intent", "opened", "closed"]) -> str:
    return f"{TOP}{name}/{document}.json"


def _text(document: _Document) -> bytes:
    return document.model_dump_json().encode()


def _read(
    store: ObjectStore, name: str, document: Literal["intent", "opened", "closed"], shape: type[D]
) -> D | None:
    key = _key(name, document)
    try:
        return shape.model_validate_json(store.read(key))
    except ObjectMissing:
        return None
    except ValidationError as error:
        raise RecordUnreadable(
            f"{key!r} is no record of this version ({error.error_count()} faults); look for {name} at the "
            "provider and end it by hand if it runs"
        ) from error

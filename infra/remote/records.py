"""The durable record of every machine that was ever asked for: what survives whoever asked.

    remote/<name>/
        watch.json         lease: who watches the job; swapped, all else is create-only
        intent.json        written before the provider is asked for anything
        opened.json        the provider's id, written the moment it is known
        log.txt            what the provider had of the job's log, fetched before it was destroyed
        undestroyed.json   how to end the job by hand, where ending it did not work; kept, also after the end
        closed.json        how it ended and what it cost; written last, after the provider confirmed the end

A job without ``closed.json`` is open and may cost; ``infra.remote.reaping`` sees to it. No object here holds
a URL, a key or a token.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from infra.errors import ObjectExists, ObjectMissing, StoreError
from infra.remote.names import Kind, parse_remote_name
from infra.remote.outcomes import Cause
from infra.remote.provider import Handle
from infra.store.interface import ObjectStore

PREFIX: Final = "remote/"
_LONGEST_LOG: Final = 4 << 20  # bytes of a log that are kept, its end

Usd = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = 1


class Intent(_Record):
    """What is about to be asked of a provider."""

    name: str
    kind: Kind
    flow_run_id: UUID
    batch: str
    """What the keys of the batch's objects begin with."""
    deadline: AwareDatetime
    most_usd: Usd | None
    """The most that it may cost; None where it costs quota and no money."""
    worker: str
    at: AwareDatetime


class Opened(_Record):
    """How the provider knows the job."""

    id: str
    at: AwareDatetime


class Closed(_Record):
    """How a job ended."""

    cause: Cause
    sentence: str
    cost_usd: Usd | None = None
    """As the provider tells it after the end; None where it takes no money, or does not tell."""
    at: AwareDatetime


class _Undestroyed(_Record):
    sentence: str
    at: AwareDatetime


R = TypeVar("R", bound=_Record)


@dataclass(frozen=True, slots=True)
class RemoteRecord:
    """Everything that is recorded of one job."""

    intent: Intent
    opened: Opened | None
    closed: Closed | None

    @property
    def handle(self) -> Handle | None:
        """How the provider knows the job; None where that was never recorded."""
        return Handle(self.intent.name, self.opened.id) if self.opened else None


class RemoteRecords:
    """The records in one object store."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    def watch_key(self, name: str) -> str:
        """Key of the lease of whoever watches the job."""
        return f"{PREFIX}{name}/watch.json"

    def intend(self, intent: Intent) -> bool:
        """Claim a name; False where it is taken."""
        try:
            self._create(intent.name, "intent", intent)
        except ObjectExists:
            return False
        return True

    def open(self, handle: Handle, opened: Opened) -> None:
        """Record the provider's id; a job that has one keeps it."""
        with suppress(ObjectExists):
            self._create(handle.name, "opened", opened)

    def close(self, name: str, closed: Closed) -> None:
        """Record the end; of two who saw it, the first tells it."""
        with suppress(ObjectExists):
            self._create(name, "closed", closed)

    def keep_log(self, name: str, log: str) -> None:
        """Keep the end of a log; the first one that was fetched stays."""
        with suppress(ObjectExists):
            self.store.create(f"{PREFIX}{name}/log.txt", log.encode()[-_LONGEST_LOG:])

    def keep_undestroyed(self, name: str, sentence: str, at: AwareDatetime) -> None:
        """Keep how a job is ended by hand; the first of such sentences stays."""
        with suppress(ObjectExists):
            self._create(name, "undestroyed", _Undestroyed(sentence=sentence, at=at))

    def find(self, name: str) -> RemoteRecord | None:
        """Return what is recorded of a job; None for one that was never intended.

        Raises:
            StoreError: A record cannot be read.
        """
        intent = self._find(name, "intent", Intent)
        if intent is None:
            return None
        return RemoteRecord(intent, self._find(name, "opened", Opened), self._find(name, "closed", Closed))

    def open_jobs(self) -> Iterator[RemoteRecord]:
        """Every job that may still run."""
        for name, members in self._members().items():
            if "intent.json" in members and "closed.json" not in members:
                record = self.find(name)
                if record is not None and record.closed is None:
                    yield record

    def all_jobs(self) -> Iterator[RemoteRecord]:
        """Every job that was ever intended."""
        for name in self._members():
            if (record := self.find(name)) is not None:
                yield record

    def _members(self) -> dict[str, set[str]]:
        members: dict[str, set[str]] = defaultdict(set)
        for found in self.store.list(PREFIX):
            name, _, member = found.key.removeprefix(PREFIX).partition("/")
            if parse_remote_name(name) is not None:
                members[name].add(member)
        return members

    def _create(self, name: str, member: str, record: _Record) -> None:
        if parse_remote_name(name) is None:
            raise ValueError(f"{name!r} is no name of a job of ours")
        self.store.create(f"{PREFIX}{name}/{member}.json", record.model_dump_json(indent=1).encode())

    def _find(self, name: str, member: str, kind: type[R]) -> R | None:
        key = f"{PREFIX}{name}/{member}.json"
        try:
            return kind.model_validate_json(self.store.read(key))
        except ObjectMissing:
            return None
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]["msg"]
            raise StoreError(f"{key!r} is not the record it was: {problem}; look at it by hand") from error

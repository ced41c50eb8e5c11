"""The durable record of every machine that was ever asked for: what survives whoever asked.

    remote/<name>/
        watch.json         lease: who watches the job; swapped, all else is create-only
        intent.json        written before the provider is asked for anything
        opened.json        the provider's id, written the moment it is known
        log.txt            what the provider had of the job's log, fetched before it was destroyed
        undestroyed.json   how to end the job by hand, where ending it did not work; kept, also after the end
        closed.json        how it ended and what it cost; written last, after the provider confirmed the end

A job without ``closed.json`` is open and may cost; ``infra.remote.reaping`` sees to it. A record that cannot
be read is never guessed at: it is an error of its own kind, and of its own job alone, since a name tells
provider and flow run without it. No object here holds a URL, a key or a token.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from infra.errors import ObjectExists, ObjectMissing, RecordUnreadable
from infra.remote.names import Kind, RemoteName, parse_remote_name, run_digits
from infra.remote.outcomes import Cause
from infra.remote.provider import Handle
from infra.store.interface import ObjectStore

PREFIX: Final = "remote/"
_LONGEST_LOG: Final = 4 << 20  # bytes of a log that are kept, its end

Asker = UUID | Literal["command"]
"""Who asked for a machine: the flow of the flow run, or a command that no Prefect server knows of.

A flow keeps its id for as long as a server keeps its records, whatever address it has; no two servers share
one. So whoever knows the flow is the server that knew the run.
"""

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
    asked_by: Asker | None = None
    """None in records from before it was written."""


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
            RecordUnreadable: It is not what was written.
        """
        # The last that was written is read first: what it rests on is there by then.
        closed, opened = self._find(name, "closed", Closed), self._find(name, "opened", Opened)
        intent = self._find(name, "intent", Intent)
        if intent is not None:
            return RemoteRecord(intent, opened, closed)
        if opened is not None or closed is not None:
            raise _unreadable(name, "intent", "it is missing, and what was written after it is there")
        return None

    def is_intended(self, name: str) -> bool:
        """Whether a job was intended; its record may be one that cannot be read."""
        return self.store.head(f"{PREFIX}{name}/intent.json") is not None

    def open_names(self) -> list[RemoteName]:
        """Every job that may still run; nothing is read."""
        return [
            name
            for name, members in self._members().items()
            if members & {"intent.json", "opened.json"} and "closed.json" not in members
        ]

    def all_jobs(self, kind: Kind | None = None) -> Iterator[RemoteRecord]:
        """Every job that was ever intended, at one provider or at all.

        Raises:
            RecordUnreadable: After all others: of some it cannot be read.
        """
        return self._read(name for name in self._members() if kind in (None, name.kind))

    def jobs_of(self, flow_run_id: UUID) -> Iterator[RemoteRecord]:
        """Every job of one flow run, as ``all_jobs``."""
        return self._read(name for name in self._members() if name.run == run_digits(flow_run_id))

    def _read(self, names: Iterable[RemoteName]) -> Iterator[RemoteRecord]:
        unreadable = []
        for name in names:
            try:
                record = self.find(str(name))
            except RecordUnreadable as error:
                unreadable.append(str(error))
                continue
            if record is not None:
                yield record
        if unreadable:
            raise RecordUnreadable("\n".join(unreadable))

    def _members(self) -> dict[RemoteName, set[str]]:
        members: dict[RemoteName, set[str]] = defaultdict(set)
        for found in self.store.list(PREFIX):
            text, _, member = found.key.removeprefix(PREFIX).partition("/")
            if (name := parse_remote_name(text)) is not None:
                members[name].add(member)
        return members

    def _create(self, name: str, member: str, record: _Record) -> None:
        if parse_remote_name(name) is None:
            raise ValueError(f"{name!r} is no name of a job of ours")
        self.store.create(f"{PREFIX}{name}/{member}.json", record.model_dump_json(indent=1).encode())

    def _find(self, name: str, member: str, kind: type[R]) -> R | None:
        try:
            return kind.model_validate_json(self.store.read(f"{PREFIX}{name}/{member}.json"))
        except ObjectMissing:
            return None
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]["msg"]
            raise _unreadable(name, member, problem) from error


def _unreadable(name: str, member: str, problem: str) -> RecordUnreadable:
    return RecordUnreadable(
        f"'{PREFIX}{name}/{member}.json' is not the record it was: {problem}; put back what was written, or"
        f" end the machine and delete all under '{PREFIX}{name}/', which forgets what it cost"
    )

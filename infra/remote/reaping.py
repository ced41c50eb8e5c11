"""Find what nobody watches, and see to it: adopt what is still wanted, destroy what is not.

    at the provider or on record      flow run                what is done
    watched by somebody               any                     nothing
    open, nobody watches              live                    adopted, or reported where nobody here can watch
    open, nobody watches              final or deleted        destroyed and closed
    open, nobody watches              the server is silent    nothing, until it answers
    open, nobody watches              of another server       nothing, until its own is asked
    open, nobody watches, overdue     any                     destroyed and closed
    open, its command is gone         none                    destroyed and closed
    at the provider, record closed    any                     destroyed
    at the provider, no record        nobody knows            destroyed
    a record that cannot be read      nobody knows            nothing: a person has to look at it

Safe to repeat, and for several reapers at once: whoever acts on a record holds its lease. What stands at the
provider without any record is not ours to keep either: an account belongs to one store, and an intent is
written before a machine is asked for. The provider is asked before each record is read, never after.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from infra.errors import AdapterError, RemoteError, StoreError
from infra.remote.batch import Batch
from infra.remote.flow_run import FlowRunLink
from infra.remote.names import parse_remote_name
from infra.remote.outcomes import Outcome
from infra.remote.provider import Handle
from infra.remote.records import Intent, RemoteRecord
from infra.remote.renting import Renter
from infra.store.lease import holder

Due = Literal["nothing", "adopt", "destroy", "ask again", "by hand"]
"""``ask again``: only the run's own Prefect server could tell, and it is silent or another was asked.
``by hand``: only a person can tell."""


@dataclass(frozen=True, slots=True)
class Found:
    """One job that was found, and what is due.

    Attributes:
        handle: As the provider lists it; None where it does not.
        record: None where nothing is recorded.
        why: One sentence.
    """

    name: str
    handle: Handle | None
    record: RemoteRecord | None
    due: Due
    why: str


@dataclass(frozen=True, slots=True)
class Reaped:
    """What was done about a job.

    Attributes:
        done: False where it is left for the next time.
    """

    name: str
    due: Due
    why: str
    done: bool

    @property
    def in_words(self) -> str:
        """What was done about it."""
        if self.due == "by hand":
            return "left to you"
        if not self.done:
            return "left for the next time"
        return {"nothing": "left alone", "adopt": "taken over", "destroy": "ended"}[self.due]


@dataclass(frozen=True)
class Reaper:
    """Sees to the jobs of one provider.

    Attributes:
        link_of: Speaks for the flow run that a machine was asked for.
        adopt: Has a job watched by somebody here; None where nobody can.
    """

    renter: Renter
    link_of: Callable[[Intent], FlowRunLink]
    adopt: Callable[[RemoteRecord], None] | None = None

    def find(self) -> Iterator[Found]:
        """Everything that is at the provider under a name of ours, or on record as open.

        Raises:
            RemoteError: After all others: the provider's list could not be had, or not all of it.
            StoreError: The store could not be asked.
        """
        kind = self.renter.provider.kind
        alive, blind = self._alive()
        ours = {name for name in alive if (parsed := parse_remote_name(name)) and parsed.kind == kind}
        on_record = {str(name) for name in self.renter.records.open_names() if name.kind == kind}
        for name in sorted(ours | on_record):
            yield self._looked_at(name, alive.get(name))
        if blind is not None:
            raise blind

    def _alive(self) -> tuple[dict[str, Handle], RemoteError | None]:
        """What the provider lists, and what kept it from listing more."""
        alive: dict[str, Handle] = {}
        try:
            for handle in self.renter.provider.find():
                alive[handle.name] = handle
        except RemoteError as error:
            return alive, error
        return alive, None

    def reap(self) -> Iterator[Reaped]:
        """Do what is due, job by job; what fails is said and left for the next time.

        Raises:
            AdapterError: As ``find`` does.
        """
        for found in self.find():
            said = [found.why]
            try:
                done = self._seen_to(found, said.append)
            except AdapterError as error:
                done = False
                said.append(str(error))
            yield Reaped(found.name, found.due, "; ".join(said), done)

    def _looked_at(self, name: str, handle: Handle | None) -> Found:
        """What is due; of a job whose own record or lease cannot be read, nothing is guessed."""
        try:
            return self._found(name, handle)
        except StoreError as error:
            if error.retryable:
                raise
            return Found(name, handle, None, "by hand", f"{error}{self._or_by_hand(handle)}")

    def _or_by_hand(self, handle: Handle | None) -> str:
        return f"; {self.renter.provider.by_hand(handle)} ends its machine" if handle else ""

    def _found(self, name: str, handle: Handle | None) -> Found:
        records = self.renter.records
        record = records.find(name)
        if record is None:
            return Found(name, handle, None, "destroy", "nothing is on record of it")
        if record.closed is not None:
            due: Due = "destroy" if handle else "nothing"
            return Found(name, handle, record, due, "its record is closed")
        watcher = holder(records.store, records.watch_key(name), now=self.renter.clock.now())
        if watcher is not None:
            return Found(name, handle, record, "nothing", f"{watcher} watches it")
        return Found(name, handle, record, *self._due(record, handle or record.handle))

    def _due(self, record: RemoteRecord, handle: Handle | None) -> tuple[Due, str]:
        intent = record.intent
        if intent.asked_by == "command":
            return "destroy", "the command that asked for it is gone"
        if self._is_overdue(intent):
            return "destroy", f"nobody watches it, and its deadline was {_minute(intent.deadline)}"
        run = self.link_of(intent).state()
        if run == "unknown":
            return "ask again", "nobody watches it, and the Prefect server does not say whether it is wanted"
        if run == "foreign":
            return "ask again", f"{_foreign(intent)}{self._or_by_hand(handle)}"
        if run in ("ended", "missing"):
            return "destroy", "its flow run has ended" if run == "ended" else "its flow run was deleted"
        return "adopt", f"its flow run waits for it, and {record.intent.worker} watches it no more"

    def _is_overdue(self, intent: Intent) -> bool:
        over_s = self.renter.clock.now() - intent.deadline.timestamp()
        return over_s > self.renter.patience.overtime_s

    def _outcome(self, intent: Intent, why: str) -> Outcome:
        """How a job ended that is destroyed; one that is overdue may have said so itself."""
        if not self._is_overdue(intent):
            return Outcome("overtaken", why)
        word = Batch(self.renter.records.store, intent.batch).last_word()
        return word or Outcome("deadline", why)

    def _seen_to(self, found: Found, say: Callable[[str], None]) -> bool:
        if found.due in ("nothing", "ask again", "by hand"):
            return found.due == "nothing"
        if found.record is None or found.record.closed is not None:
            return found.handle is None or self.renter.undertaker.destroy(found.handle, say=say)
        if found.due == "adopt":
            if self.adopt is not None:
                self.adopt(found.record)
            return self.adopt is not None
        intent = found.record.intent
        return self.renter.abandon(found.name, self._outcome(intent, found.why), self.link_of(intent))


def _foreign(intent: Intent) -> str:
    whose = f" of flow {intent.asked_by}" if intent.asked_by else ""
    return (
        f"flow run {intent.flow_run_id}{whose} was expected at the Prefect server, which has no trace of it:"
        f" point PREFECT_API_URL at the server that {intent.worker} asked; this machine ends"
        f" {_minute(intent.deadline)} at the latest"
    )


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

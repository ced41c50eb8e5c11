"""A provider that keeps its machines in a folder, so that they outlive whoever rented them, and their agents.

It runs nothing: a test plays the agent. Faults are scripted, call by call.
"""

import json
import os
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

from infra.errors import DestroyFailed, ObjectMissing, RemoteError
from infra.remote.names import Kind, parse_remote_name
from infra.remote.outcomes import Outcome
from infra.remote.provider import Accelerator, Handle, Observed, RemoteJob, RemoteState
from infra.remote.watching import RunState
from infra.store.interface import ObjectStore
from infra.store.local import LocalStore

SIGNATURE = "X-Amz-Signature=canary-of-the-presigned-url"
Death = Literal["", "intent", "created", "opened"]
"""Where the renting process kills itself: the intent is written, the machine is there, its id is recorded."""


class SigningStore(LocalStore):
    """A folder that hands out URLs, which nobody serves."""

    def presign_get(self, key: str, *, expires_s: int) -> str:
        return f"https://store.example/{key}?X-Amz-Expires={expires_s}&{SIGNATURE}"


@dataclass
class FolderProvider:
    """Machines as folders.

    Attributes:
        refusals: Raised by the next calls of ``create``, in order.
        lost_reply: Refusals are raised after the machine was created.
        says: What the provider says of all jobs, whatever they do; None: the truth.
        undying: Destroying fails that often.
    """

    folder: Path
    kind: Kind = "kaggle"
    refusals: list[RemoteError] = field(default_factory=list)
    lost_reply: bool = False
    says: RemoteState | None = None
    undying: int = 0
    broke: RemoteError | None = None
    price_usd: Decimal | None = None
    log: str = ""
    die_at: Death = ""
    on_create: Callable[[RemoteJob], None] = lambda _job: None

    def check(self, _: Accelerator) -> None:
        if self.broke:
            raise self.broke

    def create(self, job: RemoteJob, opened: Callable[[Handle], None]) -> Handle:
        self._die("intent")
        refusal = self.refusals.pop(0) if self.refusals else None
        if refusal and not self.lost_reply:
            raise refusal
        handle = Handle(job.name, f"machine of {job.name}")
        machine = self.folder / "alive" / job.name
        machine.mkdir(parents=True)  # a second session under one name would be an error
        given = {**asdict(job), "deadline": job.deadline.isoformat()}
        (machine / "given.json").write_text(json.dumps(given))
        with (self.folder / "journal").open("a") as journal:
            journal.write(f"create {job.name}\n")
        if refusal:
            raise refusal
        self._die("created")
        opened(handle)
        self._die("opened")
        self.on_create(job)
        return handle

    def observe(self, handle: Handle) -> Observed:
        if not (self.folder / "alive" / handle.name).is_dir():
            return Observed(self.says or "gone")
        return Observed(self.says or "running", "as scripted")

    def harvest(self, handle: Handle) -> str:
        return self.log

    def by_hand(self, handle: Handle) -> str:
        return f"`cloud delete {handle.name}`"

    def destroy(self, handle: Handle) -> None:
        if self.undying:
            self.undying -= 1
            raise DestroyFailed(f"{handle.name} is still there; run {self.by_hand(handle)}")
        (self.folder / "dead").mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            (self.folder / "alive" / handle.name).rename(self.folder / "dead" / handle.name)

    def worst_cost_usd(self, deadline: datetime) -> Decimal | None:
        return self.price_usd and 2 * self.price_usd

    def cost_usd(self, handle: Handle) -> Decimal | None:
        return self.price_usd

    def find(self) -> Iterator[Handle]:
        for name in self.alive():
            if parse_remote_name(name):
                yield Handle(name, f"machine of {name}")

    def alive(self) -> list[str]:
        folder = self.folder / "alive"
        return sorted(machine.name for machine in folder.iterdir()) if folder.is_dir() else []

    def created(self) -> int:
        journal = self.folder / "journal"
        return len(journal.read_text().splitlines()) if journal.is_file() else 0

    def given(self) -> str:
        """Everything that was ever handed to the provider."""
        return "".join(path.read_text() for path in sorted(self.folder.rglob("given.json")))

    def _die(self, where: Death) -> None:
        if self.die_at == where:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Agent:
    """What a rented machine would leave in the store; the test decides when."""

    store: ObjectStore
    prefix: str = field(default_factory=lambda: f"batches/{uuid.uuid4().hex * 2}/0/")

    def send_batch(self) -> "Agent":
        """Store what the agent would be told."""
        self.store.create(f"{self.prefix}spec.json", b"{}")
        self.store.create(f"{self.prefix}control", b"go on\n")
        return self

    def beat(self) -> None:
        key = f"{self.prefix}heartbeat.json"
        found = self.store.head(key)
        self.store.swap(key, uuid.uuid4().hex.encode(), expected=found.version if found else None)

    def finish(self, reason: str = "done", sentence: str = "as asked") -> None:
        self.leave_manifest(ok=reason == "done", reason=reason, sentence=sentence)

    def leave_manifest(self, **members: object) -> None:
        _, digest, attempt, _ = self.prefix.split("/")
        said = {"digest": digest, "attempt": int(attempt), "ok": True, "reason": "done", **members}
        self.store.create(f"{self.prefix}manifest.json", json.dumps(said).encode())

    def may_go_on(self) -> bool:
        return self.store.head(f"{self.prefix}control") is not None


@dataclass
class Run:
    """A flow run without a server."""

    states: list[RunState] = field(default_factory=lambda: ["live"])
    """What is told, one after the other; the last one for ever."""
    names: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    ran: int = 0
    deaf: bool = False

    def state(self) -> RunState:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def opened(self, name: str) -> None:
        self.names.append(name)

    def running(self) -> None:
        self.ran += 1

    def settle(self, outcome: Outcome) -> bool:
        if not self.deaf:
            self.outcomes.append(outcome)
        return not self.deaf

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


@dataclass
class FakeTime:
    """A clock that goes on only while somebody sleeps, from the real now."""

    at: float = field(default_factory=lambda: datetime.now(UTC).timestamp())
    slept: list[float] = field(default_factory=list)
    events: dict[int, Callable[[], object]] = field(default_factory=dict)
    """Called at the n-th sleep, from 1."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.at += seconds
            self.slept.append(seconds)
        if event := self.events.get(len(self.slept)):
            event()


def words(store: ObjectStore, prefix: str) -> str:
    """All that is stored under a prefix, as one text."""
    found = []
    for stored in store.list(prefix):
        with suppress(ObjectMissing):
            found.append(store.read(stored.key).decode(errors="replace"))
    return "\n".join(found)

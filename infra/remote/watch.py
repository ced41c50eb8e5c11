"""Watch one rented machine until there is something to say about it.

The manifest decides: a provider that says COMPLETE has not succeeded, and one that still says RUNNING after
the manifest is not running. A word that nobody knows is no end. Time is what the caller's clock says, so the
loop can be tried on any sequence of states without waiting.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeVar

from infra.errors import RemoteUnavailable, StoreUnavailable
from infra.remote.batch import Batch, Beat, LastWord
from infra.remote.provider import Handle, Observed, Provider

Fate = Literal["completed", "failed", "crashed", "cancelled"]
"""``failed``: our own defect, another machine would not help. ``crashed``: another machine may do better."""

T = TypeVar("T")

_FATE_OF: Final[dict[str, Fate]] = {
    "done": "completed",
    "cancelled": "cancelled",
    "wrong_accelerator": "crashed",
    "wrong_engine": "crashed",
    "deadline": "crashed",
    "store_refused": "crashed",
    "inputs_damaged": "failed",
    "failed": "failed",
}
"""What an agent's last word means for the run."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why watching ended.

    Attributes:
        sentence: For the run's state.
        blames_machine: Whether this provider's machine was at fault, so another one is to be tried.
    """

    fate: Fate
    sentence: str
    blames_machine: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How long what is waited for.

    Attributes:
        poll: Between two looks; callers add jitter in ``pause``.
        start: Until the first sign of life.
        silence: Without a new one, after the first.
        last_word: For the manifest, once the provider says that the job has ended.
        stop: For the agent to end by itself, once it is told to.
        overtime: After the deadline, for the agent's own end.
    """

    poll: timedelta = timedelta(seconds=20)
    start: timedelta = timedelta(minutes=30)
    silence: timedelta = timedelta(minutes=5)
    last_word: timedelta = timedelta(minutes=2)
    stop: timedelta = timedelta(seconds=60)
    overtime: timedelta = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What watching needs of whoever wants to know.

    Attributes:
        now: In UTC.
        pause: Waits for about so long; may return early.
        is_wanted: Whether the run still wants its result; asked at every look.
        alive: Told once, at the first sign of life.
        progress: Told when the agent or the provider says something new.
    """

    now: Callable[[], datetime]
    pause: Callable[[timedelta], None]
    is_wanted: Callable[[], bool]
    alive: Callable[[], None]
    progress: Callable[[str], None]


class _Watch:
    """What is remembered between two looks."""

    def __init__(self, deadline: datetime, limits: Limits, around: Surroundings) -> None:
        self.limits, self.around = limits, around
        self.begun = around.now()
        self.deadline = deadline
        self.beat: Beat | None = None
        self.heard = self.begun
        self.ended: datetime | None = None
        self.said = ""

    def hear(self, beat: Beat | None) -> None:
        if beat is None or (self.beat is not None and beat.version == self.beat.version):
            return
        if self.beat is None:
            self.around.alive()
        self.beat, self.heard = beat, self.around.now()
        self.tell(beat.progress)

    def tell(self, words: str) -> None:
        if words and words != self.said:
            self.said = words
            self.around.progress(words)

    def verdict(self, observed: Observed | None) -> Ending | None:
        """Say whether it is over, where the agent has left no last word."""
        now = self.around.now()
        if observed is not None:
            self.tell(observed.detail)
            if observed.state == "gone":
                return _lost(f"the provider has it no longer: {observed.detail or 'no reason given'}")
            if observed.state == "ended" and self.ended is None:
                self.ended = now
        if self.ended is not None and now - self.ended >= self.limits.last_word:
            return _lost("the provider says that it has ended, and the agent left no manifest")
        if now >= self.deadline + self.limits.overtime:
            return _lost(f"it was not done by its deadline, {self.deadline:%H:%M} UTC")
        if self.beat is None and now - self.begun >= self.limits.start:
            return _lost(f"no sign of life within {_minutes(self.limits.start)} minutes")
        if self.beat is not None and now - self.heard >= self.limits.silence:
            return _lost(f"no sign of life for {_minutes(self.limits.silence)} minutes")
        return None


def watch(
    handle: Handle,
    provider: Provider,
    batch: Batch,
    *,
    deadline: datetime,
    limits: Limits,
    around: Surroundings,
) -> Ending:
    """Look until the agent has spoken its last word, or the machine is lost, or nobody wants it any more."""
    watched = _Watch(deadline, limits, around)
    while True:
        if (word := _asked(batch.last_word)) is not None:
            return ending_of(word)
        if not around.is_wanted():
            return _called_off(batch, limits, around)
        watched.hear(_asked(batch.beat))
        observed = _asked(lambda: provider.observe(handle))
        if (ending := watched.verdict(observed)) is not None:
            word = _asked(batch.last_word)  # it may have come between the two looks
            return ending if word is None else ending_of(word)
        around.pause(limits.poll)


def ending_of(word: LastWord) -> Ending:
    """Translate an agent's last word; one that nobody knows is a defect of ours."""
    fate = _FATE_OF.get(word.reason, "failed")
    if word.ok != (fate == "completed"):
        return Ending("failed", f"the agent contradicts itself: ok {word.ok} and {word.reason!r}")
    machine = word.reason in ("wrong_accelerator", "wrong_engine")
    return Ending(fate, f"{word.reason}: {word.sentence}", blames_machine=machine)


def _called_off(batch: Batch, limits: Limits, around: Surroundings) -> Ending:
    """Tell the agent to stop and give it a moment to keep what it has finished."""
    batch.stop()
    until = around.now() + limits.stop
    while around.now() < until and _asked(batch.last_word) is None:
        around.pause(min(limits.poll, limits.stop / 4))
    return Ending("cancelled", "the run was cancelled, and the machine with it")


def _asked(question: Callable[[], T]) -> T | None:
    """Ask once; silence says nothing, and the time limits of the watch go on."""
    try:
        return question()
    except (RemoteUnavailable, StoreUnavailable):
        return None


def _lost(why: str) -> Ending:
    return Ending("crashed", f"lost: {why}", blames_machine=True)


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:g}"

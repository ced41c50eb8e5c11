"""Decide from what is seen of a job whether it has ended. No network, no clock, no provider.

    queued ──> started ──> manifest ──> ended
       └──────────┴── deadline, silence, a steady end without a manifest, the run's own end ──> ended

The agent's manifest is the truth; what a provider says is a hint that lies both ways. COMPLETE is no success
and RUNNING after the manifest is not running. So a provider's "ended" or "gone" counts only once it has been
said without a word to the contrary, and without a sign of life, for a while. An unknown word, an outage or a
400 is no end. Time in which the store was out of reach is not held against the agent.
"""

from dataclasses import dataclass
from typing import Final, Literal

from infra.remote.outcomes import Outcome
from infra.remote.provider import Observed

RunState = Literal["live", "cancelling", "ended", "missing", "foreign", "unknown"]
"""Of the flow run, as the server tells it. ``missing``: it was deleted. ``foreign``: the server does not
know even the run's flow, so it is another one and tells nothing. ``unknown``: the server is silent."""

_LEAST_LOOKS: Final = 3  # at an end without a manifest


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what is borne; all in seconds.

    Attributes:
        poll_s: Between two looks, give or take a fifth.
        start_s: From the provider's first "running" to the first sign of life: image, libraries, code.
        silence_s: Between two signs of life.
        settle_s: For how long a provider must say "ended" before it is believed without a manifest.
        overtime_s: After the deadline, for the agent to write its manifest.
        grace_s: For the agent to stop when the run is cancelled.
        capacity_s: For a machine to become free.
        lease_s: For which a watcher that died keeps others from adopting its job.
    """

    poll_s: float = 20.0
    start_s: float = 900.0
    silence_s: float = 300.0
    settle_s: float = 90.0
    overtime_s: float = 120.0
    grace_s: float = 30.0
    capacity_s: float = 900.0
    lease_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one moment.

    Attributes:
        at: Seconds since the epoch.
        observed: What the provider says.
        beat: Token of the last sign of life; None before the first.
        last_word: What the manifest says; None without one.
        store_answers: Whether ``beat`` and ``last_word`` could be looked for.
        run: The flow run's state.
        stopping: Whether our worker is told to stop.
    """

    at: float
    observed: Observed
    beat: str | None = None
    last_word: Outcome | None = None
    store_answers: bool = True
    run: RunState = "live"
    stopping: bool = False


class Watch:
    """What is known of one job so far.

    Args:
        deadline: When the agent stops at the latest, in seconds since the epoch.
    """

    def __init__(self, deadline: float, patience: Patience) -> None:
        self._deadline = deadline
        self._patience = patience
        self._last: Look | None = None
        self._beat: str | None = None
        self._quiet_s = 0.0
        self._running = False
        self._ends: list[float] = []
        self.started = False
        """Whether a sign of life was ever seen."""

    def take(self, look: Look) -> Outcome | None:
        """Take a look into account; an outcome means that the job has ended and is to be destroyed."""
        self._count(look)
        self._last = look
        if look.last_word is not None and look.last_word.cause == "done":
            return look.last_word
        ended = self._run_ended(look) or look.last_word
        return ended or self._out_of_time(look) or self._silent() or self._gone(look)

    def _count(self, look: Look) -> None:
        if look.observed.state == "running":
            self._running = True
        if look.beat is not None and look.beat != self._beat:
            self._beat, self.started, self._quiet_s = look.beat, True, 0.0
            self._ends.clear()
        elif look.store_answers and (self._running or self.started) and self._last is not None:
            self._quiet_s += look.at - self._last.at if self._last.store_answers else 0.0
        if look.observed.state in ("queued", "running"):
            self._ends.clear()
        elif look.observed.state in ("ended", "gone") and look.store_answers:
            self._ends.append(look.at)

    def _run_ended(self, look: Look) -> Outcome | None:
        if look.run == "cancelling":
            return Outcome("cancelled", "the flow run was cancelled")
        if look.run in ("ended", "missing"):
            how = "has ended by other hands" if look.run == "ended" else "was deleted"
            return Outcome("overtaken", f"the flow run {how}")
        if look.stopping:
            return Outcome("stopped", "the worker was told to stop; start the run again")
        return None

    def _out_of_time(self, look: Look) -> Outcome | None:
        over = look.at - self._deadline
        if over < self._patience.overtime_s:
            return None
        return Outcome("deadline", f"no manifest {over:.0f} s after the deadline; {_said(look)}")

    def _silent(self) -> Outcome | None:
        limit = self._patience.silence_s if self.started else self._patience.start_s
        if self._quiet_s < limit or self._last is None:
            return None
        what = "no further sign of life" if self.started else "no sign of life"
        return Outcome("lost", f"{what} from the agent for {self._quiet_s:.0f} s; {_said(self._last)}")

    def _gone(self, look: Look) -> Outcome | None:
        if len(self._ends) < _LEAST_LOOKS or look.at - self._ends[0] < self._patience.settle_s:
            return None
        if look.observed.state not in ("ended", "gone"):
            return None
        return Outcome("lost", f"the machine is gone and left no manifest; {_said(look)}")


def _said(look: Look) -> str:
    return f"the provider says {look.observed.state!r} ({look.observed.detail or 'no more'})"

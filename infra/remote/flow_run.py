"""What a job needs of the flow run that it is done for, whoever speaks for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from infra.remote.outcomes import Outcome
from infra.remote.watching import RunState


class FlowRunLink(Protocol):
    """One flow run. All methods block, may be called from any thread and bear a server that is away."""

    def state(self) -> RunState:
        """Ask how the run is; see ``RunState``."""
        ...

    def opened(self, name: str) -> None:
        """Say that there is a machine now, under this name."""
        ...

    def running(self) -> None:
        """Say that the agent has given a sign of life; repeating it is harmless."""
        ...

    def settle(self, outcome: Outcome) -> bool:
        """Put the run into the outcome's final state, unless it has one; False where the server is silent.

        Where the server is another one there is nothing to settle: the run's own makes it Crashed, once its
        record is closed (``infra.workers.stranded``).
        """
        ...

    def say(self, sentence: str) -> None:
        """Add a line to the run's log."""
        ...


@dataclass(frozen=True)
class NoFlowRun:
    """Stands where a flow run would be, for a command: it waits, and no server takes part."""

    say: Callable[[str], None]

    def state(self) -> RunState:
        """Say that it waits."""
        return "live"

    def opened(self, name: str) -> None:
        """Tell it."""
        self.say(f"{name} is opened")

    def running(self) -> None:
        """Tell it."""
        self.say("the script's machine gives a sign of life")

    def settle(self, _outcome: Outcome) -> bool:
        """Do nothing: there is no state to set."""
        return True

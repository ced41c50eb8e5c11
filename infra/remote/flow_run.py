"""What a job needs of the flow run that it is done for, whoever speaks for it."""

from typing import Protocol

from infra.remote.outcomes import Outcome
from infra.remote.watching import RunState


class FlowRunLink(Protocol):
    """One flow run. All methods block, may be called from any thread and bear a server that is away."""

    def state(self) -> RunState:
        """Ask how the run is; ``unknown`` where the server is silent."""
        ...

    def opened(self, name: str) -> None:
        """Say that there is a machine now, under this name."""
        ...

    def running(self) -> None:
        """Say that the agent has given a sign of life; repeating it is harmless."""
        ...

    def settle(self, outcome: Outcome) -> bool:
        """Put the run into the outcome's final state, unless it has one; False where the server is silent."""
        ...

    def say(self, sentence: str) -> None:
        """Add a line to the run's log."""
        ...

"""Every way in which a job can end, and what that means for its flow run. Data, no behaviour.

Crashed: another provider, or another machine, may do it, so the parent may start the batch elsewhere; what is
finished of it is kept. Failed: it would fail anywhere. The name of the state tells a parent why without its
reading a message.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Cause = Literal[
    "done",  # the manifest says so
    "cancelled",  # somebody cancelled the flow run
    "capacity",  # no machine was free at this price for as long as we wait
    "budget",  # quota, money or our own budget is used up
    "denied",  # the provider does not accept our credentials
    "lost",  # the machine vanished, fell silent, or ended without a manifest
    "wrong_accelerator",  # the machine is not what was asked for; this provider is not asked again
    "deadline",  # the time was up
    "stopped",  # our worker was told to stop
    "bug",  # it would fail on any machine
    "overtaken",  # the flow run had ended, or was deleted, before the job was
]

StateType = Literal["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]


@dataclass(frozen=True, slots=True)
class FinalState:
    """A final state of a flow run, in Prefect's words.

    Attributes:
        name: What the UI shows and a parent may branch on.
    """

    type: StateType
    name: str


FINAL_STATES: Final[Mapping[Cause, FinalState]] = {
    "done": FinalState("COMPLETED", "Completed"),
    "cancelled": FinalState("CANCELLED", "Cancelled"),
    "capacity": FinalState("CRASHED", "AtCapacity"),
    "budget": FinalState("CRASHED", "OverBudget"),
    "denied": FinalState("CRASHED", "Denied"),
    "lost": FinalState("CRASHED", "Lost"),
    "wrong_accelerator": FinalState("CRASHED", "WrongAccelerator"),
    "deadline": FinalState("CRASHED", "OutOfTime"),
    "stopped": FinalState("CRASHED", "WorkerStopped"),
    "bug": FinalState("FAILED", "Failed"),
    "overtaken": FinalState("CRASHED", "Crashed"),
}

CAUSE_OF_REASON: Final[Mapping[str, Cause]] = {
    "done": "done",
    "wrong_accelerator": "wrong_accelerator",
    "wrong_engine": "wrong_accelerator",
    "cancelled": "lost",  # by the host: had we cancelled, we would not be reading this
    "deadline": "deadline",
    "store_refused": "lost",
    "inputs_damaged": "bug",
    "failed": "bug",
}
"""What an agent's own word for its end means; any other word is a bug of the agent."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended.

    Attributes:
        sentence: What was expected and found; fit for a log, and free of secrets.
    """

    cause: Cause
    sentence: str

    @property
    def state(self) -> FinalState:
        """The final state of the flow run."""
        return FINAL_STATES[self.cause]

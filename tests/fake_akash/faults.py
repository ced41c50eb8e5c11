"""How the fake Akash is told to misbehave, call by call."""

from dataclasses import dataclass
from typing import Literal

Call = Literal[
    "create",
    "deployments",
    "deployment",
    "close",
    "bids",
    "lease",
    "settings",
    "settings_read",
    "public",
    "balances",
    "prices",
]
"""One call of the API; ``public`` is the cached detail that alone has the group's name."""

Act = Literal[
    "error",
    "html",
    "reset_before",
    "reset_after",
    "hang_after",
    "cut",
    "answer",
    "ignored",
    "silent_provider",
    "bid_taken",
]
"""``error``: this status and message, nothing done. ``html``: the same as a page of the edge.
``reset_before``: nothing was done; ``reset_after`` and ``hang_after``: it was, and nobody is told so.
``cut``: the answer breaks off in its middle. ``answer``: HTTP 200 with ``Fault.answer`` instead of doing
anything. ``ignored``: the healthy answer, but nothing was done. ``silent_provider``: the answer's leases have
``status: null``. ``bid_taken``: the bid that is to be leased has just been lost to somebody else."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One misbehaviour, used up by the first call of its kind."""

    call: Call
    act: Act = "error"
    status: int = 500
    message: str = "Internal server error"
    retry_after_s: int | None = None
    answer: object = None


UNSETTLED = "Deployment escrow cannot be settled yet"
NOT_OPEN = "The selected bid is no longer open"
MATCHED = "Cannot create lease: The associated order has already been matched or closed."

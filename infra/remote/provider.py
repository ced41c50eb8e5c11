"""What a provider of rented machines is: somebody who runs our agent for money or quota.

A job gets its name before it is asked for, the provider can list that name back, and destroying is safe to
repeat: so whatever dies, what it left behind can be found and ended. What a provider says of a job is a hint;
the truth is the manifest that the agent leaves in the store.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol

from infra.remote.names import Kind

Accelerator = Literal["none", "cuda"]

RemoteState = Literal["queued", "running", "ended", "gone", "unknown"]
"""``gone``: the provider has it no longer. ``unknown``: a word or a silence, never taken for the end."""


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """One batch to run on one rented machine.

    Attributes:
        name: From ``infra.remote.names``; the provider can list it back.
        spec_url: Presigned GET of the batch's specification; a bearer credential until it expires.
        deadline: The agent stops by then, the worker destroys after it; in UTC.
        accelerator: What the agent insists on finding.
    """

    name: str
    spec_url: str = field(repr=False)
    deadline: datetime
    accelerator: Accelerator


@dataclass(frozen=True, slots=True)
class Handle:
    """How a provider knows a job.

    Attributes:
        id: The provider's own: ``owner/slug/version`` at Kaggle, the deployment's dseq at Akash.
    """

    name: str
    id: str


@dataclass(frozen=True, slots=True)
class Observed:
    """What a provider says of a job now.

    Attributes:
        detail: Its own words, control characters removed, 200 characters at most.
        cost_usd: Spent so far, where the provider takes money; an estimate from price and time.
    """

    state: RemoteState
    detail: str = ""
    cost_usd: Decimal | None = None


class Provider(Protocol):
    """Runs jobs. All methods block and may be called from any thread.

    All raise ``RemoteUnavailable`` when the provider stays out of reach for longer than its retries last, and
    ``RemoteDenied`` for credentials that it does not accept.
    """

    @property
    def kind(self) -> Kind:
        """Which provider it is."""
        ...

    def check(self, accelerator: Accelerator) -> None:
        """Say before anything is created whether quota, funds and settings allow a job that insists on this.

        Raises:
            BudgetExhausted: They do not, and waiting a little does not help.
        """
        ...

    def create(self, job: RemoteJob, opened: Callable[[Handle], None]) -> Handle:
        """Start a job; ``opened`` is called the moment its id is known, before anything else can fail.

        Raises:
            AtCapacity: No machine is free at this price now; nothing is left behind.
            BudgetExhausted: Quota or money is used up; nothing is left behind.
            RemoteRefused: The provider refuses the job as it stands; nothing is left behind.
            CreateAmbiguous: It may or may not exist; ``find`` will tell.
        """
        ...

    def observe(self, handle: Handle) -> Observed:
        """Ask how a job is; an unknown word is state ``unknown``."""
        ...

    def harvest(self, handle: Handle) -> str:
        """Fetch the job's log as far as the provider has one, before it is destroyed; may be empty."""
        ...

    def by_hand(self, handle: Handle) -> str:
        """Tell the command that ends a job without us, in backticks."""
        ...

    def destroy(self, handle: Handle) -> None:
        """End a job and return once the provider confirms that it is gone; one that is gone is success.

        Raises:
            DestroyFailed: It could not be confirmed, whatever the reason, these credentials included; the
                text holds the command to do it by hand. Nothing else is raised.
        """
        ...

    def worst_cost_usd(self, deadline: datetime) -> Decimal | None:
        """Foretell the most that a job until then can cost; None where quota is all it costs."""
        ...

    def cost_usd(self, handle: Handle) -> Decimal | None:
        """Tell what a job has cost, also after its end; None where nobody knows or it is quota."""
        ...

    def find(self) -> Iterator[Handle]:
        """Everything that is alive at the provider under a name of ours."""
        ...

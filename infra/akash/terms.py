"""What may be rented at Akash, for how much, and how long."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from infra.akash.money import deposit_usd, in_words
from infra.akash.sdl import Hardware
from infra.errors import BudgetExhausted, RecordUnreadable, RemoteRefused

LONGEST_H: Final = 48  # what the Console takes as a limit, see ``infra.akash.console.Wanted``
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the owner of the account allows.

    Attributes:
        image: What each lease runs, by its digest.
        command: Of the image.
        hardware: What a provider must have; jobs that need no accelerator ask for no GPU.
        max_usd_per_hour: Price cap of one lease.
        monthly_budget_usd: None for no limit.
        spent_usd: What this month's leases have cost or may still cost, but for the job of this name.
        denied: Addresses of providers whose bids are left alone.
        deny: Told of a provider that gave up a lease.
    """

    image: str
    hardware: Hardware
    max_usd_per_hour: Decimal
    command: tuple[str, ...] = ("calibguard-agent",)
    monthly_budget_usd: Decimal | None = None
    spent_usd: Callable[[str], Decimal] = lambda name: _NOTHING  # noqa: ARG005
    denied: Callable[[], frozenset[str]] = frozenset
    deny: Callable[[str], object] = lambda provider: None  # noqa: ARG005

    def require_budget(self, cost_usd: Decimal, *, name: str = "") -> None:
        """Refuse what this month's budget has no room for, beside all jobs but the one of this name.

        Raises:
            BudgetExhausted: With the figures; or what is spent is not known, and then nothing more is.
        """
        if self.monthly_budget_usd is None:
            return
        try:
            spent = self.spent_usd(name)
        except RecordUnreadable as error:
            raise BudgetExhausted(
                f"what of this month's {in_words(self.monthly_budget_usd)} for Akash is spent is not known,"
                f" so nothing is rented: {error}"
            ) from error
        if spent + cost_usd > self.monthly_budget_usd:
            raise BudgetExhausted(
                f"a lease may cost {in_words(cost_usd)}, and {in_words(spent)} of this month's "
                f"{in_words(self.monthly_budget_usd)} for Akash are spent; wait for the next month or raise "
                "CALIBGUARD_AKASH_MONTHLY_BUDGET_USD"
            )


def hours_until(deadline: datetime, *, now: datetime) -> Decimal:
    """Return how long a lease is wanted.

    Raises:
        RemoteRefused: The deadline is past, or further away than a lease may live.
    """
    hours = Decimal(int((deadline - now).total_seconds())) / 3600
    if not 0 < hours <= LONGEST_H:
        raise RemoteRefused(
            f"a lease lasts up to {LONGEST_H} hours, and the job's deadline is {float(hours):.2f} hours from"
            " now"
        )
    return hours


def worst_cost_usd(terms: Terms, *, hours: Decimal) -> Decimal:
    """Return the most that a lease can cost: what goes into escrow for it."""
    return deposit_usd(terms.max_usd_per_hour, hours=hours)

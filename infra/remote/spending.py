"""What rented machines have cost and may still cost, told by the records alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from infra.errors import BudgetExhausted
from infra.remote.records import Intent, RemoteRecord


@dataclass(frozen=True, slots=True)
class Spending:
    """Money of one calendar month, in UTC.

    Attributes:
        spent_usd: What closed jobs cost.
        committed_usd: What open jobs may cost at most, until their deadlines.
    """

    spent_usd: Decimal
    committed_usd: Decimal


def spending(records: Iterable[RemoteRecord], *, month: datetime) -> Spending:
    """Sum up the month that a moment lies in; a job belongs to the month in which it was asked for."""
    own = [
        record
        for record in records
        if (record.intent.at.year, record.intent.at.month) == (month.year, month.month)
    ]
    return Spending(
        spent_usd=sum(map(_spent, own), Decimal()),
        committed_usd=sum((most_usd(record.intent) for record in own if not record.closed), Decimal()),
    )


def most_usd(intent: Intent) -> Decimal:
    """What a job may cost at most: its highest price until its deadline."""
    return _at_most(intent, intent.at, intent.deadline)


def require_within(budget_usd: Decimal | None, intent: Intent, records: Iterable[RemoteRecord]) -> None:
    """Refuse a job that could take the month beyond its budget; its own intent is among the records.

    Raises:
        BudgetExhausted: It could.
    """
    if budget_usd is None or intent.price_cap_usd_h is None:
        return
    month = spending(records, month=intent.at)
    most = most_usd(intent)
    if month.spent_usd + month.committed_usd > budget_usd:
        raise BudgetExhausted(
            f"{intent.name} may cost {most:.2f} USD; of the month's {budget_usd:.2f} USD"
            f" {month.spent_usd:.2f} are spent and {month.committed_usd - most:.2f} may be by other jobs;"
            " raise CALIBGUARD_REMOTE_BUDGET_USD or lower the price cap"
        )


def _spent(record: RemoteRecord) -> Decimal:
    """What a closed job cost: as the provider told it, else its time at its highest price."""
    if record.closed is None or record.opened is None:
        return Decimal()
    if record.closed.cost_usd is not None:
        return record.closed.cost_usd
    return _at_most(record.intent, record.opened.at, record.closed.at)


def _at_most(intent: Intent, start: datetime, end: datetime) -> Decimal:
    if intent.price_cap_usd_h is None:
        return Decimal()
    seconds = Decimal(str(max(0.0, (end - start).total_seconds())))
    return intent.price_cap_usd_h * seconds / 3600

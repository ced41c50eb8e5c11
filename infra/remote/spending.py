"""What rented machines have cost and may still cost, told by the records alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from infra.remote.names import Kind
from infra.remote.records import RemoteRecord


@dataclass(frozen=True, slots=True)
class Spending:
    """Money of one calendar month, in UTC.

    Attributes:
        spent_usd: What closed jobs cost.
        committed_usd: What open jobs may cost at most.
    """

    spent_usd: Decimal
    committed_usd: Decimal

    @property
    def total_usd(self) -> Decimal:
        """What the month may come to, should nothing more be rented."""
        return self.spent_usd + self.committed_usd


def spending(records: Iterable[RemoteRecord], kind: Kind, *, month: datetime, but_for: str = "") -> Spending:
    """Sum up the month that a moment lies in; a job belongs to the month in which it was asked for.

    Args:
        records: All that there are.
        kind: Of which provider.
        month: Any moment of it, in UTC.
        but_for: Name of a job that does not count.
    """
    own = [
        record
        for record in records
        if record.intent.kind == kind
        and (record.intent.at.year, record.intent.at.month) == (month.year, month.month)
        and record.intent.name != but_for
    ]
    committed = [record.intent.most_usd or Decimal() for record in own if record.closed is None]
    return Spending(spent_usd=sum(map(_spent, own), Decimal()), committed_usd=sum(committed, Decimal()))


def _spent(record: RemoteRecord) -> Decimal:
    """What a closed job cost: as the provider told it, else the most that it could."""
    if record.closed is None:
        return Decimal()
    if record.closed.cost_usd is not None:
        return record.closed.cost_usd
    return (record.intent.most_usd or Decimal()) if record.opened else Decimal()

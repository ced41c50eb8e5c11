"""Find a machine for a deployment: the cheapest open bid under the cap, and the next one where it is gone.

Bids trickle in, so a first good one is held back for a moment. A bid is good if it is open, in the currency
that was asked for, not above the cap, and not of a provider that is denied.
"""

import time
from decimal import Decimal
from typing import Final

from infra.akash.answers import Bid, Created, Deployment, Lease
from infra.akash.connection import Patience
from infra.akash.console import Console
from infra.akash.money import DENOM, in_words, usd_per_hour
from infra.akash.refusals import BidTaken, DeploymentOver
from infra.akash.terms import Terms
from infra.errors import AtCapacity, RemoteAnswerInvalid

_ACTIVE: Final = "active"


def rent(created: Created, console: Console, *, terms: Terms) -> Lease:
    """Lease a machine for a new deployment.

    Raises:
        AtCapacity: Nobody bids at this price, or every bid was gone before it was taken.
        RemoteAnswerInvalid: The lease costs more than was bid or is not there; end the deployment.
    """
    search = _Search(created, console, terms)
    return search.run()


class _Search:
    def __init__(self, created: Created, console: Console, terms: Terms) -> None:
        self._created = created
        self._console = console
        self._terms = terms
        self._gone: set[str] = set()
        self._seen: dict[str, Bid] = {}

    def run(self) -> Lease:
        patience = self._console.patience
        began = time.monotonic()
        first_good: float | None = None
        while True:
            good = self._good_bids()
            now = time.monotonic()
            first_good = now if good and first_good is None else first_good
            if good and self._is_settled(first_good or now, began, now, patience):
                if lease := self._leased(good[0]):
                    return lease
                continue
            if now >= began + patience.bid_wait_s:
                raise AtCapacity(self._no_machine())
            time.sleep(patience.bid_poll_s)

    def _is_settled(self, first_good: float, began: float, now: float, patience: Patience) -> bool:
        return bool(self._gone) or now >= min(first_good + patience.bid_settle_s, began + patience.bid_wait_s)

    def _good_bids(self) -> list[Bid]:
        """The bids that may be taken, cheapest first."""
        denied = self._terms.denied()
        self._seen.update({bid.id.provider: bid for bid in self._console.bids(self._created.dseq)})
        return sorted(
            (bid for bid in self._seen.values() if self._is_good(bid, denied)),
            key=lambda bid: (bid.price.amount, bid.id.provider),
        )

    def _is_good(self, bid: Bid, denied: frozenset[str]) -> bool:
        return (
            bid.state == "open"
            and bid.id.dseq == self._created.dseq
            and bid.price.denom == DENOM
            and _is_under(bid.price.amount, self._terms.max_usd_per_hour)
            and bid.id.provider not in denied | self._gone
        )

    def _leased(self, bid: Bid) -> Lease | None:
        """The lease of a bid; None where somebody else has the machine by now."""
        try:
            view = self._console.lease(self._created, bid)
        except BidTaken:
            self._gone.add(bid.id.provider)
            return None
        except DeploymentOver as error:
            raise AtCapacity(f"{error}; ask again") from error
        return self._checked(view)

    def _checked(self, view: Deployment) -> Lease:
        lease = next((lease for lease in view.leases if lease.state == _ACTIVE), None)
        if lease is None:
            raise RemoteAnswerInvalid(
                f"a bid for deployment {self._created.dseq} was taken and no lease is active"
            )
        if lease.price.denom != DENOM or not _is_under(lease.price.amount, self._terms.max_usd_per_hour):
            raise RemoteAnswerInvalid(
                f"the lease of deployment {self._created.dseq} should cost at most"
                f" {in_words(self._terms.max_usd_per_hour)} an hour and costs {lease.price.amount:f}"
                f" {lease.price.denom} a block"
            )
        return lease

    def _no_machine(self) -> str:
        asked = sorted(usd_per_hour(bid.price.amount) for bid in self._seen.values())
        bids = f"{len(asked)} bids from {in_words(asked[0])} an hour" if asked else "no bid"
        return (
            f"no machine at Akash for at most {in_words(self._terms.max_usd_per_hour)} an hour: {bids}"
            f" within {self._console.patience.bid_wait_s:g} s, {len(self._gone)} taken by others,"
            f" {len(self._terms.denied())} providers denied; raise the cap, name more GPU models, or go"
            " elsewhere"
        )


def _is_under(amount: Decimal, max_usd_per_hour: Decimal) -> bool:
    return usd_per_hour(amount) <= max_usd_per_hour

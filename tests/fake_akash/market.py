"""The market and the escrow of the fake Akash, moved on by its clock.

What the clock does by itself: bids come and go, a deployment without a lease is closed, escrow drains and
runs dry, a provider gives up a lease whose service is not available, containers are started again.
"""

import json
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from tests.fake_akash.container import Container, Host
from tests.fake_akash.faults import MATCHED, NOT_OPEN
from tests.fake_akash.sdl import Order, SdlInvalid, read_sdl

OWNER: Final = "akash1fakeowner0000000000000000000000000000"
BLOCK_S: Final = 6
_UACT: Final = Decimal(1_000_000)
_LEASELESS_S: Final = 600.0
_BID_LIVES_S: Final = 300.0
_RUNWAY_H: Final = 48
_MIN_DEPOSIT: Final = Decimal("0.5")

State = Literal["active", "closed"]


class Refused(Exception):
    """What the API answers with a status of its own."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True)
class Offer:
    """A provider's standing offer: it bids on whatever it can serve.

    Attributes:
        provider: Its address.
        amount: Asked in uact for each block, as on the wire.
        model: Its GPU.
        after_s: How long it takes to bid.
    """

    provider: str
    amount: str
    model: str = "t4"
    after_s: float = 0.0
    denom: str = "uact"


OFFERS: Final = (
    Offer("akash1dear", "900.000000000000000000", after_s=0.0),
    Offer("akash1cheap", "350.000000000000000000", after_s=0.2),
    Offer("akash1middling", "500.000000000000000000", after_s=0.1),
)
"""0.54, 0.21 and 0.30 USD an hour; the dearest is the quickest."""


@dataclass
class Bid:
    offer: Offer
    made_at: float
    state: Literal["open", "active", "lost", "closed"] = "open"


@dataclass
class Lease:
    bid: Bid
    began_at: float
    container: Container
    state: Literal["active", "insufficient_funds", "closed"] = "active"
    reason: str = ""
    failed_checks: int = 0
    check_at: float = 0.0


@dataclass
class Deployment:
    dseq: str
    order: Order
    deposit: Decimal
    made_at: float
    limit_h: int | None
    manifest: str
    state: State = "active"
    escrow: Literal["open", "closed", "overdrawn"] = "open"
    funds: Decimal = Decimal(0)
    transferred: Decimal = Decimal(0)
    settled_at: float = 0.0
    bids: list[Bid] = field(default_factory=list)
    offers_left: list[Offer] = field(default_factory=list)
    leases: list[Lease] = field(default_factory=list)

    @property
    def lease(self) -> Lease | None:
        return next((lease for lease in self.leases if lease.state == "active"), None)


@dataclass
class Market:
    """Everything there is on chain, and the account that pays for it."""

    host: Host
    offers: Iterable[Offer]
    balance: Decimal
    """USD that are not in any escrow."""
    check_s: float
    """Pause between two looks of a provider at its service."""
    unstable_after: int
    """Failed looks in a row after which a provider closes the lease."""
    deployments: dict[str, Deployment] = field(default_factory=dict)
    top_up: dict[str, bool] = field(default_factory=dict)
    """Settings by dseq; a deployment without an entry is funded."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def create(self, sdl: str, *, deposit: object, limit_h: object) -> Deployment:
        try:
            order = read_sdl(sdl)
        except SdlInvalid as error:
            raise Refused(400, f"Invalid SDL: {error}") from error
        if isinstance(deposit, bool) or not isinstance(deposit, int | float):
            raise Refused(400, "deposit is required")
        if (paid := Decimal(str(deposit))) < _MIN_DEPOSIT:
            raise Refused(400, "Deposit too low")
        if limit_h is not None and not (isinstance(limit_h, int) and 1 <= limit_h <= 48):
            raise Refused(400, "runtimeLimitHours must be 1 to 48")
        if paid > self.balance:
            raise Refused(402, "Not enough balance to cover the deployment deposit.")
        self.balance -= paid
        dseq = str(max([int(time.time() * 1000), *(int(one) + 1 for one in self.deployments)]))
        now = self.host.clock()
        deployment = Deployment(
            dseq, order, paid, now, limit_h, manifest=json.dumps([{"name": order.placement, "dseq": dseq}])
        )
        deployment.funds = paid * _UACT
        deployment.offers_left = [offer for offer in self.offers if _serves(offer, order)]
        with self.lock:  # tests call this beside the clock that ticks in a thread
            self.deployments[dseq] = deployment
        return deployment

    def find(self, dseq: str) -> Deployment:
        if dseq not in self.deployments:
            raise Refused(404, "Deployment not found")
        return self.deployments[dseq]

    def begin_lease(self, dseq: str, provider: str, *, manifest: str) -> Deployment:
        """Lease what a provider bid; where there is a lease already, only the manifest is sent again."""
        deployment = self.find(dseq)
        if manifest != deployment.manifest:
            raise Refused(400, "manifest version validation failed")
        if deployment.state != "active":
            raise Refused(400, "Deployment closed")
        if deployment.lease:
            return deployment
        if deployment.leases:
            raise Refused(400, MATCHED)
        bid = next((bid for bid in deployment.bids if bid.offer.provider == provider), None)
        if bid is None or bid.state != "open":
            raise Refused(400, NOT_OPEN)
        for other in deployment.bids:
            other.state = "active" if other is bid else "lost"
        now = self.host.clock()
        deployment.settled_at = now
        container = Container(deployment.order, self.host, self.host.folder / dseq)
        deployment.leases.append(Lease(bid, now, container, check_at=now + self.check_s))
        if self.top_up.get(dseq, True):
            self._fund(deployment, bid)
        return deployment

    def close(self, dseq: str, *, reason: str = "lease_closed_owner") -> None:
        with self.lock:
            deployment = self.find(dseq)
            if deployment.state == "closed":
                return
            self.settle(deployment)
            if lease := deployment.lease:
                self.end_lease(lease, reason)
            self._shut(deployment)

    def end_lease(self, lease: Lease, reason: str) -> None:
        """End a lease as its provider does: the deployment stays, with what is left in its escrow."""
        lease.state, lease.reason = "closed", reason
        lease.container.stop()

    def advance(self) -> None:
        """Do everything that is due."""
        for deployment in self.deployments.values():
            if deployment.state == "active":
                self._bid(deployment)
                self._keep(deployment)

    def settle(self, deployment: Deployment) -> None:
        """Pay the provider for the time since the last settlement, as far as the escrow goes."""
        lease, now = deployment.lease, self.host.clock()
        if lease is None or deployment.escrow != "open":
            return
        seconds = Decimal(str(max(0.0, now - deployment.settled_at)))
        due = Decimal(lease.bid.offer.amount) * seconds / BLOCK_S
        deployment.settled_at = now
        paid = min(due, deployment.funds)
        deployment.funds -= paid
        deployment.transferred += paid
        if due > paid:
            deployment.escrow = "overdrawn"
            lease.state, lease.reason = "insufficient_funds", "lease_closed_reason_insufficient_funds"
            lease.container.stop()
            self._shut(deployment)

    def _bid(self, deployment: Deployment) -> None:
        now = self.host.clock()
        if not deployment.leases:
            for offer in list(deployment.offers_left):
                if now >= deployment.made_at + offer.after_s:
                    deployment.offers_left.remove(offer)
                    deployment.bids.append(Bid(offer, now))
        for bid in deployment.bids:
            if bid.state == "open" and now >= bid.made_at + _BID_LIVES_S:
                bid.state = "closed"
        if not deployment.leases and now >= deployment.made_at + _LEASELESS_S:
            self.close(deployment.dseq)

    def _keep(self, deployment: Deployment) -> None:
        if (lease := deployment.lease) is None:
            return
        self.settle(deployment)
        if lease.state != "active":
            return
        now = self.host.clock()
        if deployment.limit_h is not None and now >= lease.began_at + 3600 * deployment.limit_h:
            self.close(deployment.dseq)
            return
        lease.container.keep_running()
        if now >= lease.check_at:
            lease.check_at = now + self.check_s
            lease.failed_checks = 0 if lease.container.pid else lease.failed_checks + 1
        if lease.failed_checks >= self.unstable_after:
            self.end_lease(lease, "lease_closed_reason_unstable")

    def _fund(self, deployment: Deployment, bid: Bid) -> None:
        """What the platform does unless it was told not to: 48 hours of runway out of the account."""
        runway = Decimal(bid.offer.amount) * _RUNWAY_H * 3600 / BLOCK_S
        missing = min(max(runway - deployment.funds, Decimal(0)), self.balance * _UACT)
        deployment.funds += missing
        self.balance -= missing / _UACT

    def _shut(self, deployment: Deployment) -> None:
        deployment.state = "closed"
        if deployment.escrow == "open":
            deployment.escrow = "closed"
        self.balance += deployment.funds / _UACT
        deployment.funds = Decimal(0)
        for bid in deployment.bids:
            bid.state = "closed" if bid.state in ("open", "active") else bid.state


def _serves(offer: Offer, order: Order) -> bool:
    fits = not order.models or offer.model in order.models
    return fits and Decimal(offer.amount) <= order.cap


def coin(amount: Decimal) -> Mapping[str, str]:
    """An amount as it is on the wire: a text with 18 decimals."""
    return {"denom": "uact", "amount": f"{amount:.18f}"}

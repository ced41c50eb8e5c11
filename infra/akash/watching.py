"""Say how a deployment is, from what the API shows of it, and what it has cost.

A container that ends is started again, so Akash never says ``ended``: the agent's manifest does. A lease
whose provider cannot be reached is unknown; it runs and costs until it is closed.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from infra.akash.answers import Deployment, Lease
from infra.akash.money import usd, usd_per_hour
from infra.remote.provider import Observed, RemoteState
from infra.web.remote_text import quoted

# A provider that gives up a lease in such a way is not to be rented from again today.
FAULTS_OF_PROVIDERS: Final = ("unstable", "decommission", "manifest_timeout")
_LEASELESS_S: Final = 180.0  # a lease comes within this time of its deployment, or nobody will make it
_ACTIVE: Final = "active"
_ENDS: Final = ("closed", "insufficient_funds")


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at a deployment.

    Attributes:
        silent: Provider of its lease that is out of reach; None: it is within.
        to_deny: Providers that gave up its lease.
    """

    observed: Observed
    silent: str | None
    to_deny: tuple[str, ...]


def sight(view: Deployment, *, now: datetime) -> Sight:
    """Read one look; ``now`` is for the cost."""
    state, detail = _state(view, now)
    unreached = (one.id.provider for one in view.leases if one.state == _ACTIVE and one.status is None)
    return Sight(
        Observed(state, quoted(detail)[1:-1], cost_usd(view, now=now)),
        silent=next(unreached, None) if state == "unknown" else None,
        to_deny=tuple(lease.id.provider for lease in view.leases if _is_given_up(lease)),
    )


def cost_usd(view: Deployment, *, now: datetime) -> Decimal:
    """Return what a deployment has cost.

    Of an active one it is price times time since it was made, which is a little too much; never less than
    what the chain has settled. Of one that is over it is what the chain has paid out.
    """
    settled = sum((usd(coin.amount) for coin in view.escrow_account.state.transferred), Decimal(0))
    prices = [lease.price.amount for lease in view.leases if lease.state == _ACTIVE]
    began = made_at(view.deployment.id.dseq)
    if view.deployment.state != _ACTIVE or began is None or not prices:
        return settled
    hours = Decimal(max(0.0, now.timestamp() - began)) / 3600
    return max(settled, usd_per_hour(sum(prices, Decimal(0))) * hours)


def made_at(dseq: str) -> float | None:
    """Return the moment in a dseq, in seconds since the epoch: the API takes its clock's milliseconds."""
    return int(dseq) / 1000 if len(dseq) == 13 else None


def _state(view: Deployment, now: datetime) -> tuple[RemoteState, str]:
    escrow = view.escrow_account.state.state
    if view.deployment.state == "closed" or escrow in ("closed", "overdrawn"):
        return "gone", f"deployment {view.deployment.state}, escrow {escrow}{_reasons(view)}"
    if view.deployment.state != _ACTIVE:
        return "unknown", f"deployment {view.deployment.state}"
    if not view.leases:
        made = made_at(view.deployment.id.dseq)
        if made is not None and now.timestamp() - made > _LEASELESS_S:
            return "gone", "nobody leased it: whoever asked for it was cut off"
        return "queued", "no lease yet"
    active = [lease for lease in view.leases if lease.state == _ACTIVE]
    if active:
        return _service_state(active[0])
    if all(lease.state in _ENDS for lease in view.leases):
        return "gone", f"the lease ended{_reasons(view)}"
    return "unknown", "lease " + ", ".join(lease.state for lease in view.leases)


def _service_state(lease: Lease) -> tuple[RemoteState, str]:
    if lease.status is None:
        return "unknown", f"provider {lease.id.provider} cannot be reached"
    services = lease.status.services
    told = ", ".join(f"{name}: {one.available} of {one.total} available" for name, one in services.items())
    # Also before the service is there: the lease costs, so its time to start must have an end.
    return "running", told or "the provider has no service yet"


def _reasons(view: Deployment) -> str:
    told = [f"{lease.reason or lease.state} at {lease.id.provider}" for lease in view.leases]
    return ": " + ", ".join(told) if told else ""


def _is_given_up(lease: Lease) -> bool:
    return lease.state in _ENDS and any(word in (lease.reason or "") for word in FAULTS_OF_PROVIDERS)

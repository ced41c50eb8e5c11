"""What the API shows of the market, in its own shapes."""

from typing import Any

from tests.fake_akash.market import OWNER, Bid, Deployment, Lease, Offer, coin

JsonObject = dict[str, Any]


def bid_view(deployment: Deployment, bid: Bid) -> JsonObject:
    return {
        "bid": {
            "id": {**_lease_id(deployment, bid.offer), "bseq": 0},
            "state": bid.state,
            "price": {"denom": bid.offer.denom, "amount": bid.offer.amount},
            "created_at": str(int(bid.made_at) // 6),
            "resources_offer": [{"resources": {"id": 1, "gpu": {"units": {"val": "1"}}}, "count": 1}],
        },
        "escrow_account": {"id": {"scope": "bid", "xid": f"{OWNER}/{deployment.dseq}/1/1"}},
    }


def deployment_view(deployment: Deployment, *, silent: bool, listed: bool = False) -> JsonObject:
    """The detail, or with ``listed`` what the list shows: no lease status."""
    leases = [_lease_view(deployment, lease, silent=silent) for lease in deployment.leases]
    for lease in leases if listed else ():
        del lease["status"]
    return {
        "deployment": {
            "id": {"owner": OWNER, "dseq": deployment.dseq},
            "state": deployment.state,
            "hash": "MDEyMw==",
            "created_at": str(int(deployment.made_at) // 6),
        },
        "leases": leases,
        "escrow_account": {
            "id": {"scope": "deployment", "xid": f"{OWNER}/{deployment.dseq}"},
            "state": {
                "owner": OWNER,
                "state": deployment.escrow,
                "transferred": [coin(deployment.transferred)],
                "settled_at": str(int(deployment.settled_at) // 6),
                "funds": [coin(deployment.funds)],
                "deposits": [],
            },
        },
    }


def public_view(deployment: Deployment) -> JsonObject:
    """What everybody may see, and only here the group with its name."""
    return {
        "owner": OWNER,
        "dseq": deployment.dseq,
        "balance": float(deployment.funds),
        "denom": "uact",
        "status": deployment.state,
        "totalMonthlyCostUDenom": 0,
        "leases": [],
        "events": [],
        "other": {
            "deployment": {"id": {"owner": OWNER, "dseq": deployment.dseq}, "state": deployment.state},
            "groups": [
                {
                    "id": {"owner": OWNER, "dseq": deployment.dseq, "gseq": 1},
                    "state": "open",
                    "group_spec": {"name": deployment.order.placement, "requirements": {}, "resources": []},
                }
            ],
        },
    }


def prices_view(offers: tuple[Offer, ...]) -> JsonObject:
    models = sorted({offer.model for offer in offers})
    return {
        "availability": {"total": len(offers), "available": len(offers)},
        "models": [
            {
                "vendor": "nvidia",
                "model": model,
                "ram": "16Gi",
                "interface": "PCIe",
                "availability": {"total": 4, "available": 2},
                "providerAvailability": {"total": 2, "available": 1},
                "price": {
                    "currency": "USD",
                    "min": 0.21,
                    "max": 0.54,
                    "avg": 0.35,
                    "weightedAverage": 0.34,
                    "med": 0.3,
                },
            }
            for model in models
        ]
        + [
            {
                "vendor": "nvidia",
                "model": "h200",
                "ram": "141Gi",
                "interface": "SXM5",
                "availability": {"total": 8, "available": 0},
                "providerAvailability": {"total": 1, "available": 0},
                "price": None,
            }
        ],
    }


def _lease_view(deployment: Deployment, lease: Lease, *, silent: bool) -> JsonObject:
    view: JsonObject = {
        "id": {**_lease_id(deployment, lease.bid.offer), "bseq": 0},
        "state": lease.state,
        "price": {"denom": lease.bid.offer.denom, "amount": lease.bid.offer.amount},
        "created_at": str(int(lease.began_at) // 6),
        "closed_on": "0" if lease.state == "active" else str(int(deployment.settled_at) // 6),
        "status": None if silent or lease.state != "active" else _status(deployment, lease),
    }
    return {**view, **({"reason": lease.reason} if lease.reason else {})}


def _status(deployment: Deployment, lease: Lease) -> JsonObject:
    available = 1 if lease.container.pid else 0
    return {
        "forwarded_ports": {},
        "ips": {},
        "services": {
            deployment.order.service: {
                "name": deployment.order.service,
                "available": available,
                "total": 1,
                "uris": [f"127.0.0.1:{lease.container.port}"],
                "observed_generation": 1,
                "replicas": 1,
                "updated_replicas": 1,
                "ready_replicas": available,
                "available_replicas": available,
            }
        },
    }


def _lease_id(deployment: Deployment, offer: Offer) -> JsonObject:
    return {"owner": OWNER, "dseq": deployment.dseq, "gseq": 1, "oseq": 1, "provider": offer.provider}

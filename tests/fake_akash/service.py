"""The fake Akash as a test sees it, and the answer to each call."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fake_akash.faults import MATCHED, NOT_OPEN, Fault
from tests.fake_akash.journal import Asked
from tests.fake_akash.market import Market, Offer, Refused
from tests.fake_akash.views import bid_view, deployment_view, prices_view, public_view
from tests.scripted import FaultScript, Journal

API_KEY = "ac.sk.test.CANARY-akash-api-key"
_STALE_S = 30.0


@dataclass
class FakeAkash:
    """A Console API with a market behind it."""

    market: Market
    faults: FaultScript[Fault]
    offers: tuple[Offer, ...]
    url: str = ""
    journal: Journal[Asked] = field(default_factory=lambda: Journal(lambda asked: asked.call))
    silent: set[str] = field(default_factory=set)
    """Deployments whose provider is out of reach: their leases have ``status: null``."""
    not_activated: int = 0
    """How many creates are still answered 409: the wallet is being set up."""
    _public: dict[str, tuple[float, Mapping[str, Any]]] = field(default_factory=dict)

    def leases_alive(self) -> list[str]:
        """The dseq of every deployment that has an active lease, which costs money."""
        with self.market.lock:
            self.market.advance()
            return [one.dseq for one in self.market.deployments.values() if one.lease]

    def deployments_alive(self) -> list[str]:
        """The dseq of every deployment that holds money in escrow, leased or not."""
        with self.market.lock:
            self.market.advance()
            return [one.dseq for one in self.market.deployments.values() if one.state == "active"]

    def lose_lease(self, dseq: str, reason: str = "lease_closed_reason_unstable") -> None:
        """End a lease as its provider would."""
        with self.market.lock:
            if lease := self.market.find(dseq).lease:
                self.market.end_lease(lease, reason)

    def pids(self) -> list[int]:
        """The running containers."""
        with self.market.lock:
            leases = [lease for one in self.market.deployments.values() for lease in one.leases]
            return [lease.container.pid for lease in leases if lease.container.pid]

    def log(self, dseq: str) -> str:
        """What a deployment's container has printed."""
        with self.market.lock:
            leases = self.market.find(dseq).leases
        return leases[-1].container.log.read_text() if leases else ""

    def answer(self, asked: Asked, fault: Fault | None) -> tuple[int, object]:
        """Do what was asked and return status and JSON body."""
        with self.market.lock:
            self.market.advance()
            try:
                return self._calls()[asked.call](asked, fault)
            except Refused as refused:
                return refused.status, error_body(refused.status, str(refused))

    def stop(self) -> None:
        """Kill every container."""
        with self.market.lock:
            for deployment in self.market.deployments.values():
                for lease in deployment.leases:
                    lease.container.stop()

    def _calls(self) -> Mapping[str, Callable[[Asked, Fault | None], tuple[int, object]]]:
        return {
            "create": self._create,
            "deployments": self._deployments,
            "deployment": self._deployment,
            "close": self._close,
            "bids": self._bids,
            "lease": self._lease,
            "settings": self._settings,
            "settings_read": self._settings_read,
            "public": self._public_detail,
            "balances": self._balances,
            "prices": lambda asked, fault: (200, prices_view(self.offers)),
        }

    def _create(self, asked: Asked, fault: Fault | None) -> tuple[int, object]:
        if self.not_activated:
            self.not_activated -= 1
            raise Refused(409, "Wallet is not activated yet")
        wanted = _members(asked)
        sdl = wanted.get("sdl")
        if not isinstance(sdl, str):
            raise Refused(400, "sdl is required")
        made = self.market.create(sdl, deposit=wanted.get("deposit"), limit_h=wanted.get("runtimeLimitHours"))
        signed = {"code": 0, "transactionHash": "F" * 64, "rawLog": ""}
        return 201, {"data": {"dseq": made.dseq, "manifest": made.manifest, "signTx": signed}}

    def _deployments(self, asked: Asked, fault: Fault | None) -> tuple[int, object]:
        query = parse_qs(urlsplit(asked.path).query)
        skip, limit = int(query.get("skip", ["0"])[0]), int(query.get("limit", ["1000"])[0])
        active = [one for one in self.market.deployments.values() if one.state == "active"]
        page = active[skip : skip + limit]
        pagination = {
            "total": len(active),
            "skip": skip,
            "limit": limit,
            "hasMore": skip + len(page) < len(active),
        }
        shown = [deployment_view(one, silent=True, listed=True) for one in page]
        return 200, {"data": {"deployments": shown, "pagination": pagination}}

    def _deployment(self, asked: Asked, fault: Fault | None) -> tuple[int, object]:
        found = self.market.find(_last(asked))
        silent = found.dseq in self.silent or (fault is not None and fault.act == "silent_provider")
        return 200, {"data": deployment_view(found, silent=silent)}

    def _close(self, asked: Asked, fault: Fault | None) -> tuple[int, object]:
        if fault is None or fault.act != "ignored":
            self.market.close(_last(asked))
        return 200, {"data": {"success": True}}

    def _bids(self, asked: Asked, fault: Fault | None) -> tuple[int, object]:
        found = self.market.find(parse_qs(urlsplit(asked.path).query).get("dseq", [""])[0])
        return 200, {"data": [bid_view(found, bid) for bid in found.bids]}

    def _lease(self, asked: Asked, fault: Fault | None) -> tuple[int, object]:
        wanted = json.loads(asked.body)
        (one,) = wanted["leases"]
        if not (isinstance(one["dseq"], str) and one["gseq"] == 1 and one["oseq"] == 1):
            raise Refused(400, "leases must name dseq as a text, gseq and oseq as numbers")
        if fault is not None and fault.act == "bid_taken":
            for bid in self.market.find(one["dseq"]).bids:
                bid.state = "lost" if bid.offer.provider == one["provider"] else bid.state
            raise Refused(400, NOT_OPEN)
        leased = self.market.begin_lease(one["dseq"], one["provider"], manifest=wanted["manifest"])
        return 200, {"data": deployment_view(leased, silent=leased.dseq in self.silent)}

    def _settings(self, asked: Asked, fault: Fault | None) -> tuple[int, object]:
        wanted = _members(asked).get("autoTopUpEnabled")
        if not isinstance(wanted, bool):
            raise Refused(400, "autoTopUpEnabled is required")
        if fault is None or fault.act != "ignored":
            self.market.top_up[_last(asked)] = wanted
        return self._setting(_last(asked))

    def _settings_read(self, asked: Asked, fault: Fault | None) -> tuple[int, object]:
        """The trap: to look is to create the row, with top-up on."""
        self.market.top_up.setdefault(_last(asked), True)
        return self._setting(_last(asked))

    def _setting(self, dseq: str) -> tuple[int, object]:
        enabled = self.market.top_up.get(dseq, True)
        told = {"dseq": dseq, "autoTopUpEnabled": enabled, "estimatedTopUpAmount": 0, "topUpFrequencyMs": 1}
        return 200, {"data": told}

    def _public_detail(self, asked: Asked, fault: Fault | None) -> tuple[int, object]:
        found, now = self.market.find(_last(asked)), self.market.host.clock()
        at, view = self._public.get(found.dseq, (float("-inf"), {}))
        if now >= at + _STALE_S:
            view = public_view(found)
            self._public[found.dseq] = now, view
        return 200, view

    def _balances(self, asked: Asked, fault: Fault | None) -> tuple[int, object]:
        escrow = sum(float(one.funds) for one in self.market.deployments.values()) / 1e6
        free = float(self.market.balance)
        return 200, {"data": {"balance": free, "deployments": escrow, "total": free + escrow}}


def error_body(status: int, message: str) -> object:
    """The API's error shape."""
    kinds = {
        400: "bad_request",
        401: "unauthorized",
        402: "payment_required",
        404: "not_found",
        409: "conflict",
    }
    code = kinds.get(status, "rate_limited" if status == 429 else "internal_server_error")
    return {"error": "Error", "message": message, "code": code, "type": "client_error"}


def matched() -> Fault:
    """The order is gone: the deployment has to be made anew."""
    return Fault("lease", "error", status=400, message=MATCHED)


def _members(asked: Asked) -> Mapping[str, object]:
    body = json.loads(asked.body)
    members = body.get("data") if isinstance(body, dict) else None
    if not isinstance(members, dict):
        raise Refused(400, "data is required")
    return members


def _last(asked: Asked) -> str:
    return urlsplit(asked.path).path.rpartition("/")[2]

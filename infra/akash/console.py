"""The calls of the Console API that a lease takes, typed; which of them may be repeated is decided here.

Reads are, and so is what sets or ends something. Creating is repeated only when it certainly created
nothing, since the API takes no key that would tell two tries from two deployments.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from infra.akash.answers import (
    Balances,
    Bid,
    Created,
    Deployment,
    DeploymentId,
    DeploymentPage,
    GpuPrices,
    PublicDetail,
    TopUp,
    member,
    read_as,
)
from infra.akash.asking import Question, ask, ask_until_answered, insist
from infra.akash.connection import AkashConnection, Patience
from infra.akash.refusals import NotNow, ReplyLost, ServerFault, TopUpComing, Unreached
from infra.errors import CreateAmbiguous, RemoteAnswerInvalid, RemoteUnavailable

_PAGE: Final = 100
_CREATE: Final = "POST v1/deployments"
_UNCLEAR: Final = (ReplyLost, ServerFault, RemoteAnswerInvalid)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a deployment is made of.

    Attributes:
        limit_h: After so many hours of a lease a newer Console ends the deployment by itself; older ones
            ignore the member.
        hidden: Secrets of the SDL.
    """

    sdl: str
    deposit_usd: Decimal
    limit_h: int
    hidden: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Wanted(deposit_usd={self.deposit_usd})"


@dataclass(frozen=True, slots=True)
class Console:
    """The API, for one account."""

    connection: AkashConnection
    patience: Patience

    def balances(self) -> Balances:
        """Return the money of the account."""
        return read_as(Balances, self._read_member("v1/balances", "data"), asked="GET v1/balances")

    def create(self, wanted: Wanted) -> Created:
        """Make a deployment, which then waits for bids.

        Raises:
            CreateAmbiguous: Nobody here knows whether it was made.
            BudgetExhausted: The account has not enough money.
            RemoteRefused: It was not made, since something about it is wrong.
        """
        try:
            return self._created(wanted)
        except TopUpComing:
            time.sleep(self.patience.top_up_s)
            return self._created(wanted)

    def _created(self, wanted: Wanted) -> Created:
        data = {
            "sdl": wanted.sdl,
            "deposit": float(wanted.deposit_usd),
            "runtimeLimitHours": wanted.limit_h,
        }
        question = Question("POST", "v1/deployments", body={"data": data}, hidden=wanted.hidden)
        try:
            answer = insist(
                lambda: ask(question, self.connection, total_s=self.patience.create_request_s),
                on=(Unreached, NotNow),
                for_s=self.patience.retry_s,
                patience=self.patience,
            )
            return read_as(Created, member(answer, "data", asked=_CREATE), asked=_CREATE)
        except _UNCLEAR as error:
            raise CreateAmbiguous(f"a deployment was asked for and may exist: {error}") from error

    def require_top_up_off(self, dseq: str) -> None:
        """Switch automatic top-up off; without that a deposit is no limit to what a lease can cost.

        Raises:
            RemoteAnswerInvalid: It is on all the same.
        """
        # Never GET this path: that creates the setting, switched on.
        question = Question(
            "PATCH", f"v2/deployment-settings/{dseq}", body={"data": {"autoTopUpEnabled": False}}
        )
        asked = f"PATCH {question.path}"
        answer = ask_until_answered(question, self.connection, patience=self.patience)
        if read_as(TopUp, member(answer, "data", asked=asked), asked=asked).enabled:
            raise RemoteAnswerInvalid(
                f"automatic top-up of deployment {dseq} should be off and is said to be on; it was not leased"
            )

    def bids(self, dseq: str) -> list[Bid]:
        """Return the bids so far, of whatever state."""
        asked = "GET v1/bids"
        found = self._read_member("v1/bids", "data", query=f"dseq={dseq}")
        if not isinstance(found, list):
            raise RemoteAnswerInvalid(f"Akash's answer to {asked} must hold a list")
        return [read_as(Bid, one.get("bid") if isinstance(one, dict) else None, asked=asked) for one in found]

    def lease(self, created: Created, bid: Bid) -> Deployment:
        """Take a bid and send the provider the manifest; a lease that is there already is kept.

        Raises:
            BidTaken: The bid is no longer open.
            DeploymentOver: The deployment takes no lease any more.
        """
        named = {
            "dseq": bid.id.dseq,
            "gseq": bid.id.gseq,
            "oseq": bid.id.oseq,
            "provider": bid.id.provider,
        }
        question = Question("POST", "v1/leases", body={"manifest": created.manifest, "leases": [named]})
        answer = insist(
            lambda: ask(question, self.connection, total_s=self.patience.create_request_s),
            on=(RemoteUnavailable, RemoteAnswerInvalid),
            for_s=self.patience.retry_s,
            patience=self.patience,
        )
        return read_as(Deployment, member(answer, "data", asked="POST v1/leases"), asked="POST v1/leases")

    def deployment(self, dseq: str) -> Deployment:
        """Return a deployment as it is now.

        Raises:
            DeploymentUnknown: There is none.
        """
        path = f"v1/deployments/{dseq}"
        return read_as(Deployment, self._read_member(path, "data"), asked=f"GET {path}")

    def active(self) -> Iterator[DeploymentId]:
        """Yield every active deployment of the account, ours or not."""
        skip, asked = 0, "GET v1/deployments"
        while True:
            found = self._read_member("v1/deployments", "data", query=f"skip={skip}&limit={_PAGE}")
            page = read_as(DeploymentPage, found, asked=asked)
            yield from (one.deployment.id for one in page.deployments if one.deployment.state == "active")
            if not page.pagination.has_more or not page.deployments:
                return
            skip += len(page.deployments)

    def group_names(self, deployment: DeploymentId) -> list[str]:
        """Return the names of a deployment's groups, which may be of 30 seconds ago."""
        path = f"v1/deployment/{deployment.owner}/{deployment.dseq}"
        detail = read_as(PublicDetail, self._read_member(path, "other"), asked=f"GET {path}")
        return [group.group_spec.name for group in detail.groups]

    def close(self, dseq: str) -> None:
        """Ask once for the end of a deployment; whether it came is for ``deployment`` to say."""
        question = Question("DELETE", f"v1/deployments/{dseq}")
        ask(question, self.connection, total_s=self.patience.create_request_s)

    def gpu_prices(self) -> GpuPrices:
        """Return the market's price list."""
        answer = ask_until_answered(Question("GET", "v1/gpu-prices"), self.connection, patience=self.patience)
        return read_as(GpuPrices, answer, asked="GET v1/gpu-prices")

    def _read_member(self, path: str, name: str, *, query: str = "") -> object:
        answer = ask_until_answered(Question("GET", path, query), self.connection, patience=self.patience)
        return member(answer, name, asked=f"GET {path}")

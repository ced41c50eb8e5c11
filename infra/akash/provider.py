"""Run jobs on leases at Akash, under the protocol of ``infra.remote.provider``.

    funds? ──> deployment ──> opened ──> top-up off ──> bids ──> lease ──> ... ──> closed, confirmed
                   │              └──────────┴──────────┴─────────┴── whatever fails: closed, confirmed
                   └── no reply: ambiguous, ``find`` knows it by its name

There is no switch at the provider that turns a lease off without us but an escrow that runs dry, so the
deposit is small and nothing may fill it up again; where the Console takes a limit in hours, it gets one too.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Final

from infra.akash.answers import Created, DeploymentId
from infra.akash.console import Console, Wanted
from infra.akash.ending import by_hand, end
from infra.akash.money import MIN_DEPOSIT_USD, in_words
from infra.akash.refusals import DeploymentUnknown
from infra.akash.renting import rent
from infra.akash.sdl import Stack, stack_sdl
from infra.akash.terms import Terms, hours_until, worst_cost_usd
from infra.akash.watching import cost_usd, sight
from infra.errors import BudgetExhausted, RemoteError, RemoteRefused, RemoteUnavailable
from infra.remote.names import Kind, parse_remote_name
from infra.remote.provider import Accelerator, Handle, Observed, RemoteJob
from infra.web.remote_text import quoted

_TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class _Plan:
    wanted: Wanted
    worst_usd: Decimal


class AkashProvider:
    """Leases under given terms. Safe to use from many threads."""

    kind: Kind = "akash"

    def __init__(
        self,
        console: Console,
        terms: Terms,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.console = console
        self._terms = terms
        self._now = now
        self._silent_since: dict[str, datetime] = {}
        self._names: dict[str, tuple[str, ...]] = {}

    def check(self, _: Accelerator) -> None:
        """Say whether settings, funds and the month's budget allow a lease at all; see the protocol."""
        self._require_funds(MIN_DEPOSIT_USD)

    def create(self, job: RemoteJob, opened: Callable[[Handle], None]) -> Handle:
        """Lease a machine that runs the job; see the protocol. Whatever fails, nothing is left behind."""
        plan = self._plan(job)
        self._require_funds(plan.worst_usd, name=job.name)
        created = self.console.create(plan.wanted)
        handle = Handle(job.name, created.dseq)
        try:
            opened(handle)
            self._lease(created)
        except BaseException as error:  # an interrupt as well must not leave a lease behind
            self._undo(handle, error)
            raise
        return handle

    def observe(self, handle: Handle) -> Observed:
        """Ask how a lease is; see the protocol."""
        try:
            view = self.console.deployment(handle.id)
        except DeploymentUnknown:
            return Observed("gone", "Akash knows no such deployment")
        now = self._now()
        seen = sight(view, now=now)
        for provider in seen.to_deny:
            self._terms.deny(provider)
        if seen.silent is None:
            self._silent_since.pop(handle.id, None)
            return seen.observed
        return self._silent(handle, seen.observed, provider=seen.silent, now=now)

    def harvest(self, handle: Handle) -> str:  # noqa: ARG002
        """Return nothing: the Console has no logs, and the agent stores its own."""
        return ""

    def by_hand(self, handle: Handle) -> str:
        """Tell the commands that end a lease without us."""
        return by_hand(handle.id, self.console)

    def destroy(self, handle: Handle) -> None:
        """End a lease and its deployment; see the protocol."""
        end(handle.id, self.console, name=handle.name)
        self._silent_since.pop(handle.id, None)

    def find(self) -> Iterator[Handle]:
        """Yield everything alive under a name of ours; see the protocol.

        Raises:
            RemoteUnavailable: After all others: of some deployments the name could not be learnt.
        """
        nameless = []
        for deployment in self.console.active():
            try:
                names = self._group_names(deployment)
            except RemoteError as error:
                nameless.append(f"{deployment.dseq} ({error})")
                continue
            yield from (Handle(name, deployment.dseq) for name in names if is_ours(name))
        if nameless:
            raise RemoteUnavailable(f"whose these deployments are is not known: {', '.join(nameless)}")

    def cost_usd(self, handle: Handle) -> Decimal | None:
        """Return what a lease has cost, also after its end; None where nobody knows the deployment."""
        try:
            return cost_usd(self.console.deployment(handle.id), now=self._now())
        except DeploymentUnknown:
            return None

    def worst_cost_usd(self, deadline: datetime) -> Decimal:
        """Return the most that a lease until then can cost, by the price cap."""
        return worst_cost_usd(self._terms, hours=hours_until(deadline, now=self._now()))

    def _plan(self, job: RemoteJob) -> _Plan:
        hours = hours_until(job.deadline, now=self._now())
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        hardware = self._terms.hardware
        stack = Stack(
            name=job.name,
            image=self._terms.image,
            command=self._terms.command,
            hardware=hardware if job.accelerator == "cuda" else replace(hardware, gpu_models=()),
            max_usd_per_hour=self._terms.max_usd_per_hour,
            environment={
                "CALIBGUARD_SPEC_URL": job.spec_url,
                "CALIBGUARD_AGENT_TOKEN": token,
                "CALIBGUARD_MAX_LIFETIME_S": str(int(hours * 3600)),
            },
        )
        worst = worst_cost_usd(self._terms, hours=hours)
        limit_h = int(hours.to_integral_value(ROUND_CEILING))
        return _Plan(Wanted(stack_sdl(stack), worst, limit_h, hidden=_parts(job.spec_url, token)), worst)

    def _require_funds(self, deposit: Decimal, *, name: str = "") -> None:
        self._terms.require_budget(deposit, name=name)
        free = self.console.balances().balance
        if free < deposit:
            raise BudgetExhausted(
                f"a lease needs a deposit of {in_words(deposit)} and the Akash account has"
                f" {free:.2f} USD free; add credit to it, or lower the price cap or the hours"
            )

    def _lease(self, created: Created) -> None:
        if created.signed.code != 0:
            raise RemoteRefused(
                f"the chain did not take deployment {created.dseq}: code {created.signed.code},"
                f" {quoted(created.signed.raw_log)}"
            )
        self.console.require_top_up_off(created.dseq)
        rent(created, self.console, terms=self._terms)

    def _undo(self, handle: Handle, error: BaseException) -> None:
        try:
            self.destroy(handle)
        except RemoteError as failed:
            raise failed from error

    def _silent(self, handle: Handle, observed: Observed, *, provider: str, now: datetime) -> Observed:
        """A lease is given up only when its provider has been out of reach for long."""
        for_s = (now - self._silent_since.setdefault(handle.id, now)).total_seconds()
        detail = f"{observed.detail} for {for_s:.0f} s"
        if for_s < self.console.patience.silent_s:
            return replace(observed, detail=detail)
        self._terms.deny(provider)
        return Observed("gone", detail, observed.cost_usd)

    def _group_names(self, deployment: DeploymentId) -> tuple[str, ...]:
        """The names, asked for once: on chain they never change."""
        if deployment.dseq not in self._names:
            self._names[deployment.dseq] = tuple(self.console.group_names(deployment))
        return self._names[deployment.dseq]


def _parts(spec_url: str, token: str) -> tuple[str, ...]:
    """What no error may repeat: the query alone is as good as the URL to whoever knows the store."""
    return tuple(secret for secret in (spec_url, spec_url.partition("?")[2], token) if secret)


def is_ours(name: str) -> bool:
    """Whether a group's name is one that we give to leases."""
    parsed = parse_remote_name(name)
    return parsed is not None and parsed.kind == "akash"

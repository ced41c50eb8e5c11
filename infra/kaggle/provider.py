"""Kaggle as a provider of rented machines: one private kernel for each job, of the job's name.

Pushing to a slug a second time would start a second session beside the first, so each attempt has a fresh
one, its version is pinned in all that is asked, and deleting the kernel is what ends a session. Kernels whose
names do not parse as ours are never touched.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, Literal

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_exponential_jitter

from infra.errors import BudgetExhausted, DestroyFailed, RemoteError, RemoteRefused
from infra.kaggle.api import KaggleApi
from infra.kaggle.notebooks import LONGEST_SESSION_S, KernelRef, Push, kernel_ref
from infra.kaggle.pushing import by_hand
from infra.kaggle.refusals import BadRequest, KernelGone
from infra.remote.names import parse_remote_name
from infra.remote.provider import Accelerator, Handle, Observed, RemoteJob

_LEAST_QUOTA_S: Final = 15 * 60  # less is not worth a start
_LEAST_SESSION_S: Final = 60
_OVERTIME_S: Final = 120  # after the deadline, for the agent to finish its photos and write its manifest


class KaggleProvider:
    """Runs jobs as kernels; see ``infra.remote.provider.Provider``."""

    kind: Literal["kaggle", "akash"] = "kaggle"

    def __init__(
        self,
        api: KaggleApi,
        *,
        script: Callable[[RemoteJob], str],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._api = api
        self._script = script
        self._now = now

    def check(self, accelerator: Accelerator) -> None:
        """Say whether the week's GPU quota allows a job; where Kaggle tells none, it does, and without a GPU.

        Raises:
            BudgetExhausted: It does not.
        """
        quota = self._api.quota()  # asked in any case: it tells whether the account is known
        if accelerator == "cuda" and quota is not None and quota.left_s < _LEAST_QUOTA_S:
            renewal = f"at {quota.renewed_at:%Y-%m-%d %H:%M} UTC" if quota.renewed_at else "within a week"
            raise BudgetExhausted(
                f"{quota.left_s / 60:.0f} minutes of the week's {quota.allowed_s / 3600:.0f} GPU hours are"
                f" left at Kaggle, {_LEAST_QUOTA_S // 60} or more were expected; it is renewed {renewal}"
            )

    def create(self, job: RemoteJob, opened: Callable[[Handle], None]) -> Handle:
        """Push a private kernel of the job's name and run it; see ``Provider.create``."""
        kernel = KernelRef(self._api.owner, _our_slug(job.name))
        left_s = int((job.deadline - self._now()).total_seconds())
        if left_s < _LEAST_SESSION_S:
            raise RemoteRefused(f"{left_s} s are left until the deadline of {job.name}; it was not started")
        if self._knows(kernel):
            raise RemoteRefused(f"{kernel} exists already; number the next attempt, `find` lists this one")
        push = Push(
            source=self._script(job),
            kind="script",
            gpu=job.accelerator == "cuda",
            timeout_s=min(left_s + _OVERTIME_S, LONGEST_SESSION_S),
        )
        handle = Handle(job.name, str(self._api.push(kernel, push, is_new=True)))
        opened(handle)
        return handle

    def observe(self, handle: Handle) -> Observed:
        """Ask how a session is; what Kaggle does not know is ``gone``."""
        try:
            status = self._api.status(_kernel(handle))
        except KernelGone as error:
            return Observed("gone", str(error)[:200])
        return Observed(
            status.state, f"{status.word}: {status.failure}"[:200] if status.failure else status.word
        )

    def harvest(self, handle: Handle) -> str:
        """Fetch the log: all of it after the end, before it what the session has printed so far."""
        kernel = _kernel(handle)
        with suppress(KernelGone, BadRequest):
            _, log = self._api.output(kernel)
            return log or self._api.log_so_far(kernel)
        return ""

    def by_hand(self, handle: Handle) -> str:
        """Tell the command that deletes the kernel."""
        return f"`{by_hand(_kernel(handle))}`"

    def destroy(self, handle: Handle) -> None:
        """Delete the kernel, and return once Kaggle knows it no longer; its output is gone with it.

        Raises:
            DestroyFailed: Kaggle still knows it, or could not be asked, or does not accept the token.
        """
        kernel = _kernel(handle)
        try:
            self._cancel(kernel)
            self._api.delete(kernel)
            self._await_gone(kernel)
        except (RemoteError, RetryError) as error:
            why = "it is still there" if isinstance(error, RetryError) else str(error)
            raise DestroyFailed(
                f"{kernel} may still run and use quota: {why}; run {self.by_hand(handle)}"
            ) from error

    def worst_cost_usd(self, deadline: datetime) -> None:
        """Foretell nothing: a kernel costs quota and no money."""

    def cost_usd(self, handle: Handle) -> None:
        """Tell nothing: a kernel costs quota and no money."""

    def find(self) -> Iterator[Handle]:
        """Every kernel of the account under a name of ours, also where its session has ended."""
        for kernel in self._api.kernels():
            name = parse_remote_name(kernel.slug)
            if name is not None and name.kind == "kaggle":
                yield Handle(kernel.slug, str(kernel))

    def _cancel(self, kernel: KernelRef) -> None:
        """Ask for the session's end too, where its number is to be had: nothing depends on it."""
        with suppress(RemoteError):
            if (session := self._api.session_id(kernel)) is not None:
                self._api.cancel(session)

    def _await_gone(self, kernel: KernelRef) -> None:
        patience = self._api.patience
        Retrying(
            retry=retry_if_result(lambda known: known),
            wait=wait_exponential_jitter(multiplier=patience.first_pause_s, max=15.0),
            stop=stop_after_delay(patience.confirm_s),
        )(self._knows, kernel)

    def _knows(self, kernel: KernelRef) -> bool:
        try:
            self._api.status(KernelRef(kernel.owner, kernel.slug))
        except KernelGone:
            return False
        return True


def _kernel(handle: Handle) -> KernelRef:
    """The kernel of a handle, if it is ours to touch."""
    kernel = kernel_ref(handle.id)
    _our_slug(kernel.slug)
    if kernel.slug != handle.name:
        raise ValueError(f"the handle of {handle.name!r} must be its kernel, got {handle.id!r}")
    return kernel


def _our_slug(slug: str) -> str:
    name = parse_remote_name(slug)
    if name is None or name.kind != "kaggle":
        raise ValueError(f"{slug!r} is no name of a job at Kaggle, so it is not touched")
    return slug

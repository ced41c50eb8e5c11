"""Watch one job until it has ended, and call off the agent of one that has not ended by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from infra.errors import RemoteError, StoreError
from infra.remote.batch import Batch
from infra.remote.ending import Clock
from infra.remote.flow_run import FlowRunLink
from infra.remote.outcomes import Cause, Outcome
from infra.remote.provider import Handle, Observed, Provider
from infra.remote.watching import Look, Patience, Watch
from infra.store.lease import Lease

_CALLED_OFF: Final[frozenset[Cause]] = frozenset({"cancelled", "overtaken", "stopped", "deadline", "lost"})
_WORD_POLL_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Follower:
    """Watches jobs at one provider.

    Attributes:
        stopping: Whether our worker is told to stop.
    """

    provider: Provider
    patience: Patience
    clock: Clock
    stopping: Callable[[], bool]

    def follow(
        self, handle: Handle, deadline: datetime, batch: Batch, *, lease: Lease, link: FlowRunLink
    ) -> Outcome:
        """Return once the job has ended or is to be ended.

        Raises:
            WatchTaken: Another worker watches now.
        """
        watch = Watch(deadline.timestamp(), self.patience)
        outcome = None
        is_told = False
        while outcome is None:
            lease.require_held()
            outcome = watch.take(self._look(handle, batch, link))
            if watch.started and not is_told:
                link.running()
                is_told = True
            if outcome is None:
                self.pause()
        if outcome.cause in _CALLED_OFF:
            self._call_off(batch, is_patient=outcome.cause == "cancelled")
        return outcome

    def waited(self, deadline: datetime, link: FlowRunLink) -> Outcome | None:
        """Pause while there is no machine yet; an outcome where none is wanted any more."""
        self.pause()
        look = Look(self.clock.now(), Observed("queued"), run=link.state(), stopping=self.stopping())
        return Watch(deadline.timestamp(), self.patience).take(look)

    def pause(self) -> None:
        """Let some time pass."""
        self.clock.sleep(self.patience.poll_s * self.clock.jitter())

    def _look(self, handle: Handle, batch: Batch, link: FlowRunLink) -> Look:
        """Look at everything; the provider first, so that a manifest written before its end is seen."""
        try:
            observed = self.provider.observe(handle)
        except RemoteError as error:
            observed = Observed("unknown", str(error)[:200])
        run, stopping, beat, word, answers = link.state(), self.stopping(), None, None, True
        try:
            beat, word = batch.beat(), batch.last_word()
        except StoreError:
            answers = False
        return Look(self.clock.now(), observed, beat, word, answers, run, stopping)

    def _call_off(self, batch: Batch, *, is_patient: bool) -> None:
        """Tell the agent to stop; where we are patient, let it finish what it is at."""
        try:
            batch.stop()
            until = self.clock.now() + self.patience.grace_s
            while is_patient and self.clock.now() < until and not self.stopping():
                if batch.last_word() is not None:
                    return
                self.clock.sleep(min(self.patience.poll_s, _WORD_POLL_S))
        except StoreError:
            return  # the machine is destroyed next

"""End a job for good: fetch its log, have it destroyed, settle its run, close its record, in this order.

Whatever step fails or is never reached, the record stays open and a reaper takes all steps again: each may
be repeated. What a person would have to do by hand is said in the run's log and kept beside the record.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from random import uniform
from typing import Final, Literal

from infra.errors import RemoteError, StoreError
from infra.remote.flow_run import FlowRunLink
from infra.remote.outcomes import Outcome
from infra.remote.provider import Handle, Provider
from infra.remote.records import Closed, RemoteRecords
from infra.web.remote_text import without_url_queries

_DESTROY_TRIES: Final = 3
_DESTROY_PAUSE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, so that tests need none.

    Attributes:
        now: Seconds since the epoch.
        sleep: May return early, when the worker is told to stop.
        jitter: Factor for pauses, so that several who wait do not ask in step.
    """

    now: Callable[[], float] = time.time
    sleep: Callable[[float], object] = time.sleep
    jitter: Callable[[], float] = lambda: uniform(0.8, 1.2)  # noqa: S311

    def moment(self) -> datetime:
        """Now, in UTC."""
        return datetime.fromtimestamp(self.now(), UTC)


@dataclass(frozen=True, slots=True)
class Undertaker:
    """Ends jobs at one provider."""

    provider: Provider
    records: RemoteRecords
    clock: Clock

    def end(
        self,
        name: str,
        handle: Handle | None,
        outcome: Outcome,
        link: FlowRunLink,
        *,
        settles: Literal["run", "nothing"] = "run",
    ) -> bool:
        """End a job; False where something is left to do for a reaper.

        ``handle`` is None where the provider was never seen to have the job; ``settles`` is ``nothing`` where
        the run goes on with another machine.
        """
        cost = None
        is_gone = True
        if handle is not None:
            self._harvest(handle)
            is_gone = self.destroy(handle, say=link.say)
            cost = self._cost(handle) if is_gone else None
        if cost is not None:
            link.say(f"{name} has cost {cost:.4f} USD")
        is_settled = settles == "nothing" or link.settle(outcome)
        if not (is_gone and is_settled):
            return False
        closed = Closed(cause=outcome.cause, sentence=outcome.sentence, cost_usd=cost, at=self.clock.moment())
        self.records.close(name, closed)
        return True

    def destroy(self, handle: Handle, *, say: Callable[[str], None] = lambda _: None) -> bool:
        """Have a job destroyed; False, and the manual way told and kept, where that was not confirmed."""
        for attempt in range(1, _DESTROY_TRIES + 1):
            try:
                self.provider.destroy(handle)
                return True
            except RemoteError as error:
                sentence = str(error)
            if attempt < _DESTROY_TRIES:
                self.clock.sleep(_DESTROY_PAUSE_S * self.clock.jitter())
        say(f"{handle.name} could not be ended and may still cost: {sentence}")
        with suppress(StoreError):
            self.records.keep_undestroyed(handle.name, sentence, self.clock.moment())
        return False

    def find(self, name: str) -> Handle | None:
        """Ask the provider for a job by its name.

        Raises:
            RemoteError: It could not be asked.
        """
        return next((handle for handle in self.provider.find() if handle.name == name), None)

    def _cost(self, handle: Handle) -> Decimal | None:
        with suppress(RemoteError):
            return self.provider.cost_usd(handle)
        return None

    def _harvest(self, handle: Handle) -> None:
        """Keep the log, if there is one: evidence, never a reason to leave the machine running."""
        with suppress(RemoteError, StoreError):
            if log := self.provider.harvest(handle):
                self.records.keep_log(handle.name, without_url_queries(log))

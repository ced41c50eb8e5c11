"""Why and when the agent stops before its work is done: the first reason stands, photos are not cut short."""

import time
from threading import Lock

from tasks.domain.batches import Reason


class Stopped(Exception):
    """Work is not to be begun any more."""


class Stop:
    """A request to stop, made by any thread or by the clock."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked: tuple[Reason, str] | None = None
        self._fault: tuple[Reason, str] | None = None
        self._deadline: float | None = None

    def after(self, seconds: float) -> None:
        """Ask for the stop that many seconds from now, unless an earlier moment is set."""
        moment = time.monotonic() + seconds
        self._deadline = moment if self._deadline is None else min(moment, self._deadline)

    def ask(self, reason: Reason, sentence: str) -> None:
        """Ask for the stop; a later reason does not replace an earlier one."""
        with self._lock:
            self._asked = self._asked or (reason, sentence)

    def asked(self) -> tuple[Reason, str] | None:
        """Return the reason and its sentence; None: go on."""
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self.ask("deadline", "the time was up before all shards were finished")
        return self._asked

    def remember(self, reason: Reason, sentence: str) -> None:
        """Note what goes wrong in one shard and need not stop the others."""
        with self._lock:
            self._fault = self._fault or (reason, sentence)

    def verdict(self) -> tuple[Reason, str]:
        """Return how it all ended, once no more work is under way."""
        return self._asked or self._fault or ("done", "all shards are finished")

    def check(self) -> None:
        """Raise ``Stopped`` where somebody asked for it."""
        if self.asked():
            raise Stopped

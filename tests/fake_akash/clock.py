"""A clock that a test sets forward: escrow, bids and availability checks go by it."""

import threading
import time


class SteppingClock:
    """Seconds since the epoch; runs with the real one, so many times as fast, and can be set forward."""

    def __init__(self, *, speed: float = 1.0) -> None:
        self._speed = speed
        self._epoch = time.time()
        self._began = time.monotonic()
        self._ahead = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        with self._lock:
            return self._epoch + self._ahead + self._speed * (time.monotonic() - self._began)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._ahead += seconds

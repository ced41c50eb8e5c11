"""The supervisor's children: each is started again when it ends, the later the sooner it ended.

A child that cannot run is thus tried twice a minute and not twice a second; its log says how it ended and
when it is tried again. On Linux the kernel ends children whose supervisor dies.
"""

import ctypes
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.settings import child_environment

_STEADY_S = 10.0  # a child that ran as long was well, and what ended it may have passed
_LONGEST_PAUSE_S = 30.0
_STOP_TIMEOUT_S = 20.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass
class Child:
    """A command that is kept running.

    Attributes:
        command: Program and arguments.
        log: Takes what it prints, and a line for each end of it.
        may_start: Asked before each start.
        environment: Variables that it has beside ours.
        stop_timeout_s: Seconds that it has to end by itself.
    """

    command: Sequence[str]
    log: Path
    may_start: Callable[[], bool] = lambda: True
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    stop_timeout_s: float = _STOP_TIMEOUT_S
    _running: subprocess.Popen[bytes] | None = None
    _started_at: float = 0.0
    _start_at: float = 0.0
    _pause_s: float = 0.0

    def keep_running(self, now: float) -> None:
        """Look whether it runs, and start it where it does not and its pause is over; ``now`` in seconds."""
        if self._running is not None and (status := self._running.poll()) is not None:
            self._running = None
            self._plan_start(status, now)
        if self._running is None and now >= self._start_at and self.may_start():
            self._running = _started(self.command, self.log, self.environment)
            self._started_at = now

    def stop(self) -> None:
        """End it for good."""
        if self._running is not None:
            terminate(self._running, within_s=self.stop_timeout_s)

    def _plan_start(self, status: int, now: float) -> None:
        lived = now - self._started_at
        self._pause_s = 0.0 if lived >= _STEADY_S else min(max(1.0, 2 * self._pause_s), _LONGEST_PAUSE_S)
        self._start_at = now + self._pause_s
        with self.log.open("a") as log:
            log.write(
                f"supervisor: it ended with status {status} after {lived:.0f} s and is started again in"
                f" {self._pause_s:g} s\n"
            )


def terminate(process: subprocess.Popen[Any], *, within_s: float = _STOP_TIMEOUT_S) -> None:
    """Ask a process to end, and end it when it does not."""
    process.terminate()
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _started(command: Sequence[str], log: Path, more: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=child_environment(more, inherits="everything"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=end_with_parent,
        )


def end_with_parent() -> None:
    """Between fork and exec: interruptible again, and ended by the kernel when the supervisor dies."""
    # Prefect answers SIGTERM by sending itself SIGINT, which a background shell job inherits as ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

"""A container of the fake Akash: a real process group, started again whenever it ends, as Kubernetes does."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.fake_akash.sdl import Order

_FIRST_PAUSE_S = 10.0
_LONGEST_PAUSE_S = 300.0


@dataclass(frozen=True)
class Host:
    """How a provider runs images here: a word of an image's command becomes a command of this machine.

    Attributes:
        commands: First word of an SDL's command, and what is run for it, in front of the other words.
        environment: More variables of each container. In both, ``{port}`` becomes the free port that stands
            for the container's exposed one.
        pull_s: Seconds until an image is there.
    """

    folder: Path
    commands: Mapping[str, Sequence[str]]
    environment: Mapping[str, str]
    pull_s: float
    clock: Callable[[], float]


@dataclass
class Container:
    """One service of one lease. Not safe for threads: the market's lock guards it."""

    order: Order
    host: Host
    folder: Path
    port: int = field(default_factory=lambda: _free_port())
    starts: int = 0
    _child: "subprocess.Popen[bytes] | None" = None
    _start_at: float = 0.0
    _pause_s: float = _FIRST_PAUSE_S

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self._start_at = self.host.clock() + self.host.pull_s

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child and self._child.poll() is None else None

    @property
    def pauses(self) -> bool:
        """Whether its end has been seen and its next start is set."""
        return self._child is None

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    def keep_running(self) -> None:
        """Start the process where it is due, later the more often it has ended."""
        now = self.host.clock()
        if self._child is not None and self._child.poll() is not None:
            self._start_at = now + self._pause_s  # before ``pauses`` shows, whose reader moves the clock on
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
            self._end_group()
        if self._child is None and now >= self._start_at:
            self.starts += 1
            self._child = self._started()

    def stop(self) -> None:
        """Kill the whole group and return once it is gone."""
        self._start_at = float("inf")
        self._end_group()

    def _end_group(self) -> None:
        if self._child is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._child = None

    def _started(self) -> "subprocess.Popen[bytes]":
        first, *others = self.order.command
        command = [*self.host.commands.get(first, ("false",)), *others]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [self._placed(word) for word in command],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        own = {name: self._placed(text) for name, text in self.host.environment.items()}
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), **own, **self.order.environment}

    def _placed(self, text: str) -> str:
        return text.replace("{port}", str(self.port))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port

"""One session of the fake Kaggle: it really runs the pushed script, as a process group of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

State = Literal["QUEUED", "RUNNING", "COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED"]
ENDED = ("COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED")
_TICK_S = 0.02


@dataclass(frozen=True)
class Order:
    """What was pushed."""

    slug: str
    version: int
    source: str
    gpu: bool
    machine_shape: str
    timeout_s: float
    mounts: Mapping[str, Path]
    """Path below ``kaggle/input`` and what is found there."""


@dataclass
class Session:
    """A run of one version of one kernel."""

    id: int
    order: Order
    root: Path
    """Holds ``kaggle/working`` and ``kaggle/input``."""
    clock: Callable[[], float]
    queue_s: float
    environment: Mapping[str, str]
    state: State = "QUEUED"
    failure: str = ""
    stale_reads: int = 0
    """How often a status read still says RUNNING once it has ended."""
    ran_s: float = 0.0
    log: list[dict[str, object]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _child: "subprocess.Popen[str] | None" = None
    _thread: threading.Thread | None = None

    @property
    def working(self) -> Path:
        return self.root / "kaggle" / "working"

    @property
    def alive(self) -> bool:
        return self.state not in ENDED

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """End the whole process group and return once it is gone."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def status(self) -> dict[str, object]:
        """The members of a status answer: a queued session has none, as on the wire."""
        if not self.alive and self.stale_reads > 0:
            self.stale_reads -= 1
            return {"status": "RUNNING"}
        if self.state == "QUEUED":
            return {}
        return {"status": self.state, **({"failureMessage": self.failure} if self.failure else {})}

    def log_text(self) -> str:
        return json.dumps(self.log)

    def _run(self) -> None:
        asked_at = self.clock()
        while self.clock() < asked_at + self.queue_s:
            if self._stop.wait(_TICK_S):
                self.state = "CANCEL_ACKNOWLEDGED"
                return
        began = self.clock()
        self._launch()
        self.state = "RUNNING"
        end, failure = self._await_end(began + self.order.timeout_s)
        self.ran_s = self.clock() - began
        self.failure, self.state = failure, end

    def _launch(self) -> None:
        self.working.mkdir(parents=True)
        for place, target in self.order.mounts.items():
            link = self.root / "kaggle" / "input" / place
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target, target_is_directory=True)
        script = self.root / "script.py"
        script.write_text(self.order.source, encoding="utf-8")
        self._child = subprocess.Popen(
            [sys.executable, "-u", str(script)],
            cwd=self.working,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def _environment(self) -> dict[str, str]:
        own = {
            name: text.replace("{kaggle}", str(self.root / "kaggle"))
            for name, text in self.environment.items()
        }
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "KAGGLE_KERNEL_RUN_TYPE": "Batch",
            "KAGGLE_CONTAINER_NAME": f"kaggle_fake-{self.id}",
            **own,
        }

    def _await_end(self, deadline: float) -> tuple[State, str]:
        child = self._child
        assert child is not None
        readers = [
            threading.Thread(target=self._read, args=(name,), daemon=True) for name in ("stdout", "stderr")
        ]
        for reader in readers:
            reader.start()
        end: tuple[State, str] | None = None
        while child.poll() is None and end is None:
            if self._stop.wait(_TICK_S):
                end = "CANCEL_ACKNOWLEDGED", ""
            elif self.clock() > deadline:
                end = "ERROR", "Your notebook exceeded the maximum execution time"
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        code = child.wait()
        for reader in readers:
            reader.join()
        if end:
            return end
        return ("COMPLETE", "") if code == 0 else ("ERROR", f"Your notebook exited with code {code}")

    def _read(self, name: str) -> None:
        pipe = getattr(self._child, name)
        with pipe:
            for line in pipe:
                self.log.append({"stream_name": name, "time": len(self.log) / 10, "data": line})

"""A real portal in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


class RunningPortal:
    """A portal's process and its address."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self.process = process
        self.url = url

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=20)


@contextmanager
def running_portal(*arguments: str, log: Path | None = None) -> Iterator[RunningPortal]:
    """Run a portal for the length of a block; ``log`` takes what it says to its owner."""
    command = [sys.executable, "-m", "infra.portal.server", *arguments]
    with ExitStack() as files:
        said = files.enter_context(log.open("ab")) if log else None
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("portal: "), line
        yield RunningPortal(process, line.removeprefix("portal: ").strip())
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()

"""The process that owns a Prefect server and worker: it starts them, starts again what dies, ends both.

It holds a lock on the state folder for as long as it lives, so that a stack that is up can be told from one
whose machine was switched off, and no other process is ever taken for it. ``deployments.stack`` starts it.
"""

import argparse
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from infra.settings import load_settings

_POLL_S = 0.5
_STOP_TIMEOUT_S = 20.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def supervise(state: Path, port: int, *, caller: int | None) -> None:
    """Run server and worker until SIGTERM.

    Args:
        state: Folder of the stack; ``stack.json`` in it tells others port and process id.
        port: Loopback port of API and UI.
        caller: Process with which the stack ends; None lets it run on.
    """
    stopping = False

    def ask_to_stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    commands = _commands(load_settings().work_pool)
    children: dict[str, subprocess.Popen[bytes]] = {}
    with _locked(state, port):
        while not stopping and (caller is None or os.getppid() == caller):
            for name, command in commands.items():
                if name not in children or children[name].poll() is not None:
                    if name == "worker" and not answers(port):
                        continue
                    children[name] = _start_child(command, state / "logs" / f"{name}.log")
            time.sleep(_POLL_S)
        for name in ("worker", "server"):
            if name in children:
                terminate(children[name])


def answers(port: int) -> bool:
    """Whether a Prefect server answers on this port of the machine."""
    with suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=2, trust_env=False).is_success
    return False


def terminate(child: subprocess.Popen[bytes]) -> None:
    """Ask a child to end, and end it when it does not."""
    child.terminate()
    try:
        child.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def is_locked(state: Path) -> bool:
    """Whether a supervisor lives in this state folder."""
    try:
        with (state / "stack.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextmanager
def _locked(state: Path, port: int) -> Iterator[None]:
    record = state / "stack.json"
    with (state / "stack.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a second supervisor ends here
        record.write_text(json.dumps({"port": port, "supervisor": os.getpid()}))
        try:
            yield
        finally:
            record.unlink(missing_ok=True)


def _commands(work_pool: str) -> dict[str, Sequence[str]]:
    prefect = [sys.executable, "-m", "prefect"]
    worker = ["worker", "start", "--pool", work_pool, "--type", "process", "--name", "this-machine"]
    return {
        "server": [*prefect, "server", "start"],
        "worker": [*prefect, *worker, "--install-policy", "never"],
    }


def _start_child(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=_end_with_parent
        )


def _end_with_parent() -> None:
    """Between fork and exec: interruptible again, and ended by the kernel when the supervisor dies."""
    # Prefect answers SIGTERM by sending itself SIGINT, which a background shell job inherits as ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def main() -> None:
    """Own a Prefect server and worker until told to stop; started by deployments.stack."""
    parser = argparse.ArgumentParser(prog="python -m deployments.supervisor", description=main.__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of the stack")
    parser.add_argument("--port", type=int, required=True, help="loopback port of API and UI")
    parser.add_argument("--caller", type=int, help="process with which the stack ends")
    arguments = parser.parse_args()
    supervise(arguments.state, arguments.port, caller=arguments.caller)


if __name__ == "__main__":
    main()

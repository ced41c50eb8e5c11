"""The process that owns a Prefect server, a worker and maybe our own portal: keeps them running, ends them.

It holds a lock on the state folder for as long as it lives, so that a stack that is up can be told from one
whose machine was switched off, and no other process is ever taken for it. ``deployments.stack`` starts it.
"""

import argparse
import fcntl
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from deployments.children import Child
from infra.settings import Settings, load_settings
from tasks.portal import PortalChoice, own_address, portal_command, portal_targets

_POLL_S = 0.5
_MACHINES_END_S = 90.0  # a worker that is told to stop first ends the machines it has rented


def supervise(state: Path, port: int, *, caller: int | None) -> None:
    """Run server and worker until SIGTERM, and our own portal where settings name a target set for it.

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
    children = _children(load_settings(), state, port)
    with _locked(state, port):
        while not stopping and (caller is None or os.getppid() == caller):
            for child in children:
                child.keep_running(time.monotonic())
            time.sleep(_POLL_S)
        for child in reversed(children):  # the worker reports its end to the server
            child.stop()


def answers(port: int) -> bool:
    """Whether a Prefect server answers on this port of the machine."""
    with suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=2, trust_env=False).is_success
    return False


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


def _children(settings: Settings, state: Path, port: int) -> list[Child]:
    prefect = [sys.executable, "-m", "prefect"]
    worker = ["worker", "start", "--pool", settings.work_pool, "--type", "process", "--name", "this-machine"]
    logs = state / "logs"
    children = [
        Child([*prefect, "server", "start"], logs / "server.log", environment=_database(settings)),
        Child(
            [*prefect, *worker, "--install-policy", "never"],
            logs / "worker.log",
            may_start=lambda: answers(port),
        ),
    ]
    for kind in settings.remote_pools:
        serve = [*prefect, "worker", "start", "--pool", kind, "--type", kind, "--install-policy", "never"]
        children.append(
            Child(
                [*serve, "--name", f"{kind}-{socket.gethostname()}"],
                logs / f"worker-{kind}.log",
                may_start=lambda: answers(port),
                stop_timeout_s=_MACHINES_END_S,
            )
        )
    if own_address(settings) is not None and portal_targets(settings) is not None:
        command = portal_command(PortalChoice(state=state / "portal"), settings)
        children.append(Child(command, logs / "portal.log"))
    return children


def _database(settings: Settings) -> dict[str, str]:
    """The server alone is told where its database is; in a variable, since others can read a command."""
    url = settings.prefect_database_url
    return {"PREFECT_SERVER_DATABASE_CONNECTION_URL": url.get_secret_value()} if url else {}


def main() -> None:
    """Own a Prefect server, a worker and maybe a portal until told to stop; started by deployments.stack."""
    parser = argparse.ArgumentParser(prog="python -m deployments.supervisor", description=main.__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of the stack")
    parser.add_argument("--port", type=int, required=True, help="loopback port of API and UI")
    parser.add_argument("--caller", type=int, help="process with which the stack ends")
    arguments = parser.parse_args()
    supervise(arguments.state, arguments.port, caller=arguments.caller)


if __name__ == "__main__":
    main()

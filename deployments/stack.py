"""A Prefect server and worker of the project's own, on loopback, in a state folder of their own.

Where settings name a target set, our own scoring portal is the third of them.

``up`` leaves them running for the UI, ``down`` stops them; the demo borrows the ones that are up, or runs its
own for as long as it lasts. Nothing is written outside the state folder.

    state/prefect/                 database and profile of the server
    state/portal/                  jobs, results and uploads of the portal
    state/logs/                    what server, worker, portal and supervisor print
    state/tmp/                     temporary files of server, worker and runs
    state/stack.json, stack.lock   address of a stack that is up, held by its supervisor
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deployments.children import terminate
from deployments.own_portal import portal_line
from deployments.supervisor import answers, is_locked
from infra.settings import SettingsInvalid, child_environment, load_settings
from tasks.portal import own_address, portal_targets

UI_PORT = 4200
_START_TIMEOUT_S = 180.0  # a fresh database is migrated first: 8 s on an idle machine, minutes on a busy one
_STOP_TIMEOUT_S = 270.0  # portal, worker and server may take 20 s each, a worker of rented machines 90 s
_POLL_S = 0.5


class StackError(RuntimeError):
    """Server and worker cannot be started or stopped as asked."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running server and worker."""

    port: int
    supervisor: int
    """Process id."""

    @property
    def api_url(self) -> str:
        """Address for ``PREFECT_API_URL``."""
        return f"http://127.0.0.1:{self.port}/api"


def stack_environment(state: Path, port: int, **more: str) -> dict[str, str]:
    """Environment of everything that talks to the stack: nothing outside ``state``, nothing sent home.

    Prefect's own variables of the caller are left out: they may name another server or database.
    """
    return child_environment(
        {
            "CUPY_CACHE_DIR": str(state / "cupy"),
            "DO_NOT_TRACK": "1",
            "OPENBLAS_NUM_THREADS": "1",  # photos are rendered side by side; a second thread would only wait
            "PREFECT_HOME": str(state / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_CLIENT_MAX_RETRIES": "6",  # 126 s; on a loaded machine a killed server needs 100 s
            "PREFECT_CLI_PROMPT": "false",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_API_HOST": "127.0.0.1",
            "PREFECT_SERVER_API_PORT": str(port),
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "TMPDIR": str(state / "tmp"),
            **more,
        },
        inherits="all_but_prefect",
    )


@contextmanager
def borrowed_stack(state: Path, **more: str) -> Iterator[Stack]:
    """Give the stack that is up, or run one for the length of a block."""
    present = running(state)
    if present is not None:
        yield present
        return
    with running_stack(state, **more) as stack:
        yield stack


@contextmanager
def running_stack(state: Path, **more: str) -> Iterator[Stack]:
    """Run a stack on a free port for the length of a block, deployments registered.

    It ends with the calling process, however that ends. ``more`` are further environment variables of
    server, worker and runs.
    """
    supervisor, stack = _launch(state, _free_port(), caller=os.getpid(), more=more)
    try:
        yield stack
    finally:
        terminate(supervisor)


def start(state: Path, *, port: int) -> Stack:
    """Start server, worker and our own portal for good and register the deployments; ``stop`` ends them.

    Args:
        state: Folder for everything they write; created.
        port: Loopback port of API and UI.

    Raises:
        StackError: One is up already, a port is taken, or the server does not answer in time.
    """
    _require_free("127.0.0.1", port, "take another with `make up PORT=...` and name it in PREFECT_API_URL")
    settings = load_settings()
    portal = own_address(settings)
    if portal is not None and portal_targets(settings) is not None:
        _require_free(portal.host, portal.port, "name another one in CALIBGUARD_PORTAL_URL")
    return _launch(state, port, caller=None, more={})[1]


def running(state: Path) -> Stack | None:
    """The stack that is up in this state folder, if one is."""
    if not is_locked(state):
        return None
    try:
        return Stack(**json.loads((state / "stack.json").read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise StackError(f"a stack is just being started or stopped in {str(state)!r}; try again") from error


def stop(state: Path) -> bool:
    """Stop the stack of this state folder and wait until it is gone; False where none is up."""
    stack = running(state)
    if stack is None:
        return False
    os.kill(stack.supervisor, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_TIMEOUT_S
    while is_locked(state):
        if time.monotonic() > deadline:
            raise StackError(f"the supervisor, process {stack.supervisor}, still runs; see {state / 'logs'}")
        time.sleep(0.1)
    return True


def _launch(
    state: Path, port: int, *, caller: int | None, more: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], Stack]:
    if (present := running(state)) is not None:
        raise StackError(f"a stack is up already at {present.api_url}; `make down` stops it")
    for folder in ("prefect", "logs", "tmp"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    environment = stack_environment(state.resolve(), port, **more)
    arguments = ["--state", str(state.resolve()), "--port", str(port)]
    if caller is not None:
        arguments += ["--caller", str(caller)]
    with (state / "logs" / "supervisor.log").open("ab") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "deployments.supervisor", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    stack = Stack(port=port, supervisor=supervisor.pid)
    try:
        _wait_until_ready(stack, supervisor, state)
        _run([sys.executable, "-m", "deployments.register"], environment, "registering the deployments")
    except BaseException:
        terminate(supervisor)
        raise
    return supervisor, stack


def _wait_until_ready(stack: Stack, supervisor: subprocess.Popen[bytes], state: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not answers(stack.port):
        if supervisor.poll() is not None or time.monotonic() > deadline:
            raise StackError(
                f"the Prefect server did not answer at {stack.api_url}; its own words are in {state / 'logs'}"
            )
        time.sleep(_POLL_S)


def _run(command: Sequence[str], environment: Mapping[str, str], doing: str) -> None:
    try:
        outcome = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_START_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise StackError(f"{doing} took longer than {_START_TIMEOUT_S:g} s; try again") from error
    if outcome.returncode:
        raise StackError(f"{doing} ended with status {outcome.returncode}: {outcome.stderr.strip()[-800:]}")


def _require_free(host: str, port: int, remedy: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise StackError(f"port {port} of {host} is taken; {remedy}") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Start or stop the project's own Prefect server and worker."""
    parser = argparse.ArgumentParser(prog="python -m deployments.stack", description=main.__doc__)
    parser.add_argument("action", choices=["up", "down"])
    parser.add_argument("--state", type=Path, help="state folder; default: the setting CALIBGUARD_STATE_DIR")
    parser.add_argument("--port", type=int, default=UI_PORT, help="loopback port of API and UI")
    arguments = parser.parse_args()
    try:
        state: Path = arguments.state or load_settings().state_dir
        return _up(state, arguments.port) if arguments.action == "up" else _down(state)
    except (StackError, SettingsInvalid, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _up(state: Path, port: int) -> int:
    if (present := running(state)) is not None:
        raise StackError(f"a stack is up already at {present.api_url}; `make down` stops it")
    stack = start(state, port=port)
    print(f"UI:  http://127.0.0.1:{stack.port}")
    print(f"API: {stack.api_url} (PREFECT_API_URL)")
    print(portal_line(load_settings(), state / "logs" / "portal.log"))
    print("run: .venv/bin/prefect deployment run render/safe -p photos=FOLDER --watch")
    return 0


def _down(state: Path) -> int:
    print("stopped" if stop(state) else "nothing was up")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

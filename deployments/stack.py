"""A Prefect server and worker of the project's own, on loopback, in a state folder of their own.

``up`` leaves them running for the UI, ``down`` stops them; the demo borrows them for one run. One
supervisor process owns both and starts again what dies. Nothing is written outside the state folder.

    state/prefect/     database and profile of the server
    state/logs/        what server, worker and supervisor print
    state/tmp/         temporary files of server, worker and runs
    state/stack.json   address and supervisor of a stack that is up
"""

import argparse
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from infra.settings import child_environment, load_settings

UI_PORT = 4200
_START_TIMEOUT_S = 180.0  # a fresh database is migrated first: 8 s on an idle machine, minutes on a busy one
_STOP_TIMEOUT_S = 20.0
_POLL_S = 0.5
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


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
    """Environment of everything that talks to the stack: nothing outside ``state``, nothing sent home."""
    return child_environment(
        {
            "CUPY_CACHE_DIR": str(state / "cupy"),
            "DO_NOT_TRACK": "1",
            "OPENBLAS_NUM_THREADS": "1",  # photos are rendered side by side; a second thread would only wait
            "PREFECT_HOME": str(state / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_CLIENT_MAX_RETRIES": "6",  # 126 s; on a loaded machine a killed server needs 100 s
            "PREFECT_CLI_PROMPT": "false",
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_API_HOST": "127.0.0.1",
            "PREFECT_SERVER_API_PORT": str(port),
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "TMPDIR": str(state / "tmp"),
            **more,
        }
    )


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
        _terminate(supervisor)


def start(state: Path, *, port: int) -> Stack:
    """Start server and worker for good and register the deployments; ``stop`` ends them.

    Args:
        state: Folder for everything they write; created.
        port: Loopback port of API and UI.

    Raises:
        StackError: One is up already, the port is taken, or the server does not answer in time.
    """
    if (present := running(state)) is not None:
        raise StackError(f"a stack is up already at {present.api_url}; `make down` stops it")
    _require_free(port)
    _, stack = _launch(state, port, caller=None, more={})
    (state / "stack.json").write_text(json.dumps(asdict(stack)))
    return stack


def _launch(
    state: Path, port: int, *, caller: int | None, more: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], Stack]:
    for folder in ("prefect", "logs", "tmp"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    environment = stack_environment(state.resolve(), port, **more)
    arguments = ["supervise", "--state", str(state.resolve()), "--port", str(port)]
    if caller is not None:
        arguments += ["--caller", str(caller)]
    with (state / "logs" / "supervisor.log").open("ab") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "deployments.stack", *arguments],
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
        _terminate(supervisor)
        raise
    return supervisor, stack


def running(state: Path) -> Stack | None:
    """The stack that is up in this state folder, if one is."""
    try:
        stack = Stack(**json.loads((state / "stack.json").read_text()))
        os.kill(stack.supervisor, 0)
    except (OSError, ValueError, TypeError):
        return None
    return stack


def stop(state: Path) -> bool:
    """Stop the stack of this state folder; False where none is up."""
    stack = running(state)
    (state / "stack.json").unlink(missing_ok=True)
    if stack is None:
        return False
    os.kill(stack.supervisor, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_TIMEOUT_S
    while _is_alive(stack.supervisor):
        if time.monotonic() > deadline:
            raise StackError(
                f"the supervisor, process {stack.supervisor}, did not stop; see {state / 'logs'}"
            )
        time.sleep(0.1)
    return True


def supervise(state: Path, port: int, *, caller: int | None) -> None:
    """Run server and worker until SIGTERM, starting again whichever dies.

    ``caller`` is the process with which the stack ends; None lets it run on.
    """
    stopping = False

    def ask_to_stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    commands = _commands(load_settings().work_pool)
    children: dict[str, subprocess.Popen[bytes]] = {}
    while not stopping and (caller is None or _is_alive(caller)):
        for name, command in commands.items():
            child = children.get(name)
            if child is None or child.poll() is not None:
                if name == "worker" and not _answers(port):
                    continue
                children[name] = _start_child(command, state / "logs" / f"{name}.log")
        time.sleep(_POLL_S)
    for name in ("worker", "server"):
        if name in children:
            _terminate(children[name])


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


def _terminate(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _wait_until_ready(stack: Stack, supervisor: subprocess.Popen[bytes], state: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not _answers(stack.port):
        if supervisor.poll() is not None or time.monotonic() > deadline:
            raise StackError(
                f"the Prefect server did not answer at {stack.api_url}; its own words are in {state / 'logs'}"
            )
        time.sleep(_POLL_S)


def _answers(port: int) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=2, trust_env=False).is_success
    return False


def _run(command: Sequence[str], environment: Mapping[str, str], doing: str) -> None:
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if outcome.returncode:
        raise StackError(f"{doing} ended with status {outcome.returncode}: {outcome.stderr.strip()[-800:]}")


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StackError(f"port {port} is taken by another program; choose one with --port") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_alive(process: int) -> bool:
    with suppress(ChildProcessError):
        os.waitpid(process, os.WNOHANG)  # our own child stays a zombie until it is waited for
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def main() -> int:
    """Start or stop the project's own Prefect server and worker."""
    parser = argparse.ArgumentParser(prog="python -m deployments.stack", description=main.__doc__)
    parser.add_argument("action", choices=["up", "down", "supervise"])
    parser.add_argument("--state", type=Path, help="state folder; default: the setting CALIBGUARD_STATE_DIR")
    parser.add_argument("--port", type=int, default=UI_PORT)
    parser.add_argument("--caller", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    state: Path = arguments.state or load_settings().state_dir
    try:
        return _act(arguments.action, state, arguments)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1


def _act(action: str, state: Path, arguments: argparse.Namespace) -> int:
    match action:
        case "up":
            stack = start(state, port=arguments.port)
            print(f"UI:  http://127.0.0.1:{stack.port}")
            print(f"API: {stack.api_url} (PREFECT_API_URL)")
            print("run: .venv/bin/prefect deployment run render/safe -p photos=FOLDER --watch")
        case "down":
            print("stopped" if stop(state) else "nothing was up")
        case _:
            supervise(state, arguments.port, caller=arguments.caller)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

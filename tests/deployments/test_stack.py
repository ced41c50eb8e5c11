import os
import signal
import socket
from pathlib import Path

import pytest

from deployments.stack import Stack, StackError, running, stack_environment, start, stop
from deployments.supervisor import answers, is_locked
from tests.faults.processes import children_of, command_of
from tests.waiting import wait_until


def worker_of(stack: Stack) -> int:
    workers = [child for child in children_of(stack.supervisor) if "worker" in command_of(child)]
    return workers[0] if workers else 0


# The process object of a supervisor that is to outlive its caller is dropped while the supervisor runs.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stack_is_up_until_it_is_stopped_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert running(state) is None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    stack = start(state, port=port)
    try:
        assert running(state) == stack
        assert answers(port)
        with pytest.raises(StackError, match=r"is taken|is up already"):
            start(state, port=port)
    finally:
        assert stop(state)
    assert not is_locked(state)
    assert not answers(port)
    assert not stop(state)


def test_a_worker_that_is_killed_is_started_again(stack: Stack) -> None:
    wait_until(lambda: worker_of(stack), within_s=60, what="the first worker")
    killed = worker_of(stack)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: worker_of(stack) not in (0, killed), within_s=60, what="another worker")


def test_a_record_whose_supervisor_is_gone_names_no_stack(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(f'{{"port": 4200, "supervisor": {os.getpid()}}}')
    (tmp_path / "stack.lock").touch()
    assert running(tmp_path) is None
    assert stop(tmp_path) is False  # and this process, whose number the record bears, is still alive


def test_prefect_variables_of_the_caller_do_not_reach_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", "postgresql://production")
    monkeypatch.setenv("PREFECT_API_KEY", "secret")
    environment = stack_environment(tmp_path, 4321)
    assert not {"PREFECT_API_KEY", "PREFECT_SERVER_DATABASE_CONNECTION_URL"} & environment.keys()
    assert environment["PREFECT_API_URL"] == "http://127.0.0.1:4321/api"
    assert environment["PATH"] == os.environ["PATH"]

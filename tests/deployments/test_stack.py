import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from deployments.own_portal import portal_line
from deployments.stack import Stack, StackError, running, stack_environment, start, stop
from deployments.supervisor import answers, is_locked
from infra.settings import Settings, child_environment
from tests.faults.processes import children_of, command_of
from tests.photos import fill_folder
from tests.waiting import wait_until


def worker_of(stack: Stack) -> int:
    workers = [child for child in children_of(stack.supervisor) if "worker" in command_of(child)]
    return workers[0] if workers else 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# The process object of a supervisor that is to outlive its caller is dropped while the supervisor runs.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stack_is_up_until_it_is_stopped_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert running(state) is None
    port = free_port()
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


def portal_of(stack: Stack) -> int:
    portals = [child for child in children_of(stack.supervisor) if "infra.portal.server" in command_of(child)]
    return portals[0] if portals else 0


def judge_at(url: str) -> dict[str, str]:
    with suppress(httpx.HTTPError):
        answer: dict[str, str] = httpx.get(f"{url}/api/judge", timeout=5, trust_env=False).json()
        return answer
    return {}


def test_up_serves_the_target_set_until_down_whatever_kills_the_portal(tmp_path: Path) -> None:
    state, root = tmp_path / "state", tmp_path / "root"
    for name in ("test-originals", "test-targets"):
        fill_folder(root / name, ["home000_g0"])
    url = f"http://localhost:{free_port()}"
    told = stack_command("up", state, AUTOHDR_DATA_ROOT=str(root), CALIBGUARD_PORTAL_URL=url)
    try:
        assert f"portal: {url}, scores against {str(root)!r}" in told
        stack = running(state)
        assert stack is not None
        judge, killed = judge_at(url), portal_of(stack)
        assert judge["metric_profile"] == "portal"
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: portal_of(stack) not in (0, killed), within_s=60, what="another portal")
        wait_until(lambda: judge_at(url) == judge, within_s=60, what="an answer of the same judge")
        assert (state / "portal" / "lock").exists()
        assert "it ended with status -9" in (state / "logs" / "portal.log").read_text()
    finally:
        assert stack_command("down", state) == "stopped\n"
    assert judge_at(url) == {}


def stack_command(action: str, state: Path, **variables: str) -> str:
    command = [sys.executable, "-m", "deployments.stack", action, "--state", str(state)]
    port = ["--port", str(free_port())] if action == "up" else []
    environment = child_environment(variables, inherits="machine")
    outcome = subprocess.run(
        [*command, *port], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(), "none was started, CALIBGUARD_PORTAL_TARGETS would name what it scores against"),
        (
            Settings(portal_url="https://judge.example/?key=canary", portal_targets="set"),
            "none was started, CALIBGUARD_PORTAL_URL names another one: https://judge.example/",
        ),
    ],
)
def test_where_no_portal_is_started_one_line_says_what_would(settings: Settings, words: str) -> None:
    assert portal_line(settings, Path("portal.log")) == f"portal: {words}"


def test_a_portal_that_does_not_answer_is_not_said_to_be_up() -> None:
    settings = Settings(portal_url=f"http://127.0.0.1:{free_port()}", portal_targets="set")
    told = portal_line(settings, Path("portal.log"), patience_s=0.1)
    assert told == f"portal: not up yet at {settings.portal_url}; its own words are in 'portal.log'"


def test_a_portals_port_that_is_taken_is_said_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("CALIBGUARD_PORTAL_URL", f"http://127.0.0.1:{other.getsockname()[1]}")
        monkeypatch.setenv("CALIBGUARD_PORTAL_TARGETS", str(tmp_path))
        with pytest.raises(StackError, match=r"is taken; name another one in CALIBGUARD_PORTAL_URL"):
            start(tmp_path / "state", port=free_port())
    assert not (tmp_path / "state").exists()


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

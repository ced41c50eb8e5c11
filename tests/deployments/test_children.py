"""When a child is started again; time is an argument, the processes are real."""

import sys
from pathlib import Path

from deployments.children import Child
from tests.waiting import ENDLESS, wait_until


def counting(folder: Path) -> Child:
    """A child that writes a line to its log and ends with status 3."""
    program = "import sys; print('ran', flush=True); sys.exit(3)"
    return Child([sys.executable, "-c", program], folder / "child.log")


def log_of(child: Child) -> list[str]:
    return child.log.read_text().splitlines() if child.log.exists() else []


def let_it_end(child: Child, now: float) -> float:
    """Start it, wait for its end, have that seen, and return the pause that the log announces."""
    child.keep_running(now)
    before = len(log_of(child))

    def seen() -> bool:
        child.keep_running(now)
        return any("supervisor:" in line for line in log_of(child)[before:])

    wait_until(seen, within_s=60, what="the end of the child")
    return float(log_of(child)[-1].rpartition(" in ")[2].removesuffix(" s"))


def test_a_child_that_cannot_run_is_started_ever_later_and_its_log_says_so(tmp_path: Path) -> None:
    child, now, pauses = counting(tmp_path), 100.0, []
    for _ in range(7):
        pause = let_it_end(child, now)
        runs = log_of(child).count("ran")
        child.keep_running(now + pause - 0.1)
        assert log_of(child).count("ran") == runs
        pauses.append(pause)
        now += pause
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert log_of(child)[:2] == [
        "ran",
        "supervisor: it ended with status 3 after 0 s and is started again in 1 s",
    ]


def test_a_child_that_ran_well_is_started_again_at_once(tmp_path: Path) -> None:
    child = Child([sys.executable, "-c", ENDLESS], tmp_path / "child.log")
    child.keep_running(0.0)
    first = child._running
    assert first is not None
    first.kill()
    first.wait()
    child.keep_running(10.0)
    assert child._running is not None
    assert child._running.pid != first.pid
    child.stop()
    assert child._running.returncode is not None
    assert "after 10 s and is started again in 0 s" in log_of(child)[-1]


def test_a_child_waits_until_it_may_start(tmp_path: Path) -> None:
    allowed: list[str] = []
    child = Child(counting(tmp_path).command, tmp_path / "child.log", may_start=lambda: bool(allowed))
    child.keep_running(0.0)
    assert child._running is None
    allowed.append("yes")
    child.keep_running(0.0)
    assert child._running is not None
    child.stop()

"""Runs the project's checks one after another and closes with one table and one line of counts."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

LINT = {
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "types": ["mypy"],
    "contracts": ["lint-imports"],
}
BIN = Path(sys.executable).parent


def run(name: str, command: list[str]) -> tuple[str, bool, float]:
    print(f"== {name}: {' '.join(command)}", flush=True)
    started = time.monotonic()
    status = subprocess.run([BIN / command[0], *command[1:]], check=False).returncode
    return name, status == 0, time.monotonic() - started


def count_tests(report: Path) -> tuple[int, int, int]:
    """Passed, failed (errors included) and skipped tests of a JUnit report."""
    if not report.exists():
        return 0, 1, 0
    suites = ElementTree.parse(report).getroot().iter("testsuite")  # noqa: S314  our own file
    numbers = [
        [int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")] for suite in suites
    ]
    tests, failures, errors, skipped = (sum(column) for column in zip(*numbers, strict=True))
    return tests - failures - errors - skipped, failures + errors, skipped


def main(wanted: list[str]) -> int:
    outcomes = [run(name, command) for name, command in LINT.items()] if "lint" in wanted else []
    passed, failed, skipped = 0, 0, 0
    if "pytest" in wanted:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "pytest.xml"
            outcomes.append(run("tests", ["pytest", "-q", f"--junitxml={report}"]))
            passed, failed, skipped = count_tests(report)
    print(f"\n{'check':<12}{'result':<10}{'seconds':>8}")
    for name, good, seconds in outcomes:
        print(f"{name:<12}{'passed' if good else 'FAILED':<10}{seconds:>8.1f}")
    bad = sum(not good for _, good, _ in outcomes)
    if "pytest" in wanted:
        print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

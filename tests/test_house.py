"""What holds the house together and no other test would miss: imports, lock files, packaging."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = ["requirements.lock", "requirements-dev.lock"]


def modules_after(code: str) -> set[str]:
    """Top-level modules that are loaded once the code has run in a fresh interpreter."""
    program = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(outcome.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "gpu.render",
        "gpu.pair_score",
        "tasks.domain.methods.registry",
        "tasks.domain.submission_zip",
        "infra.settings",
        "infra.kaggle.provider",
        "infra.store.opening",
        "tasks.portal",
        "tasks.portal_scorer",
        "tasks.agent.life",
        "tasks.agent_bundle",
        "tasks.batching",
    ],
)
def test_what_a_remote_machine_needs_imports_without_prefect(module: str) -> None:
    assert "prefect" not in modules_after(f"import {module}")


@pytest.mark.parametrize("module", ["gpu.render", "gpu.search.trial", "gpu.search.per_photo"])
def test_a_render_process_loads_no_network_library_no_settings_and_no_cupy(module: str) -> None:
    loaded = modules_after(f"import {module}")
    assert not loaded & {"httpx", "boto3", "botocore", "pydantic_settings", "cupy", "pydantic", "scipy"}


def test_the_agent_loads_no_network_library_no_settings_and_no_adapter() -> None:
    loaded = modules_after("import tasks.agent.__main__")
    assert not loaded & {
        "httpx",
        "requests",
        "boto3",
        "botocore",
        "pydantic_settings",
        "infra",
        "flows",
        "cupy",
    }


def test_the_start_script_loads_the_standard_library_only() -> None:
    program = "import runpy; runpy.run_path('tasks/agent/bootstrap.py')"
    before, after = modules_after(""), modules_after(program)
    assert after - before <= sys.stdlib_module_names


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_pins_every_package_by_hash_and_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pins = re.findall(r"^([A-Za-z0-9._-]+)==[^\\\n]+\\?\n((?:    .*\n)+)", text, re.MULTILINE)
    assert len(pins) > 80
    assert [name for name, details in pins if "--hash=sha256:" not in details] == []
    assert not re.search(r"^\s*(-i|--index|--extra-index|--find-links)|https?://", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_the_locked_prefect_server_can_start_and_schedule(lock: str) -> None:
    # fastapi 0.151 breaks the server of Prefect 3.8, sqlalchemy 2.1 its cron scheduler, both silently
    text = (ROOT / lock).read_text()
    versions = dict(re.findall(r"^(fastapi|sqlalchemy)==(\d+\.\d+)", text, re.MULTILINE))
    assert tuple(map(int, versions["fastapi"].split("."))) < (0, 151)
    assert tuple(map(int, versions["sqlalchemy"].split("."))) < (2, 1)


def test_the_runtime_lock_is_part_of_the_development_lock() -> None:
    runtime, development = (
        set(re.findall(r"^[a-z0-9._-]+==[^ \\]+", (ROOT / lock).read_text(), re.MULTILINE)) for lock in LOCKS
    )
    assert runtime <= development


def test_every_package_marker_is_empty() -> None:
    rooms = ["deployments", "flows", "gpu", "infra", "tasks"]
    markers = [marker for room in rooms for marker in (ROOT / room).rglob("__init__.py")]
    assert markers
    assert [marker for marker in markers if marker.read_bytes()] == []


def test_the_environment_is_read_in_the_settings_only() -> None:
    readers = {
        path.relative_to(ROOT).as_posix()
        for room in ("flows", "gpu", "infra", "tasks", "deployments")
        for path in (ROOT / room).rglob("*.py")
        if re.search(r"os\.environ|os\.getenv", path.read_text())
    }
    # what runs on a rented machine has no settings; its two readers stand in their place
    agent = {"tasks/agent/environment.py", "tasks/agent/bootstrap.py"}
    assert readers == {"infra/settings.py"} | agent

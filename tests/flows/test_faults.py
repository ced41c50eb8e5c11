"""The short version of ``make faults``: real processes are killed, real servers asked."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    DeploymentFilter,
    DeploymentFilterId,
)
from prefect.client.schemas.schedules import CronSchedule
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from deployments.stack import Stack
from flows.render import render
from infra.settings import child_environment
from infra.store.opening import open_store
from infra.store.s3_connection import S3Credentials
from infra.store.seaweedfs import seaweedfs
from tests.faults.bench import Bench
from tests.faults.history import changes, finished_shards, manifests, snapshot, wrongs
from tests.faults.processes import kill, run_processes
from tests.faults.stores import environment
from tests.photos import fill_folder, listing_ids
from tests.waiting import wait_until

PHOTOS, SHARD = 40, 4


@dataclass(frozen=True)
class Recovery:
    """A run that was killed in its middle and the run after it."""

    expected_sha256: str
    store: str
    killed: UUID
    killed_state: str
    before: dict[str, str]
    """What the store held between the two runs."""
    exit_status: int
    again: UUID
    logs: list[str]


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[str]:
    with temporary_settings({PREFECT_API_URL: stack.api_url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield stack.api_url


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def photos(folder: Path) -> Path:
    """Photos large enough that a run can be met in its middle."""
    return fill_folder(folder / "photos", listing_ids(PHOTOS), width=2048, height=1367)


@pytest.fixture(scope="module")
def s3(folder: Path) -> Iterator[S3Credentials]:
    with seaweedfs(folder / "seaweedfs", bucket="faults") as server:
        yield server


@pytest.fixture(scope="module")
def local_digest(api: str, folder: Path, photos: Path) -> str:
    """Digest of the zip of an undisturbed run into a local folder."""
    return rendered_digest(photos, {"CALIBGUARD_STORE_URL": str(folder / "store")}, folder)


@pytest.fixture(scope="module")
def recovery(api: str, stack: Stack, folder: Path, photos: Path, local_digest: str) -> Recovery:
    bench, store = Bench(folder, stack), str(folder / "killed")
    killed = bench.start(store, photos, parameters={"shard_size": SHARD})
    process = bench.started_process(killed)
    opened = open_store(store)
    wait_until(lambda: finished_shards(snapshot(opened)), within_s=120, what="the first finished shard")
    kill(process)
    wait_until(lambda: not run_processes(killed), within_s=60, what="the end of the killed run's processes")
    state = bench.ended(killed, within_s=60).state
    before = snapshot(open_store(store))
    exit_status = watched("render/safe", api, folder, store=store, photos=photos)
    again = UUID(manifests(open_store(store))[-1].provenance.flow_run_id)
    # it sends its last log lines before it ends
    wait_until(lambda: not run_processes(again), within_s=60, what="the end of the run's processes")
    return Recovery(
        expected_sha256=local_digest,
        store=store,
        killed=killed,
        killed_state=state.type.value if state else "none",
        before=before,
        exit_status=exit_status,
        again=again,
        logs=bench.logs(again),
    )


def rendered_digest(photos: Path, env: dict[str, str], folder: Path) -> str:
    """Run the flow in this process and give the digest of its zip."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in env.items():
            patch.setenv(name, value)
        state = render(str(photos), shard_size=SHARD, return_state=True)
    assert state.is_completed()
    return str(state.message).rpartition("SHA-256 ")[2]


def watched(deployment: str, api: str, folder: Path, *, store: str, photos: Path) -> int:
    """Exit status of ``prefect deployment run --watch``."""
    variables = json.dumps({"CALIBGUARD_STORE_URL": store})
    command = [sys.executable, "-m", "prefect", "deployment", "run", deployment, "--watch"]
    command += ["--param", f"photos={json.dumps(str(photos))}", "--param", f"shard_size={SHARD}"]
    command += ["--watch-interval", "1", "--job-variable", f"env={variables}"]
    prefect = {"PREFECT_API_URL": api, "PREFECT_HOME": str(folder / "prefect")}
    env = child_environment(prefect, inherits="all_but_prefect")
    return subprocess.run(command, env=env, capture_output=True, check=False).returncode


def test_the_run_after_a_kill_gives_the_zip_of_an_undisturbed_run(recovery: Recovery) -> None:
    store = open_store(recovery.store)
    ended = {recovery.killed: recovery.killed_state, recovery.again: "COMPLETED"}
    assert wrongs(store, zip_sha256=recovery.expected_sha256, runs=ended) == []
    assert manifests(store)[-1].submission.sha256 == recovery.expected_sha256


def test_the_run_after_a_kill_renders_unfinished_shards_only(recovery: Recovery) -> None:
    finished = len(finished_shards(recovery.before))
    taken = sum("photos taken from the store" in line for line in recovery.logs)
    assert 0 < finished < PHOTOS // SHARD  # otherwise the kill met no middle
    assert taken == finished
    assert changes(recovery.before, snapshot(open_store(recovery.store))) == []


def test_a_killed_run_is_shown_as_crashed(recovery: Recovery) -> None:
    assert recovery.killed_state == "CRASHED"


def test_a_watched_run_exits_with_0_when_it_succeeds(recovery: Recovery) -> None:
    assert recovery.exit_status == 0


def test_a_watched_run_exits_with_1_when_the_folder_is_missing(api: str, stack: Stack, folder: Path) -> None:
    assert watched("render/safe", api, folder, store=str(folder / "none"), photos=folder / "nowhere") == 1


def test_a_run_leaves_progress_routes_and_a_summary_with_contact_sheet(recovery: Recovery) -> None:
    wanted = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[recovery.again]))
    with get_client(sync_client=True) as client:
        artifacts = {found.key: found for found in client.read_artifacts(artifact_filter=wanted)}
    assert {key: found.type for key, found in artifacts.items()} == {
        "render-progress": "progress",
        "render-routes": "table",
        "render-summary": "markdown",
    }
    assert artifacts["render-progress"].data == 100.0
    summary = str(artifacts["render-summary"].data)
    assert recovery.expected_sha256 in summary
    assert "data:image/jpeg;base64," in summary


def test_s3_and_a_local_folder_give_the_same_zip(
    photos: Path, s3: S3Credentials, local_digest: str, folder: Path
) -> None:
    env = {"CALIBGUARD_STORE_URL": "s3://faults/runs", **environment(s3)}
    assert rendered_digest(photos, env, folder) == local_digest


def test_the_server_schedules_runs_of_a_cron_deployment(api: str) -> None:
    """With SQLAlchemy 2.1 Prefect 3.8 schedules none and says nothing."""
    schedule = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 3 * * *", timezone="UTC"))
    with get_client(sync_client=True) as client:
        flow = client.create_flow(render)
        deployment = client.create_deployment(flow, "nightly", schedules=[schedule])
        wanted = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
        deadline = time.monotonic() + 60
        while not (runs := client.read_flow_runs(deployment_filter=wanted)) and time.monotonic() < deadline:
            time.sleep(0.5)
        client.delete_deployment(deployment)
    assert runs
    assert all(run.state and run.state.is_scheduled() for run in runs)

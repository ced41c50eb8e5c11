"""A render whose shards go through a work pool to an agent: real server, worker, S3 and agent process."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterIdempotencyKey,
)
from prefect.client.schemas.objects import FlowRun, State
from prefect.deployments import run_deployment
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Cancelling

from deployments.stack import running_stack
from flows.render import render
from infra.store.interface import ObjectStore
from infra.store.opening import open_store
from infra.store.s3_connection import S3Credentials
from tasks.domain.schemas import RunManifest
from tasks.keys import BatchKeys
from tasks.remote_rendering import count_places
from tests.faults.stores import environment
from tests.photos import fill_folder, listing_ids
from tests.remote_batch import RemoteBatch, run_agent, sent_batch
from tests.render_requests import request_for
from tests.waiting import wait_until

HERE, NOWHERE, BROKEN = "render-batch/here", "render-batch/nowhere", "render-batch/broken"
IDLE = "render-batch/idle"


@dataclass(frozen=True)
class RemoteStack:
    """A running stack, what it wrote, and the store that its runs use."""

    folder: Path
    store_url: str


@pytest.fixture(scope="module")
def remote_stack(s3_server: S3Credentials, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteStack]:
    """A stack whose runs find the S3 server in their environment."""
    folder, url = tmp_path_factory.mktemp("remote-stack"), f"s3://tests/{uuid.uuid4().hex}"
    with running_stack(folder, CALIBGUARD_STORE_URL=url, **environment(s3_server)) as running:
        with temporary_settings({PREFECT_API_URL: running.api_url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            _create_broken_pool()
            _create_idle_pool()
            yield RemoteStack(folder, url)
        APILogWorker.drain_all(timeout=10)
        EventsWorker.drain_all(timeout=10)


def _create_broken_pool() -> None:
    """A pool whose machines end before they do anything."""
    with get_client(sync_client=True) as client:
        here = client.read_deployment_by_name(HERE)
        client.create_deployment(
            flow_id=here.flow_id,
            name="broken",
            entrypoint=here.entrypoint,
            work_pool_name=here.work_pool_name,
            job_variables={"command": "false"},
        )


def _create_idle_pool() -> None:
    """A pool that nobody serves."""
    with get_client(sync_client=True) as client:
        here = client.read_deployment_by_name(HERE)
        client.create_work_pool(WorkPoolCreate(name="idle", type="process"))
        client.create_deployment(
            flow_id=here.flow_id, name="idle", entrypoint=here.entrypoint, work_pool_name="idle"
        )


@pytest.fixture
def store(
    remote_stack: RemoteStack, s3_server: S3Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ObjectStore:
    """The store of the stack, which settings of this process name too; no ``.env`` is near."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALIBGUARD_STORE_URL", remote_stack.store_url)
    for name, value in environment(s3_server).items():
        monkeypatch.setenv(name, value)
    return open_store(remote_stack.store_url, s3=s3_server)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Photos that no other test has, so that no shard of them is finished."""
    prefix = uuid.uuid4().hex[:12]
    return fill_folder(tmp_path / "photos", [f"{prefix}_{one}" for one in listing_ids(10)])


def run(photos: Path, *pools: str, **parameters: object) -> State[RunManifest]:
    state = render(
        str(photos),
        variant="aggressive",
        shard_size=4,
        pools=pools,
        batch_photos=8,
        batch_minutes=5,
        **parameters,
        return_state=True,
    )
    return cast("State[RunManifest]", state)


def batch_runs(batch: str) -> list[FlowRun]:
    wanted = FlowRunFilter(
        idempotency_key=FlowRunFilterIdempotencyKey(any_=[f"{batch}:{n}" for n in range(5)])
    )
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(flow_run_filter=wanted)


def batches(store: ObjectStore, since: set[str]) -> list[str]:
    """Digests of the batches that were taken, without those of earlier tests."""
    keys = [found.key for found in store.list("batches/") if found.key.endswith("/taken")]
    return [key.split("/")[1] for key in keys if key.split("/")[1] not in since]


@pytest.fixture
def before(store: ObjectStore) -> set[str]:
    return set(batches(store, set()))


def untaken_batch(photos: Path, store: ObjectStore) -> RemoteBatch:
    request = request_for(photos, variant="aggressive")
    return sent_batch(request, store)


def test_a_remote_run_gives_the_zip_of_a_local_run_and_keeps_no_secret(
    photos: Path, store: ObjectStore, remote_stack: RemoteStack, before: set[str]
) -> None:
    remote, local = run(photos, HERE), run(photos)
    assert (remote.name, local.name) == ("Completed", "Completed"), remote.message
    assert remote.result().submission.sha256 == local.result().submission.sha256
    taken = batches(store, before)
    assert len(taken) == 2
    for batch in taken:
        assert [found.state.name for found in batch_runs(batch) if found.state] == ["Completed"]
        keys = BatchKeys(batch, 0)
        assert store.head(keys.spec) is None
        assert list(store.list(f"{keys.prefix}photos/")) == []
    kept = [path for path in remote_stack.folder.rglob("*") if path.is_file()]
    assert len(kept) > 5
    assert [path for path in kept if b"X-Amz-Signature" in path.read_bytes()] == []


def test_what_a_pool_leaves_undone_goes_to_the_next(photos: Path, store: ObjectStore) -> None:
    state = run(photos, NOWHERE, BROKEN, HERE)
    assert state.name == "Completed", state.message
    assert state.result().rendered == 10


@pytest.mark.parametrize(("limit", "places"), [(0, 1), (1, 1), (2, 1), (5, 4), (40, 16), (None, 16)])
def test_no_more_batches_are_sent_than_a_pool_has_places(
    remote_stack: RemoteStack, limit: int | None, places: int
) -> None:
    with get_client(sync_client=True) as client:
        name = client.read_deployment_by_name(HERE).work_pool_name or ""
        usual = client.read_work_pool(name).concurrency_limit
        try:
            client.update_work_pool(name, WorkPoolUpdate(concurrency_limit=limit))
            assert count_places.fn(HERE) == places  # one is the parent's
        finally:
            client.update_work_pool(name, WorkPoolUpdate(concurrency_limit=usual))
    assert count_places.fn(NOWHERE) == 16


def test_a_run_that_no_pool_can_do_says_what_became_of_each(photos: Path, store: ObjectStore) -> None:
    state = run(photos, NOWHERE, BROKEN)
    assert state.name == "Failed"
    assert "3 of 3 shards were not rendered" in str(state.message)
    assert BROKEN in str(state.message)
    assert "Crashed" in str(state.message)


def test_a_parent_that_starts_anew_rejoins_the_run_under_way(
    photos: Path, store: ObjectStore, before: set[str]
) -> None:
    first = untaken_batch(photos, store)  # one batch of all three shards
    deadline = datetime.now(UTC) + timedelta(minutes=5)
    run_deployment(
        HERE,
        parameters={
            "batch": first.keys.digest,
            "attempt": 0,
            "accelerator": "none",
            "deadline": deadline.isoformat(),
        },
        idempotency_key=f"{first.keys.digest}:0",
        timeout=0,
    )
    state = render(
        str(photos), variant="aggressive", shard_size=4, pools=(HERE,), batch_minutes=5, return_state=True
    )
    assert state.name == "Completed", state.message
    assert batches(store, before) == [first.keys.digest]
    assert len(batch_runs(first.keys.digest)) == 1


def test_a_batch_that_ended_after_its_parent_was_killed_is_taken(photos: Path, store: ObjectStore) -> None:
    assert run_agent(untaken_batch(photos, store))[0] == 0
    state = render(str(photos), variant="aggressive", shard_size=4, pools=(NOWHERE,), return_state=True)
    assert state.name == "Completed", state.message


def test_what_a_lost_machine_had_finished_is_taken_after_its_parent_was_killed(
    photos: Path, store: ObjectStore
) -> None:
    first = untaken_batch(photos, store)
    lost = run_deployment(
        BROKEN,
        parameters={
            "batch": first.keys.digest,
            "attempt": 0,
            "accelerator": "none",
            "deadline": datetime.now(UTC).isoformat(),
        },
        idempotency_key=f"{first.keys.digest}:0",
        timeout=120,
    )
    assert isinstance(lost, FlowRun)
    assert lost.state is not None
    assert lost.state.is_crashed()
    assert run_agent(first)[0] == 0
    store.delete(first.keys.manifest)  # as if it had been lost before its last word
    state = render(str(photos), variant="aggressive", shard_size=4, pools=(NOWHERE,), return_state=True)
    assert state.name == "Completed", state.message


@pytest.mark.parametrize("deployment", ["render/safe", "pipeline/safe"])
def test_a_run_that_is_cancelled_ends_its_batches(
    photos: Path, remote_stack: RemoteStack, deployment: str
) -> None:
    with get_client(sync_client=True) as client:
        idle = client.read_deployment_by_name(IDLE).id

        def waiting() -> list[FlowRun]:
            wanted = DeploymentFilter(id=DeploymentFilterId(any_=[idle]))
            batches = client.read_flow_runs(deployment_filter=wanted)
            return [one for one in batches if one.state and one.state.is_scheduled()]

        parent = run_deployment(
            deployment, parameters={"photos": str(photos), "pools": [IDLE], "shard_size": 5}, timeout=0
        )
        assert isinstance(parent, FlowRun)
        wait_until(waiting, within_s=120, what="a batch in the queue")
        client.set_flow_run_state(parent.id, Cancelling())
        wait_until(
            lambda: (state := client.read_flow_run(parent.id).state) is not None and state.is_final(),
            within_s=120,
            what="the end of the run",
        )
        assert waiting() == []


def test_a_local_store_has_nothing_to_hand_out(
    photos: Path, remote_stack: RemoteStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALIBGUARD_STORE_URL", str(tmp_path / "store"))
    state = run(photos, HERE)
    assert state.name == "Failed"
    assert "no URLs to presign" in str(state.message)

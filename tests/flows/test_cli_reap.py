"""``calibguard reap`` on a fake Kaggle: what it shows, what it ends, what its exit status says."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import Completed, Running
from typer.testing import CliRunner

from flows.cli import app
from infra.remote.names import remote_name
from infra.remote.provider import RemoteJob
from infra.remote.records import Intent, RemoteRecords
from infra.store.interface import ObjectStore
from tests.fake_kaggle.running import running_fake_kaggle
from tests.fake_kaggle.service import TOKEN, FakeKaggle
from tests.infra.kaggle.accounts import provider
from tests.waiting import ENDLESS

pytestmark = pytest.mark.usefixtures("prefect_api")


@pytest.fixture
def kaggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKaggle]:
    with running_fake_kaggle(tmp_path / "kaggle") as running:
        monkeypatch.setenv("CALIBGUARD_KAGGLE_API_URL", running.url)
        monkeypatch.setenv("CALIBGUARD_KAGGLE_API_TOKEN", TOKEN)
        yield running


def flow_run(state: State[None]) -> uuid.UUID:
    with get_client(sync_client=True) as client:
        flow = client.create_flow_from_name("render-batch")
        deployment = client.create_deployment(flow_id=flow, name="reaped")
        run = client.create_flow_run_from_deployment(deployment).id
        client.set_flow_run_state(run, state, force=True)
    return uuid.UUID(str(run))


def flow_of(run: uuid.UUID) -> uuid.UUID:
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run).flow_id


def orphan(
    kaggle: FakeKaggle,
    store: ObjectStore,
    run: uuid.UUID,
    *,
    recorded: bool = True,
    asked_by: uuid.UUID | None = None,
    ends_in: timedelta = timedelta(hours=1),
) -> str:
    """A kernel that runs and that nobody watches."""
    name, now = str(remote_name("kaggle", run, 0)), datetime.now(UTC)
    if recorded:
        intent = Intent(
            name=name,
            kind="kaggle",
            flow_run_id=run,
            batch=f"batches/{'0' * 64}/0/",
            deadline=now + ends_in,
            most_usd=None,
            worker="a dead worker",
            at=now,
            asked_by=asked_by,
        )
        RemoteRecords(store).intend(intent)
    job = RemoteJob(name, "https://store.example/spec", now + timedelta(hours=1), "none")
    provider(kaggle, ENDLESS).create(job, lambda _handle: None)
    return name


def reap(*options: str) -> tuple[int, list[dict[str, object]]]:
    outcome = CliRunner().invoke(app, ["reap", "--json", *options])
    return outcome.exit_code, json.loads(outcome.stdout)


def test_a_kernel_whose_run_has_ended_is_shown_then_ended_then_gone(
    kaggle: FakeKaggle, store: ObjectStore
) -> None:
    name = orphan(kaggle, store, flow_run(Completed()))
    status, (shown,) = reap("--dry-run")
    assert (status, shown["name"], shown["due"], kaggle.kernels_alive()) == (1, name, "destroy", [name])
    status, (ended,) = reap()
    assert (status, ended["done"], kaggle.kernels_alive()) == (0, "ended", [])
    assert reap() == (0, [])


def test_a_kernel_whose_run_was_deleted_is_ended_at_the_server_that_knew_it(
    kaggle: FakeKaggle, store: ObjectStore
) -> None:
    run = flow_run(Running())
    orphan(kaggle, store, run, asked_by=flow_of(run))
    with get_client(sync_client=True) as client:
        client.delete_flow_run(run)
    status, (ended,) = reap()
    assert (status, ended["why"], kaggle.kernels_alive()) == (0, "its flow run was deleted", [])


@pytest.mark.parametrize("asked_by", [uuid.uuid4(), None])
def test_at_a_server_that_never_knew_the_run_a_kernel_is_left_until_its_deadline(
    asked_by: uuid.UUID | None, kaggle: FakeKaggle, store: ObjectStore
) -> None:
    name = orphan(kaggle, store, uuid.uuid4(), asked_by=asked_by)
    for options in ((), ("--abandon",)):
        status, (left,) = reap(*options)
        assert (status, left["due"], left["done"]) == (1, "ask again", "left for the next time")
        assert "PREFECT_API_URL" in str(left["why"])
        assert f"`calibguard kaggle delete --owner owner --slug {name}`" in str(left["why"])
    assert kaggle.kernels_alive() == [name]


def test_a_kernel_past_its_deadline_is_ended_also_where_nobody_knows_its_run(
    kaggle: FakeKaggle, store: ObjectStore
) -> None:
    orphan(kaggle, store, uuid.uuid4(), asked_by=uuid.uuid4(), ends_in=timedelta(minutes=-3))
    status, (ended,) = reap()
    assert (status, ended["done"], kaggle.kernels_alive()) == (0, "ended", [])
    assert reap() == (0, [])


def test_a_kernel_whose_run_waits_is_left_until_it_is_abandoned(
    kaggle: FakeKaggle, store: ObjectStore
) -> None:
    run = flow_run(Running())
    name = orphan(kaggle, store, run)
    status, (left,) = reap()
    assert (status, left["due"], kaggle.kernels_alive()) == (1, "adopt", [name])
    status, _ = reap("--abandon")
    assert (status, kaggle.kernels_alive()) == (0, [])
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run).state
    assert state is not None
    assert (state.type.value, state.name) == ("CRASHED", "Lost")


def test_a_kernel_without_a_record_is_ended_and_a_notebook_of_the_users_is_not(
    kaggle: FakeKaggle, store: ObjectStore
) -> None:
    orphan(kaggle, store, uuid.uuid4(), recorded=False)
    status, (ended,) = reap()
    assert (status, ended["why"], kaggle.kernels_alive()) == (0, "nothing is on record of it", [])


def test_a_record_that_cannot_be_read_is_told_and_costs_no_other_job(
    kaggle: FakeKaggle, store: ObjectStore
) -> None:
    bad = orphan(kaggle, store, uuid.uuid4(), recorded=False)
    store.create(f"remote/{bad}/intent.json", b"rubbish")
    orphan(kaggle, store, flow_run(Completed()))
    status, rows = reap()
    assert (status, kaggle.kernels_alive()) == (1, [bad])
    (why,) = [str(row["why"]) for row in rows if row["due"] == "by hand"]
    assert f"'remote/{bad}/intent.json' is not the record it was" in why
    assert f"`calibguard kaggle delete --owner owner --slug {bad}`" in why
    outcome = CliRunner().invoke(app, ["reap"])
    assert (outcome.exit_code, "its reason tells what to do" in outcome.stderr) == (1, True)


def test_a_table_says_that_nothing_was_found(kaggle: FakeKaggle, store: ObjectStore) -> None:
    outcome = CliRunner().invoke(app, ["reap"])
    assert (outcome.exit_code, outcome.stdout) == (0, "0 rented machines found\n")

"""Worker processes that are killed at every step: each machine is adopted or ended, each run has an end."""

import signal
from datetime import timedelta

import anyio
import pytest
from prefect.client.orchestration import get_client
from prefect.states import Pending

from infra.remote.names import run_digits
from infra.workers.kaggle import KaggleWorker
from infra.workers.stranded import crash_stranded
from tests.infra.workers.desk import Desk
from tests.rented import Death
from tests.waiting import wait_until

ENDED = ("Completed", "Failed", "Crashed", "Cancelled", "Lost")


@pytest.mark.parametrize(
    ("die_at", "machines", "name"),
    [
        ("intent", 0, "Lost"),  # nothing was created: the run may start again
        ("created", 1, "Completed"),  # found by its name
        ("opened", 1, "Completed"),
    ],
)
def test_a_worker_that_is_killed_while_it_creates_leaves_nothing_behind(
    die_at: Death, machines: int, name: str, desk: Desk
) -> None:
    agent = desk.agent()
    run = desk.run(agent)
    with desk.worker(die_at) as worker:
        assert worker.wait(timeout=120) == -signal.SIGKILL
    assert len(desk.machines.alive()) == machines
    agent.finish()
    with desk.worker():
        state = desk.await_state(run, *ENDED)
        wait_until(lambda: not desk.records.open_names(), within_s=30, what="closing the record")
    assert state.name == name, state.message
    assert (desk.machines.alive(), desk.machines.created()) == ([], machines)


def test_a_worker_that_is_killed_while_it_watches_is_succeeded_by_another(desk: Desk) -> None:
    agent = desk.agent()
    run = desk.run(agent)
    agent.beat()
    with desk.worker() as first:
        desk.await_state(run, "Running")
        first.kill()
    assert len(desk.machines.alive()) == 1
    with desk.worker():
        wait_until(
            lambda: "process" in (desk.store.read(_watch_key(desk)).decode()), within_s=60, what="a lease"
        )
        agent.finish()
        state = desk.await_state(run, *ENDED)
    assert (state.name, desk.machines.alive(), desk.machines.created()) == ("Completed", [], 1)


def test_what_a_killed_worker_left_for_a_run_that_was_deleted_is_ended(desk: Desk) -> None:
    agent = desk.agent()
    run = desk.run(agent)
    agent.beat()
    with desk.worker() as first:
        desk.await_state(run, "Running")
        first.kill()
    with get_client(sync_client=True) as client:
        client.delete_flow_run(run)
    with desk.worker():
        wait_until(lambda: not desk.machines.alive(), within_s=90, what="the end of the machine")
        wait_until(lambda: not desk.records.open_names(), within_s=30, what="closing the record")


def test_a_worker_that_is_told_to_stop_ends_its_machines_and_their_runs(desk: Desk) -> None:
    agent = desk.agent()
    run = desk.run(agent)
    agent.beat()
    with desk.worker() as worker:
        desk.await_state(run, "Running")
        worker.send_signal(signal.SIGINT)
        worker.wait(timeout=60)
    state = desk.state(run)
    assert (state.type.value, state.name) == ("CRASHED", "WorkerStopped")
    assert (desk.machines.alive(), desk.records.open_names()) == ([], [])


@pytest.mark.parametrize("is_known", [False, True])
def test_a_run_that_was_taken_and_never_written_down_crashes_unless_somebody_is_at_it(
    is_known: bool, desk: Desk
) -> None:
    run = desk.run(desk.agent())
    desk.set_state(run, Pending())

    async def crash() -> None:
        async with get_client() as client:
            pool = await client.read_work_pool(desk.pool)
            known = {run_digits(run)} if is_known else set()
            await crash_stranded(client, pool=pool, known=known, after=timedelta(hours=1))
            assert desk.state(run).is_pending()
            await crash_stranded(client, pool=pool, known=known, after=timedelta(0))

    anyio.run(crash)
    assert desk.state(run).type.value == ("PENDING" if is_known else "CRASHED")


def test_nothing_of_the_workers_environment_is_in_a_jobs_configuration() -> None:
    properties = KaggleWorker.get_default_base_job_template()["variables"]["properties"]
    assert not {"env", "command"} & set(properties)


def _watch_key(desk: Desk) -> str:
    (record,) = desk.records.all_jobs()
    return desk.records.watch_key(record.intent.name)

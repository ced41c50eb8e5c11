from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType

from deployments.register import register
from infra.settings import Settings
from tests.waiting import wait_until

SCHEDULED = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])))


def scheduled_runs(deployment: str) -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(
            flow_run_filter=SCHEDULED,
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[deployment])),
        )


def nightly_runs() -> list[FlowRun]:
    return scheduled_runs("nightly")


@pytest.mark.usefixtures("prefect_api")
def test_a_nightly_refit_is_scheduled_in_its_time_zone_where_there_are_pairs(tmp_path: Path) -> None:
    assert nightly_runs() == []  # without a data root
    try:
        register(
            Settings(data_root=tmp_path, refit_cron="30 2 * * *", time_zone="Asia/Tokyo"),
            working_dir=Path.cwd(),
        )
        wait_until(nightly_runs, within_s=120, what="a scheduled run")
        expected = nightly_runs()[0].expected_start_time
        assert expected is not None
        assert (expected.hour, expected.minute) == (17, 30)  # in UTC
    finally:
        register(Settings(), working_dir=Path.cwd())


@pytest.mark.usefixtures("prefect_api")
def test_the_fallback_is_scheduled_in_the_last_hour_before_the_deadline() -> None:
    assert scheduled_runs("deadline") == []  # without a deadline
    deadline = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
    try:
        register(Settings(deadline=deadline.astimezone(timezone(timedelta(hours=9)))), working_dir=Path.cwd())
        wait_until(lambda: scheduled_runs("deadline"), within_s=120, what="a scheduled run")
        starts = sorted(
            run.expected_start_time for run in scheduled_runs("deadline") if run.expected_start_time
        )
        wanted = [deadline - timedelta(minutes=minutes) for minutes in range(60, 0, -10)]
        assert len(starts) >= 3  # the server makes a few at a time
        assert starts == wanted[: len(starts)]
    finally:
        register(Settings(), working_dir=Path.cwd())


@pytest.mark.usefixtures("prefect_api")
def test_pools_of_rented_machines_keep_what_somebody_has_set_in_them() -> None:
    settings = Settings(remote_pools=("kaggle", "akash"))
    names = register(settings, working_dir=Path.cwd())
    wanted = {"render-batch/kaggle", "render-batch/akash", "render/safe-kaggle", "render/safe-akash"}
    assert wanted <= set(names)
    with get_client(sync_client=True) as client:
        pool = client.read_work_pool("kaggle")
        assert (pool.type, pool.concurrency_limit) == ("kaggle", 2)
        client.update_work_pool("kaggle", WorkPoolUpdate(concurrency_limit=1))
        register(settings, working_dir=Path.cwd())
        assert client.read_work_pool("kaggle").concurrency_limit == 1
        assert client.read_deployment_by_name("render-batch/kaggle").work_pool_name == "kaggle"
        assert client.read_deployment_by_name("render/safe-kaggle").work_pool_name == settings.work_pool

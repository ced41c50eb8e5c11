"""The whole way: `render` on a real server, its shards on a fake Kaggle that runs what our worker pushes."""

import uuid
from pathlib import Path
from typing import cast

import pytest
from prefect.client.schemas.objects import State
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from deployments.stack import running_stack
from flows.render import render
from infra.remote.records import RemoteRecords
from infra.settings import load_settings
from infra.store.opening import configured_store
from infra.store.s3_connection import S3Credentials
from tasks.domain.schemas import RunManifest
from tests.fake_kaggle.running import running_fake_kaggle
from tests.fake_kaggle.service import TOKEN
from tests.faults.stores import environment
from tests.photos import fill_folder, listing_ids

ROOT = Path(__file__).parent.parent.parent


def test_a_render_whose_shards_go_to_kaggle_gives_the_zip_and_leaves_no_kernel(
    s3_server: S3Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    photos = fill_folder(tmp_path / "photos", [f"{uuid.uuid4().hex[:12]}_{one}" for one in listing_ids(6)])
    with running_fake_kaggle(tmp_path / "kaggle") as kaggle:
        variables = {
            "CALIBGUARD_STORE_URL": f"s3://tests/{uuid.uuid4().hex}",
            "CALIBGUARD_REMOTE_POOLS": "kaggle",
            "PYTHONPATH": str(ROOT),  # of the server, which is not started in the project's folder
            "CALIBGUARD_KAGGLE_API_URL": kaggle.url,
            "CALIBGUARD_KAGGLE_API_TOKEN": TOKEN,
            **environment(s3_server),
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with running_stack(tmp_path / "state", **variables) as stack:
            with temporary_settings(
                {PREFECT_API_URL: stack.api_url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
            ):
                state = cast(
                    "State[RunManifest]",
                    render(
                        str(photos),
                        variant="aggressive",
                        shard_size=3,
                        pools=("render-batch/kaggle",),
                        batch_photos=3,
                        batch_minutes=10,
                        return_state=True,
                    ),
                )
            APILogWorker.drain_all(timeout=10)
            EventsWorker.drain_all(timeout=10)
        assert state.is_completed(), state.message
        assert kaggle.kernels_left() == []
    jobs = list(RemoteRecords(configured_store(load_settings())).all_jobs())
    assert [job.closed and job.closed.cause for job in jobs] == ["done", "done"]

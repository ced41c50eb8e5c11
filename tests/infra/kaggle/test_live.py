"""One CPU kernel of a minute at the real Kaggle, for those who ask for it, with the account of the settings.

LIVE_KAGGLE=yes .venv/bin/pytest tests/infra/kaggle/test_live.py
"""

import os
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from infra.kaggle.opening import open_kaggle
from infra.kaggle.provider import KaggleProvider
from infra.remote.names import remote_name
from infra.remote.provider import RemoteJob
from infra.settings import load_settings
from tests.waiting import wait_until


@pytest.mark.skipif("LIVE_KAGGLE" not in os.environ, reason="asks the real Kaggle; set LIVE_KAGGLE=yes")
def test_a_kernel_lives_and_dies_at_the_real_kaggle() -> None:
    rented = KaggleProvider(
        open_kaggle(load_settings()), script=lambda _job: "print('calibguard', flush=True)"
    )
    rented.check("none")
    job = RemoteJob(
        name=str(remote_name("kaggle", uuid.uuid4(), 0)),
        spec_url="https://unused.example/",
        deadline=datetime.now(UTC) + timedelta(minutes=3),
        accelerator="none",
    )
    handle = rented.create(job, lambda _handle: None)
    try:
        assert handle.name in {found.name for found in rented.find()}
        wait_until(lambda: rented.observe(handle).state == "ended", within_s=600, what="the kernel's end")
        assert "calibguard" in rented.harvest(handle)
    finally:
        rented.destroy(handle)
    assert rented.observe(handle).state == "gone"

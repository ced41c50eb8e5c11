"""Our clients of a fake Kaggle, with little patience."""

import uuid
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from infra.kaggle.api import KaggleApi
from infra.kaggle.connection import KaggleAccess, TimeLimits
from infra.kaggle.patience import Patience
from infra.kaggle.provider import KaggleProvider
from infra.remote.names import remote_name
from infra.remote.provider import Handle, RemoteJob
from tests.fake_kaggle.service import KEY, TOKEN, USERNAME, FakeKaggle

HASTY = Patience(retry_s=5.0, first_pause_s=0.01, settle_s=0.01, confirm_s=2.0, stream_s=0.5)
LIMITS = TimeLimits(connect_s=2.0, silence_s=2.0, answer_s=4.0)


def account(
    kaggle: FakeKaggle, *, patience: Patience = HASTY, limits: TimeLimits = LIMITS, basic: bool = False
) -> KaggleApi:
    access = (
        KaggleAccess(username=USERNAME, key=SecretStr(KEY), url=kaggle.url)
        if basic
        else KaggleAccess(token=SecretStr(TOKEN), url=kaggle.url)
    )
    return KaggleApi(access, patience=patience, limits=limits)


def provider(
    kaggle: FakeKaggle, script: str = "print('hello')", *, patience: Patience = HASTY
) -> KaggleProvider:
    return KaggleProvider(account(kaggle, patience=patience), script=lambda _job: script)


def job(*, attempt: int = 0, minutes: float = 60, run: uuid.UUID | None = None) -> RemoteJob:
    return RemoteJob(
        name=str(remote_name("kaggle", run or uuid.uuid4(), attempt)),
        spec_url="https://store.example/spec.json?signature=canary",
        deadline=datetime.now(UTC) + timedelta(minutes=minutes),
        accelerator="cuda",
    )


class Opened:
    """Keeps what ``create`` reports."""

    def __init__(self) -> None:
        self.handles: list[Handle] = []

    def __call__(self, handle: Handle) -> None:
        self.handles.append(handle)

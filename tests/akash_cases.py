"""A provider against a fake Akash, and the jobs that it is given."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from pydantic import SecretStr

from infra.akash.connection import AkashConnection, Patience
from infra.akash.console import Console
from infra.akash.provider import AkashProvider
from infra.akash.sdl import Hardware, Stack
from infra.akash.terms import Terms
from infra.remote.names import remote_name
from infra.remote.provider import Handle, RemoteJob
from tests.fake_akash.service import API_KEY, FakeAkash
from tests.waiting import ENDLESS

IMAGE = f"ghcr.io/org/calibguard-agent@sha256:{'0' * 64}"
SPEC_URL = "https://store.example/spec.json?X-Amz-Signature=CANARY-spec-signature"
COMMANDS = {"calibguard-agent": (sys.executable, "-c", ENDLESS)}

SHORT = Patience(
    request_s=2.0,
    create_request_s=2.0,
    retry_s=1.5,
    longest_pause_s=0.05,
    bid_wait_s=2.0,
    bid_settle_s=0.4,
    bid_poll_s=0.05,
    top_up_s=0.05,
    silent_s=600.0,
    destroy_s=3.0,
)
"""Waits as they are, a hundred times shorter."""

TERMS = Terms(IMAGE, Hardware(gpu_models=("t4", "rtx4090")), max_usd_per_hour=Decimal("0.60"))

STACK = Stack(
    name="cg-a-0123456789abcdef0123-0",
    image=IMAGE,
    command=("calibguard-agent",),
    hardware=Hardware(gpu_models=("t4", "rtx4090")),
    max_usd_per_hour=Decimal("0.60"),
    environment={"CALIBGUARD_SPEC_URL": SPEC_URL, "CALIBGUARD_AGENT_TOKEN": "on: {off}"},
)


def now_by(clock: Callable[[], float]) -> Callable[[], datetime]:
    return lambda: datetime.fromtimestamp(clock(), UTC)


def provider_at(
    akash: FakeAkash,
    *,
    terms: Terms = TERMS,
    patience: Patience = SHORT,
    now: Callable[[], datetime] | None = None,
    key: str = API_KEY,
) -> AkashProvider:
    return AkashProvider(
        Console(AkashConnection(SecretStr(key), akash.url), patience),
        terms,
        now=now or now_by(akash.market.host.clock),
    )


def job(run: UUID | None = None, *, attempt: int = 0, hours: float = 1.0) -> RemoteJob:
    name = remote_name("akash", run or uuid4(), attempt)
    deadline = datetime.now(UTC) + timedelta(hours=hours)
    return RemoteJob(str(name), SPEC_URL, deadline, "cuda")


def created(provider: AkashProvider, wanted: RemoteJob | None = None) -> Handle:
    opened: list[Handle] = []
    handle = provider.create(wanted or job(), opened.append)
    assert opened == [handle]
    return handle


def with_terms(**changes: object) -> Terms:
    return replace(TERMS, **changes)  # type: ignore[arg-type]

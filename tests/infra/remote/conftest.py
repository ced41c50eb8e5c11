from collections.abc import Callable
from pathlib import Path

import pytest

from infra.remote.ending import Clock
from infra.remote.records import RemoteRecords
from infra.remote.renting import Renter
from infra.remote.watching import Patience
from tests.rented import Agent, FakeTime, FolderProvider, SigningStore

PATIENCE = Patience(poll_s=10.0)


@pytest.fixture
def store(tmp_path: Path) -> SigningStore:
    return SigningStore(tmp_path / "store")


@pytest.fixture
def provider(tmp_path: Path) -> FolderProvider:
    return FolderProvider(tmp_path / "provider")


@pytest.fixture
def agent(store: SigningStore) -> Agent:
    return Agent(store).send_batch()


@pytest.fixture
def clock() -> FakeTime:
    return FakeTime()


@pytest.fixture
def renter_of(provider: FolderProvider, store: SigningStore, clock: FakeTime) -> Callable[..., Renter]:
    """Makes renters that share provider, store and clock."""

    def make(worker: str = "worker one", **more: object) -> Renter:
        shared = Clock(clock.now, clock.sleep, jitter=lambda: 1.0)
        return Renter(
            provider,
            RemoteRecords(store),
            worker,
            **{"patience": PATIENCE, "clock": shared, **more},  # type: ignore[arg-type]
        )

    return make


@pytest.fixture
def renter(renter_of: Callable[..., Renter]) -> Renter:
    return renter_of()

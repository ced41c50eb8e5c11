"""A lease has one holder, runs out when that one dies, and tells who it is."""

from pathlib import Path

import pytest

from infra.errors import WatchTaken
from infra.store.lease import holder, leased
from infra.store.local import LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def test_a_lease_has_a_holder_until_it_is_let_go_or_runs_out(store: LocalStore) -> None:
    assert holder(store, "a/lease", now=0.0) is None
    with leased(store, "a/lease", owner="host one", lease_s=60, now=lambda: 100.0, taken=WatchTaken):
        assert holder(store, "a/lease", now=159.0) == "host one"
        assert holder(store, "a/lease", now=160.0) is None
    assert holder(store, "a/lease", now=100.0) is None

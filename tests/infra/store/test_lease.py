"""A lease has one holder, runs out when that one dies, and tells who it is."""

import time
from pathlib import Path

import pytest

from infra.errors import LeaseHeld, SubmissionInFlight
from infra.store.lease import holder, leased
from infra.store.local import LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def test_a_lease_that_is_held_names_its_holder(store: LocalStore) -> None:
    with (
        leased(store, "a/lease", owner="host one", lease_s=60, now=time.time),
        pytest.raises(LeaseHeld, match="host one holds"),
        leased(store, "a/lease", owner="host two", lease_s=60, now=time.time),
    ):
        pass


def test_a_lease_is_free_after_its_holder(store: LocalStore) -> None:
    for owner in ("host one", "host two"):
        with leased(store, "a/lease", owner=owner, lease_s=60, now=time.time) as lease:
            lease.require_held()


def test_a_lease_that_ran_out_is_taken_over_and_its_holder_is_told(store: LocalStore) -> None:
    with (
        leased(store, "a/lease", owner="host one", lease_s=0.3, now=lambda: 0.0) as first,
        leased(store, "a/lease", owner="host two", lease_s=60, now=time.time) as second,
    ):
        assert first.lost.wait(5)
        with pytest.raises(LeaseHeld, match="another run took it"):
            first.require_held()
        second.require_held()


def test_a_lease_is_renewed_while_its_holder_lives(store: LocalStore) -> None:
    with leased(store, "a/lease", owner="host one", lease_s=1.5, now=time.time):
        for _ in range(4):
            time.sleep(0.5)
            with (
                pytest.raises(LeaseHeld),
                leased(store, "a/lease", owner="host two", lease_s=60, now=time.time),
            ):
                pass


def test_a_refusal_is_of_the_type_that_the_caller_names(store: LocalStore) -> None:
    with (
        leased(store, "a/lease", owner="host one", lease_s=60, now=time.time),
        pytest.raises(SubmissionInFlight),
        leased(store, "a/lease", owner="host two", lease_s=60, now=time.time, refusal=SubmissionInFlight),
    ):
        pass


def test_a_lease_has_a_holder_until_it_is_let_go_or_runs_out(store: LocalStore) -> None:
    assert holder(store, "a/lease", now=0.0) is None
    with leased(store, "a/lease", owner="host one", lease_s=60, now=lambda: 100.0):
        assert holder(store, "a/lease", now=159.0) == "host one"
        assert holder(store, "a/lease", now=160.0) is None
    assert holder(store, "a/lease", now=100.0) is None

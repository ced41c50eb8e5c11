"""One artifact has one flight, whoever else tries at the same moment."""

import socket
import time
from pathlib import Path

import pytest

from infra.errors import SubmissionInFlight
from infra.portal.client.connection import Portal
from infra.portal.client.step_record import Attempt
from infra.portal.client.submission import submit
from infra.store.lease import leased
from infra.store.local import LocalStore
from tests.infra.portal.fake_judge import Commit, fake_judge, healthy
from tests.infra.portal.submissions import QUICK, TEAM, archive_of, zipped
from tests.infra.portal.submitters import race, wrongs


def test_of_six_processes_at_once_one_submits_and_none_is_told_otherwise(store: LocalStore) -> None:
    with fake_judge() as running:
        told = race(running.url, Path(store.url.removeprefix("file://")), processes=6, rounds=5)
        assert [wrongs(number, words, running, store) for number, words in enumerate(told)] == [[]] * 5
        assert len(running.jobs) == 5


def test_a_run_that_slept_through_its_lease_sends_nothing_more(
    store: LocalStore,
) -> None:
    archive = archive_of(zipped({"home0_g0.jpg": b"photo"}))

    def taken_over(connection: socket.socket, commit: Commit) -> None:
        """While the first run waits for the end of its upload, another finds the lease expired."""
        portal = Portal(running.url, judge="fake")
        submit(archive, TEAM, portal=portal, store=store, patience=QUICK, now=lambda: time.time() + 3600)
        healthy(connection, commit)

    with fake_judge({"put": [taken_over]}) as running:
        with pytest.raises(SubmissionInFlight, match=r"wrote .* first"):
            submit(archive, TEAM, portal=Portal(running.url, judge="fake"), store=store, patience=QUICK)
        assert len(running.jobs) == 1


def test_a_run_that_was_overtaken_before_its_score_request_sends_none(store: LocalStore) -> None:
    attempt = Attempt(store, "flights/judge/digest/attempts/001")
    assert attempt.next_post() == 1
    attempt.claim("posts/01/sent.json", {"s3_key": "a"})
    with pytest.raises(SubmissionInFlight, match="meanwhile"):
        attempt.next_post()
    attempt.note("posts/01/declined.json", {"why": "503", "for_good": False})
    assert attempt.next_post() == 2


def test_of_two_runs_without_a_lease_one_may_send(store: LocalStore) -> None:
    attempt = Attempt(store, "flights/judge/digest/attempts/001")
    attempt.claim("posts/01/sent.json", {"s3_key": "a"})
    with pytest.raises(SubmissionInFlight):
        attempt.claim("posts/01/sent.json", {"s3_key": "a"})


def test_a_lease_that_is_held_names_its_holder(store: LocalStore) -> None:
    with (
        leased(store, "a/lease", owner="host one", lease_s=60, now=time.time, taken=SubmissionInFlight),
        pytest.raises(SubmissionInFlight, match="host one is at work"),
        leased(store, "a/lease", owner="host two", lease_s=60, now=time.time, taken=SubmissionInFlight),
    ):
        pass


def test_a_lease_is_free_after_its_holder(store: LocalStore) -> None:
    for owner in ("host one", "host two"):
        with leased(
            store, "a/lease", owner=owner, lease_s=60, now=time.time, taken=SubmissionInFlight
        ) as lease:
            lease.require_held()


def test_a_lease_that_ran_out_is_taken_over_and_its_holder_is_told(store: LocalStore) -> None:
    with (
        leased(
            store, "a/lease", owner="host one", lease_s=0.3, now=lambda: 0.0, taken=SubmissionInFlight
        ) as first,
        leased(
            store, "a/lease", owner="host two", lease_s=60, now=time.time, taken=SubmissionInFlight
        ) as second,
    ):
        assert first.lost.wait(5)
        with pytest.raises(SubmissionInFlight, match="another run took it"):
            first.require_held()
        second.require_held()


def test_a_lease_is_renewed_while_its_holder_lives(store: LocalStore) -> None:
    with leased(store, "a/lease", owner="host one", lease_s=1.5, now=time.time, taken=SubmissionInFlight):
        for _ in range(4):
            time.sleep(0.5)
            with (
                pytest.raises(SubmissionInFlight),
                leased(
                    store, "a/lease", owner="host two", lease_s=60, now=time.time, taken=SubmissionInFlight
                ),
            ):
                pass

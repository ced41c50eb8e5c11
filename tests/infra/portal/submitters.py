"""Lets several processes submit the same artifacts at the same moment."""

import multiprocessing
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from infra.errors import PortalError, SubmissionInFlight
from infra.portal.client.connection import Archive, Patience, Portal
from infra.portal.client.step_record import Flight, flight_key
from infra.portal.client.submission import submit
from infra.store.local import LocalStore
from tests.infra.portal.fake_judge import FakeJudge
from tests.infra.portal.submissions import TEAM, archive_of, zipped

_JUDGE = "fake"
_PATIENT = Patience(request_s=10, upload_s=10, retry_s=10, scoring_s=10, poll_s=0.02, lease_s=30)


def race(url: str, store: Path, *, processes: int, rounds: int) -> list[tuple[str, ...]]:
    """For each round what each process was told: ``scored``, ``in flight``, or an error's name."""
    context = multiprocessing.get_context("spawn")
    start, outcomes = context.Barrier(processes), context.SimpleQueue()
    running = [
        context.Process(target=_submit, args=(url, store, rounds, start, outcomes)) for _ in range(processes)
    ]
    for process in running:
        process.start()
    found = [outcomes.get() for _ in running]
    for process in running:
        process.join()
    return list(zip(*found, strict=True))


def wrongs(number: int, told: tuple[str, ...], judge: FakeJudge, store: LocalStore) -> list[str]:
    """Hold what was told of a round against the judge's own count and the record of the flight."""
    archive = _artifact(number)
    found = [f"a process was told {word}" for word in told if word not in ("scored", "in flight")]
    if "scored" not in told:
        found.append("no process was given the scores")
    if (uploads := judge.zips.count(b"".join(archive.chunks()))) != 1:
        found.append(f"the zip was uploaded {uploads} times")
    attempts = Flight(store, flight_key(_JUDGE, archive.behaviour_digest)).attempts()
    requested = [attempt.text("accepted.json", "request_id") for attempt in attempts]
    if len(requested) != 1 or requested[0] not in judge.jobs:
        found.append(f"the flight's jobs are {requested}, expected one that the judge has")
    return found


def _artifact(number: int) -> Archive:
    return archive_of(zipped({"home0_g0.jpg": f"photo {number}".encode()}))


def _submit(url: str, store: Path, rounds: int, start: Barrier, outcomes: Any) -> None:
    portal, shared = Portal(url, judge=_JUDGE), LocalStore(store)
    told = []
    for number in range(rounds):
        archive = _artifact(number)
        start.wait(timeout=60)
        try:
            submit(archive, TEAM, portal=portal, store=shared, patience=_PATIENT)
            told.append("scored")
        except SubmissionInFlight:
            told.append("in flight")
        except PortalError as error:
            told.append(type(error).__name__)
    outcomes.put(told)

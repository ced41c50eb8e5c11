"""Let several processes submit the same artifacts at the same moment."""

import multiprocessing
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from infra.errors import SubmissionInFlight
from infra.portal.client.connection import Patience, Portal
from infra.portal.client.submission import submit
from infra.store.local import LocalStore
from tests.infra.portal.submissions import TEAM, archive_of, zipped

_PATIENT = Patience(request_s=10, upload_s=10, retry_s=10, scoring_s=10, poll_s=0.02, lease_s=30)


def race(url: str, store: Path, *, processes: int, rounds: int) -> list[list[str]]:
    """For each process what each round came to: ``scored`` or ``in flight``."""
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
    return found


def _submit(url: str, store: Path, rounds: int, start: Barrier, outcomes: Any) -> None:
    portal, shared = Portal(url, judge="fake"), LocalStore(store)
    told = []
    for number in range(rounds):
        archive = archive_of(zipped({"home0_g0.jpg": f"photo {number}".encode()}))
        start.wait(timeout=60)
        try:
            submit(archive, TEAM, portal=portal, store=shared, patience=_PATIENT)
            told.append("scored")
        except SubmissionInFlight:
            told.append("in flight")
    outcomes.put(told)

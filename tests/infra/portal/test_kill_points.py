"""A submission is killed at each of its calls to the store, then run three times more."""

import time
from collections import Counter
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from infra.errors import SubmissionAmbiguous
from infra.portal.client.connection import Portal
from infra.portal.client.submission import submit
from infra.store.interface import ObjectStore
from infra.store.local import LocalStore
from tests.infra.portal.dying_store import Killed, When, dying
from tests.infra.portal.fake_judge import CSV, FakeJudge, drop_after_commit, fake_judge, status
from tests.infra.portal.submissions import QUICK, TEAM, archive_of, zipped

ARCHIVE = archive_of(zipped({"home0_g0.jpg": b"photo"}))


def outcome(running: FakeJudge, store: ObjectStore, *, run: int = 0) -> str:
    """One run; later ones begin after the lease of the dead one has run out."""
    portal = Portal(running.url, judge="fake")
    later = run * 10 * QUICK.lease_s
    try:
        answer = submit(
            ARCHIVE, TEAM, portal=portal, store=store, patience=QUICK, now=lambda: time.time() + later
        )
    except Killed:
        return "killed"
    except SubmissionAmbiguous:
        return "ambiguous"
    assert answer.csv == CSV.encode()
    return "scored"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_at_any_call_to_the_store_never_leads_to_a_second_score_request(when: When) -> None:
    ends: Counter[str] = Counter()
    memory = Path("/dev/shm")  # noqa: S108  (Linux's own name for it)
    with TemporaryDirectory(dir=memory if memory.is_dir() else None, prefix="portal_") as top:
        for at in count(1):
            store = LocalStore(Path(top) / str(at))
            # The first try meets a 503, so that a declined request is among the states.
            with fake_judge({"post": [status(503)]}) as running:
                if outcome(running, dying(store, at=at, when=when)) != "killed":
                    break
                later = [outcome(running, store, run=run) for run in (1, 2, 3)]
                assert len(set(later)) == 1
                assert len(running.jobs) <= 1
                assert (len(running.jobs) == 1) >= (later[0] == "scored")
                ends[later[0]] += 1
    assert ends.total() >= 15
    assert ends["ambiguous"] <= 0.2 * ends.total()  # the price of asking at most once


def test_an_ambiguous_submission_stays_so_until_it_is_resubmitted(store: LocalStore) -> None:
    with fake_judge({"post": [drop_after_commit]}) as running:
        assert outcome(running, store) == "ambiguous"
        assert outcome(running, store) == "ambiguous"
        portal = Portal(running.url, judge="fake")
        for _ in range(2):
            answer = submit(
                ARCHIVE, TEAM, portal=portal, store=store, patience=QUICK, resubmit="no job is listed"
            )
            assert answer.attempt.endswith("/attempts/002")
        assert outcome(running, store) == "scored"
        assert len(running.jobs) == 2

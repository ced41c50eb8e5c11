"""Kills a submission at one of its calls to the store, then runs it three times more."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import cast

from infra.errors import SubmissionAmbiguous
from infra.portal.client.connection import Portal
from infra.portal.client.submission import submit
from infra.store.interface import ObjectStore
from infra.store.local import LocalStore
from tests.infra.portal.dying_store import DyingStore, Killed, When
from tests.infra.portal.fake_judge import CSV, FakeJudge, fake_judge, status
from tests.infra.portal.submissions import QUICK, TEAM, archive_of, zipped

ARCHIVE = archive_of(zipped({"home0_g0.jpg": b"photo"}))


@dataclass(frozen=True)
class KillPoint:
    """Where a submission was killed, how the three later runs ended, and how many jobs the judge has."""

    name: str
    later: tuple[str, ...]
    jobs: int

    @property
    def wrongs(self) -> list[str]:
        """A sentence for all that is not as it must be."""
        found = list[str]()
        if len(set(self.later)) != 1:
            found.append(f"later runs disagree: {', '.join(self.later)}")
        if self.jobs > 1 or (self.jobs == 0 and "scored" in self.later):
            found.append(f"the judge has {self.jobs} jobs, and later runs ended {self.later[-1]}")
        return found


def kill_points(top: Path, when: When) -> Iterator[KillPoint]:
    """Kill before or after each call in turn, until a submission outlives its last one."""
    for at in count(1):
        store = LocalStore(top / f"{when}-{at}")
        # The first try meets a 503, so that a declined request is among the states.
        with fake_judge({"post": [status(503)]}) as running:
            mortal = DyingStore(store, at=at, when=when)
            if outcome(running, cast(ObjectStore, mortal)) != "killed":
                return
            later = tuple(outcome(running, store, run=run) for run in (1, 2, 3))
            yield KillPoint(f"{when} call {at}, {mortal.calls[at - 1]}", later, len(running.jobs))


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
    return "scored" if answer.csv == CSV.encode() else "scored by somebody else"

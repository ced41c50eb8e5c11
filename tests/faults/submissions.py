"""Submissions under faults of the portal, kills and rivals: an artifact has one job, whatever happens."""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

from infra.errors import SubmissionAmbiguous, SubmissionInFlight
from infra.portal.client.connection import Portal
from infra.portal.client.submission import adopt_request_id
from infra.store.interface import ObjectStore
from infra.store.local import LocalStore
from tasks.evidence import read_run
from tasks.ledger import entries
from tasks.photo_workers import open_photo_workers
from tasks.submission import judge_of
from tests.faults.submitting import submitted
from tests.faults.verdict import Verdict
from tests.infra.portal import fault_matrix, submitters
from tests.infra.portal.dying_store import When
from tests.infra.portal.fake_judge import fake_judge
from tests.infra.portal.kill_points import kill_points
from tests.judged import NEAR
from tests.judged_store import JudgedStore
from tests.quick_folder import quick_folder
from tests.running_portal import running_portal

_PROCESSES = 6
_KILLS = "submit kills"
_STEPS = 9  # objects that a submission leaves in flight and scores
_PAUSE_S = 0.03  # about what a step takes
_PATIENCE_S = 60.0
_WHENS: tuple[When, ...] = ("before", "after")


def scoring() -> Iterator[Verdict]:
    """The whole matrix of steps and faults."""
    for scenario in fault_matrix.ALL:
        with quick_folder() as folder:
            found = fault_matrix.wrongs(scenario, LocalStore(folder / "store"))
        yield Verdict("scoring", scenario.name, tuple(found))


def submit_kills(folder: Path, *, count: int, seed: int) -> Iterator[Verdict]:
    """Kill at every call to the store, and then whole processes at random moments."""
    for when in _WHENS:
        with quick_folder() as top:
            for point in kill_points(top, when):
                yield Verdict(_KILLS, point.name, tuple(point.wrongs), f"then {point.later[0]}")
    moments = random.Random(seed)  # noqa: S311  the same moments again, not secrets
    with _judged_elsewhere(folder / "submit-kills") as target:
        for number in range(count):
            yield _killed(target, number, moments.randrange(_STEPS), moments.uniform(0, _PAUSE_S))


def rivals(*, rounds: int) -> Iterator[Verdict]:
    """Let six processes submit each artifact at once."""
    with quick_folder() as folder, fake_judge() as judge:
        told = submitters.race(judge.url, folder / "store", processes=_PROCESSES, rounds=rounds)
        store = LocalStore(folder / "store")
        for number, words in enumerate(told):
            wrongs = submitters.wrongs(number, words, judge, store)
            measured = ", ".join(f"{times} {word}" for word, times in Counter(words).items())
            yield Verdict("submitters", f"artifact {number}", tuple(wrongs), measured)
        if len(judge.jobs) != rounds:
            yield Verdict("submitters", "all", (f"{rounds} artifacts have {len(judge.jobs)} jobs",))


@dataclass(frozen=True)
class _Target:
    """A finished run in a store of which copies are made, and a portal to which each copy submits it."""

    store: Path
    run: str
    portal_url: str
    portal_state: Path

    def jobs(self) -> set[str]:
        """Ids of all jobs that the portal has."""
        return {path.parent.name for path in self.portal_state.glob("records/jobs/*/job.json")}


@contextmanager
def _judged_elsewhere(folder: Path) -> Iterator[_Target]:
    store = LocalStore(folder / "store")
    with open_photo_workers(processes=1, timeout_s=60, memory_mb=2048) as workers:
        run = JudgedStore(store, folder, workers).render("killed", NEAR)
    (folder / "targets").symlink_to(folder / "originals")
    with running_portal(
        f"--targets={folder}",
        f"--state={folder / 'portal'}",
        "--scorer=tests.infra.portal.scorers:share_of_target",
        "--metric-profile=test",
        "--port=0",
    ) as portal:
        yield _Target(folder / "store", run, portal.url, folder / "portal")


def _killed(target: _Target, number: int, steps: int, pause_s: float) -> Verdict:
    folder = target.store.with_name(f"store-{number:02d}")
    copytree(target.store, folder)
    jobs = target.jobs()
    command = [sys.executable, "-m", "tests.faults.submitting", str(folder), target.portal_url, target.run]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        left = _await_steps(folder, process, steps, pause_s)
        process.kill()
    store = LocalStore(folder)
    ends = list(_run_again(target, store, jobs))
    found = []
    if ends[-1] != "scored":
        found.append(f"it ended {ends[-1]}")
    if len(new := target.jobs() - jobs) != 1:
        found.append(f"the portal has {len(new)} jobs of it")
    told = [entry for entry in entries(store) if entry.event == "scored"]
    if [entry.request_id for entry in told] != list(new):
        found.append(f"the ledger tells {len(told)} scores, of {[entry.request_id for entry in told]}")
    name = f"process {number:02d} after {left} of {_STEPS} steps + {pause_s * 1000:.0f} ms"
    return Verdict(_KILLS, name, tuple(found), " > ".join(ends))


def _await_steps(folder: Path, process: "subprocess.Popen[bytes]", steps: int, pause_s: float) -> int:
    """Wait for so many objects of a submission and then a while; how many there are then."""

    def done() -> int:
        return len([*folder.glob("flights/**/*.json"), *folder.glob("scores/**/*.*")])

    while done() < steps and process.poll() is None:
        time.sleep(0.001)
    time.sleep(pause_s)
    return done()


def _run_again(target: _Target, store: ObjectStore, jobs: set[str]) -> Iterator[str]:
    """Run until it is scored, as a person would who reads what is said; each end in a word or two."""
    deadline = time.monotonic() + _PATIENCE_S
    resubmit: str | None = None
    while time.monotonic() < deadline:
        try:
            submitted(target.run, store, target.portal_url, resubmit=resubmit)
        except SubmissionInFlight:  # the dead process's lease
            time.sleep(0.2)
        except SubmissionAmbiguous:
            if created := target.jobs() - jobs:
                _adopt(created.pop(), target, store)
                yield "ambiguous, adopted"
            else:
                resubmit = "the portal has no job of it"
                yield "ambiguous, resubmitted"
        else:
            yield "scored"
            return
    yield "in flight"


def _adopt(request_id: str, target: _Target, store: ObjectStore) -> None:
    run = read_run(target.run, entries(store), store)
    judge = judge_of(Portal(target.portal_url, judge="portal"), run)
    digest = run.manifest.submission.behaviour_digest
    adopt_request_id(request_id, judge=judge.key, behaviour_digest=digest, store=store)

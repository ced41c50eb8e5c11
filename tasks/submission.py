"""Has a run scored by the portal: who judges, may it be uploaded, what came back.

The portal client decides what may be repeated; nothing here sends a second request of its own.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from prefect import get_run_logger

from infra.errors import SubmissionFailed, SubmissionUnsettled
from infra.portal.client.connection import Archive, Patience, Portal, TeamIdentity
from infra.portal.client.judging import ask_judge
from infra.portal.client.submission import ScoredAnswer, adopt_request_id
from infra.portal.client.submission import submit as submit_archive
from infra.store.interface import ObjectStore
from tasks.adapters import run_store, scoring_portal, team_identity
from tasks.domain.errors import DomainError
from tasks.domain.gates.decision import decide_upload
from tasks.domain.gates.records import GatePolicy, UploadDecision
from tasks.domain.score_schemas import Judge, ScoredSubmission, Team
from tasks.domain.submission_zip import require_submittable
from tasks.evidence import NotScored, Run, entry_of, read_run, read_scored
from tasks.failures import step
from tasks.keys import decision_key
from tasks.ledger import append, entries, under_way, untested
from tasks.measuring import measure
from tasks.records import keep_record
from tasks.score_keeping import UNSTATED, JudgeChanged, export_scores, flight_seals, keep_scores

_PATIENT = Patience()
_ASKING = Patience(retry_s=15.0)  # the step around it tries again three times, which an outage is worth


class NothingToSubmit(DomainError):
    """No finished run waits for its scores."""


@step("find run")
def find_run(name: str | None) -> str:
    """Give the canonical name of a finished run; None chooses the newest without scores or a refusal."""
    store = run_store()
    ledger = entries(store)
    if name is not None:
        return read_run(name, ledger, store).manifest.name
    waiting = [*untested(store, ledger), *under_way(store, ledger)]
    if not waiting:
        raise NothingToSubmit(f"every finished run in {store.url} was scored or refused; name one, or render")
    return max(waiting, key=lambda manifest: manifest.finished).name


@step("ask judge")
def ask_who_judges(name: str) -> Judge:
    """Ask the portal that settings name who judges."""
    store = run_store()
    return judge_of(scoring_portal(), read_run(name, entries(store), store))


def judge_of(asked: Portal, run: Run, *, patience: Patience = _ASKING) -> Judge:
    """Give the portal's judge; one that does not say who it is goes by our name and the run's originals."""
    identity = ask_judge(asked, patience=patience)
    if identity is not None:
        return Judge(**asdict(identity))
    return Judge(
        name=asked.judge,
        version=UNSTATED,
        metric_profile=UNSTATED,
        target_set_digest=run.manifest.input_digest,
    )


def require_judge(wanted: Judge, asked: Portal, name: str, store: ObjectStore) -> None:
    """Require that a portal's judge is the one whose scores count, before a zip is sent to it.

    Raises:
        JudgeChanged: It is another one.
    """
    there = judge_of(asked, read_run(name, entries(store), store))
    if there != wanted:
        raise JudgeChanged(
            f"{name} was scored by {wanted}, and the portal's judge is {there}; submit it there"
        )


def scored_before(name: str, judge: Judge) -> ScoredSubmission | None:
    """Give the first scores of a run by this judge, where there are any."""
    store = run_store()
    ledger = entries(store)
    with suppress(NotScored):
        return read_scored(read_run(name, ledger, store), judge, ledger, store).record
    return None


@step("check novelty and texture")
def check_upload(name: str, judge: Judge, policy: GatePolicy) -> UploadDecision:
    """Decide whether a run may be uploaded (G4, G8), and record the decision and its verdict."""
    return checked_upload(name, judge, policy, run_store(), now=datetime.now(UTC))


def checked_upload(
    name: str, judge: Judge, policy: GatePolicy, store: ObjectStore, *, now: datetime
) -> UploadDecision:
    """Measure what is not measured yet, decide, and tell the ledger ``submitted`` or ``rejected``.

    Raises:
        NotSubmittable: The zip lacks photos and that was not accepted.
    """
    ledger = entries(store)
    run = read_run(name, ledger, store)
    require_submittable(run.manifest)
    measured = measure(run, judge, ledger, policy, store)
    decision = decide_upload(
        name,
        novelty_evidence=measured.novelty,
        textures=measured.textures,
        bucket_photos=run.bucket_photos,
        policy=policy,
    )
    key, digest = keep_record(decision, decision_key, name, store)
    entry = entry_of(
        run,
        judge,
        "submitted" if decision.upload else "rejected",
        at=now.isoformat(),
        reasons=tuple(one.evidence for one in decision.outcomes if not one.passed),
        evidence={key: digest, **measured.seals},
    )
    append(entry, store)
    return decision


@step("score")
def score(
    name: str, judge: Judge, team: Team | None, *, resubmit: str | None = None, again_for: str | None = None
) -> ScoredSubmission:
    """Have the zip scored, at most once, and keep what came back; goes on where an earlier try stopped."""
    logger = get_run_logger()
    return scored_run(
        name,
        judge,
        asked=scoring_portal(),
        identity=team_identity(team or Team()),
        store=run_store(),
        resubmit=resubmit,
        again_for=again_for,
        progress=lambda done, total: logger.info("%d of %d photos scored", done, total),
    )


def scored_run(
    name: str,
    judge: Judge,
    *,
    asked: Portal,
    identity: TeamIdentity,
    store: ObjectStore,
    resubmit: str | None = None,
    again_for: str | None = None,
    patience: Patience = _PATIENT,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005
) -> ScoredSubmission:
    """Submit a run's zip, wait for the scores and keep them.

    Args:
        name: Canonical name of the run.
        judge: Who was asked before; flights are kept apart by judge.
        asked: The portal.
        identity: Who submits.
        store: Holds the zip, the flights and the ledger.
        resubmit: Why an ambiguous or failed submission is sent again.
        again_for: Why a run that has scores is scored once more; the ledger tells it as ``rescored``.
        patience: Time limits.
        progress: Told how many photos of how many are scored.

    Raises:
        PortalError: See ``infra.portal.client.submission.submit``.
        DocumentError: The scored CSV or its summary is not what it must be; nothing is recorded as scored.
        JudgeChanged: The scores are another judge's.
    """
    run = read_run(name, entries(store), store)
    submit_run = partial(
        submit_archive,
        _archive(run, store),
        identity,
        portal=replace(asked, judge=judge.key),
        store=store,
        patience=patience,
        progress=progress,
    )
    try:
        answer = _scored_again(submit_run, again_for) if again_for else submit_run(resubmit=resubmit)
    except SubmissionFailed as error:
        if not again_for:
            at, sealed = datetime.now(UTC).isoformat(), flight_seals(run, judge, store)
            why = (str(error),)
            append(entry_of(run, judge, "withdrawn", at=at, reasons=why, evidence=sealed), store)
        raise
    return keep_scores(run, judge, answer, store, again_for=again_for, now=datetime.now(UTC))


def _scored_again(submit_run: Callable[..., ScoredAnswer], again_for: str) -> ScoredAnswer:
    """Have a scored run scored once more; what was cut off on another occasion comes to its end first."""
    try:
        return submit_run(resubmit=again_for)
    except SubmissionUnsettled:
        with suppress(SubmissionFailed):
            submit_run(resubmit=None)
    return submit_run(resubmit=again_for)


def export(scored: ScoredSubmission, folder: str) -> None:
    """Write scored CSV and summary into a folder, and say where."""
    csv, summary = export_scores(scored, Path(folder), run_store())
    get_run_logger().info("scores written to %s and %s", csv, summary)


def adopt(name: str, judge: Judge, request_id: str) -> None:
    """Settle an ambiguous submission whose job a person found at the portal."""
    store = run_store()
    run = read_run(name, entries(store), store)
    digest = run.manifest.submission.behaviour_digest
    try:
        adopt_request_id(request_id, judge=judge.key, behaviour_digest=digest, store=store)
    except ValueError as error:
        raise DomainError(str(error)) from error


def _archive(run: Run, store: ObjectStore) -> Archive:
    zipped = run.manifest.submission
    return Archive(
        chunks=lambda: store.stream(zipped.key),
        size=zipped.size,
        sha256=zipped.sha256,
        behaviour_digest=zipped.behaviour_digest,
    )

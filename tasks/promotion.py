"""Decides whether a scored run becomes champion, stores the decision, and moves the pointer.

Everything the decision rests on is stored with it as one record before anything moves. What the gates ask
for is gathered in ``tasks.gate_evidence``; the rules themselves are in ``tasks.domain.gates``.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from infra.portal.client.connection import Patience, Portal, TeamIdentity
from infra.store.interface import ObjectStore
from infra.store.probe import probe_store
from tasks.adapters import run_store, scoring_portal, settings, team_identity
from tasks.champion import PromotionOvertaken, Reign, crown, reigning, sealed_reign, settle
from tasks.domain.gates.deadline import evidence_is_complete
from tasks.domain.gates.decision import decide_promotion
from tasks.domain.gates.records import AnchorRescore, GateDecision, GatePolicy
from tasks.domain.gates.scored import overall
from tasks.domain.ledger import ChampionPointer, Event
from tasks.domain.score_schemas import Judge, Team
from tasks.evidence import Run, entry_of, read_run
from tasks.failures import step
from tasks.gate_evidence import Deadline, fallback_of, gathered
from tasks.keys import decision_key
from tasks.ledger import append, entries
from tasks.records import keep_record, read_sealed, read_sealed_record
from tasks.submission import require_judge, scored_run

_PATIENT = Patience()


@dataclass(frozen=True, slots=True)
class Verdict:
    """A stored decision, the champion it was taken against, and the pointer that would replace it."""

    decision: GateDecision
    key: str
    sha256: str
    reign: Reign
    decided_at: str
    pointer: ChampionPointer | None
    """None where the gates do not promote. Made once, so that carrying a decision out may be repeated."""

    @property
    def name(self) -> str:
        """The candidate."""
        return self.decision.evidence.name

    @property
    def reasons(self) -> tuple[str, ...]:
        """A sentence for each check that stands against promotion."""
        return tuple(outcome.evidence for outcome in self.decision.blockers)


@step("look whether it is champion")
def champions_decision(name: str, judge: Judge) -> GateDecision | None:
    """Give the decision that made a run the champion it is; None where it is not."""
    return found_champions_decision(name, judge, run_store())


def found_champions_decision(name: str, judge: Judge, store: ObjectStore) -> GateDecision | None:
    """Read the decision that made a run champion, and record the promotion if its author was cut off."""
    reign = sealed_reign(judge, store)
    pointer = reign.pointer
    if pointer is None or pointer.name != name:
        return None
    settle(reign, store)
    sha256 = pointer.decision_sha256
    return read_sealed_record(GateDecision, decision_key(name, sha256), sha256, store)


@step("score champion again")
def rescore_champion(
    name: str, judge: Judge, team: Team | None, resubmit: str | None
) -> AnchorRescore | None:
    """Have the champion scored beside the candidate, once; None without a champion or a second score."""
    champion = reigning(judge, run_store()).pointer
    if champion is None or not settings().portal_rescores:
        return None
    asked = scoring_portal()
    require_judge(judge, asked, champion.name, run_store())
    return rescored(
        champion,
        for_candidate=name,
        resubmit=resubmit,
        asked=asked,
        identity=team_identity(team or Team()),
        store=run_store(),
    )


def rescored(
    champion: ChampionPointer,
    *,
    for_candidate: str,
    resubmit: str | None = None,
    asked: Portal,
    identity: TeamIdentity,
    store: ObjectStore,
    patience: Patience = _PATIENT,
) -> AnchorRescore:
    """Score a champion once more; for the same candidate and reason it is the same score again."""
    again = scored_run(
        champion.name,
        champion.judge,
        asked=asked,
        identity=identity,
        store=store,
        again_for=f"anchor for {for_candidate}" + (f", again: {resubmit}" if resubmit else ""),
        patience=patience,
    )
    mean = next(one.mean for one in entries(store) if one.request_id == again.request_id)
    if mean is None:
        raise AssertionError("a score without a mean was recorded")
    return AnchorRescore(
        name=champion.name, judge=champion.judge, recorded_mean=champion.mean, rescored_mean=mean
    )


@step("decide")
def decide(
    name: str, judge: Judge, policy: GatePolicy, baseline: str | None, anchor: AnchorRescore | None
) -> Verdict:
    """Hold the candidate against all gates and store the decision with its evidence; nothing moves yet."""
    current = settings()
    probe_store(run_store()).require_conforming()  # before a decision is stored that could not be carried out
    return decided(
        name,
        judge,
        policy=policy,
        baseline=baseline,
        anchor=anchor,
        judge_rescores=current.portal_rescores,
        deadline=Deadline(current.deadline, current.deadline_submission) if current.deadline else None,
        store=run_store(),
        now=datetime.now(UTC),
        nonce=uuid.uuid4().hex,
    )


def decided(
    name: str,
    judge: Judge,
    *,
    policy: GatePolicy,
    store: ObjectStore,
    now: datetime,
    nonce: str,
    baseline: str | None = None,
    anchor: AnchorRescore | None = None,
    judge_rescores: bool = True,
    deadline: Deadline | None = None,
) -> Verdict:
    """Gather the evidence, decide, and store both as one record.

    Raises:
        NotScored: The candidate has no scores by this judge.
        EvidenceAltered: A record that the ledger seals, or the pointer, is not the one that was written.
    """
    reign = sealed_reign(judge, store)
    settle(reign, store)
    ledger = entries(store)
    evidence = gathered(name, judge, reign, policy, ledger, store, baseline=baseline, anchor=anchor)
    evidence = evidence.model_copy(update={"judge_rescores": judge_rescores})
    decision = decide_promotion(evidence, policy)
    if deadline is not None:
        complete = evidence_is_complete(decision) if evidence.track == "model" else False
        fallback = fallback_of(judge, deadline, policy, ledger, model_is_complete=complete, now=now)
        decision = decide_promotion(evidence.model_copy(update={"fallback": fallback}), policy)
    key, digest = keep_record(decision, decision_key, name, store)
    run = read_run(name, ledger, store)
    pointer = _pointer(decision, digest, run, reign, now, nonce) if decision.promote else None
    return Verdict(decision, key, digest, reign, now.isoformat(), pointer)


@step("conclude")
def conclude(verdict: Verdict, declined: str | None) -> Literal["promoted", "advanced", "rejected"]:
    """Move the pointer where the gates say so and nobody declined, and tell the ledger what came of it."""
    return concluded(verdict, run_store(), declined=declined)


def concluded(
    verdict: Verdict, store: ObjectStore, *, declined: str | None = None
) -> Literal["promoted", "advanced", "rejected"]:
    """Carry a decision out; doing it again changes nothing.

    Args:
        verdict: What was decided, against whom.
        store: Where pointer and ledger lie.
        declined: Why a person does not want the promotion; None where nobody was asked, or agreed.

    Raises:
        EvidenceAltered: The stored decision is another one.
        PromotionOvertaken: Another promotion came first; decide again.
    """
    ledger = entries(store)
    run = read_run(verdict.name, ledger, store)
    read_sealed(verdict.key, verdict.sha256, store)  # a person may have thought about it for a day
    if verdict.pointer is not None and declined is None:
        try:
            crown(verdict.pointer, verdict.reign, store)
        except PromotionOvertaken as error:
            _tell("analysed", verdict, run, store, reasons=(str(error),))
            raise
        return "promoted"
    outcome: Literal["advanced", "rejected"] = "advanced" if verdict.decision.advance else "rejected"
    reasons = verdict.reasons if declined is None else (f"declined: {declined}",)
    _tell(outcome, verdict, run, store, reasons=reasons)
    return outcome


def _tell(event: Event, verdict: Verdict, run: Run, store: ObjectStore, *, reasons: tuple[str, ...]) -> None:
    entry = entry_of(
        run,
        verdict.decision.evidence.judge,
        event,
        at=verdict.decided_at,
        reasons=reasons,
        evidence={verdict.key: verdict.sha256},
    )
    append(entry, store)


def _pointer(
    decision: GateDecision, digest: str, run: Run, reign: Reign, now: datetime, nonce: str
) -> ChampionPointer:
    own, before = overall(decision.evidence.analysis), reign.pointer
    if own is None:
        raise AssertionError("the gates promoted a run without scores")
    return ChampionPointer(
        generation=before.generation + 1 if before else 1,
        name=run.manifest.name,
        family=run.family,
        judge=decision.evidence.judge,
        mean=own.mean,
        submission_sha256=run.manifest.submission.sha256,
        manifest_sha256=run.manifest_sha256,
        decision_sha256=digest,
        previous=before.name if before else None,
        decided_at=now.isoformat(),
        nonce=nonce,
    )

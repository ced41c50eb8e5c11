"""Looks at the deadline that settings name, and carries out what it asks for (G7)."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from infra.store.interface import ObjectStore
from tasks.adapters import run_store, scoring_portal, settings, team_identity
from tasks.domain.errors import DomainError
from tasks.domain.gates.deadline import evidence_is_complete
from tasks.domain.gates.records import FallbackDecision, GateDecision, GatePolicy, track_of
from tasks.domain.ledger import LedgerEntry
from tasks.domain.score_schemas import Judge, ScoredSubmission, Team
from tasks.failures import step
from tasks.gate_evidence import Deadline, fallback_of
from tasks.ledger import entries
from tasks.records import read_sealed_record
from tasks.submission import require_judge, scored_run

_DECIDED = frozenset({"advanced", "promoted", "rejected"})


class NoDeadline(DomainError):
    """No deadline is set."""


@step("decide on the fallback")
def decide_now(policy: GatePolicy) -> tuple[Judge, FallbackDecision]:
    """Decide at this moment, for the judge that scored last."""
    current = settings()
    if current.deadline is None:
        raise NoDeadline("CALIBGUARD_DEADLINE is not set; set it to ISO 8601 with a zone, or do not ask")
    store = run_store()
    ledger = entries(store)
    judge = last_judge(ledger)
    return judge, fallback_of(
        judge,
        Deadline(current.deadline, current.deadline_submission),
        policy,
        ledger,
        model_is_complete=a_model_is_complete(judge, ledger, store),
        now=datetime.now(UTC),
    )


@step("submit again")
def submit_again(name: str, judge: Judge, team: Team | None) -> ScoredSubmission:
    """Submit a scored artifact once more, as the last word before the deadline; the same deadline, once.

    Raises:
        JudgeChanged: The portal has another judge now than the one whose scores were decided on.
    """
    store, asked = run_store(), scoring_portal()
    require_judge(judge, asked, name, store)
    return scored_run(
        name,
        judge,
        asked=asked,
        identity=team_identity(team or Team()),
        store=store,
        again_for=f"fallback for the deadline {settings().deadline}",
    )


def last_judge(ledger: Sequence[LedgerEntry]) -> Judge:
    """Give the judge of the newest scores.

    Raises:
        NoDeadline: Nothing was ever scored, so there is nothing to fall back on.
    """
    judges = [one.judge for one in ledger if one.event == "scored" and one.judge]
    if not judges:
        raise NoDeadline(
            "no judge has scored anything, so there is nothing to fall back on; submit a run first"
        )
    return judges[-1]


def a_model_is_complete(judge: Judge, ledger: Sequence[LedgerEntry], store: ObjectStore) -> bool:
    """Say whether the gates have decided on a model with all its evidence, whatever the evidence said."""
    return any(map(evidence_is_complete, _model_decisions(judge, ledger, store)))


def _model_decisions(
    judge: Judge, ledger: Sequence[LedgerEntry], store: ObjectStore
) -> Iterator[GateDecision]:
    scored: set[str] = set()  # before its scores, a rejection is one of the upload
    for entry in (one for one in ledger if one.judge == judge and track_of(one.family) == "model"):
        if entry.event == "scored":
            scored.add(entry.name)
        if entry.event in _DECIDED and entry.name in scored:
            for key, sha256 in entry.evidence.items():
                yield read_sealed_record(GateDecision, key, sha256, store)

"""G7: what to submit when the deadline is near and the model cannot show its evidence.

The time is an argument. Nothing is submitted here; the decision says what is to be.
"""

import shlex
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from tasks.domain.gates.outcomes import Check, not_applicable, require
from tasks.domain.gates.records import (
    FallbackDecision,
    GateDecision,
    GateOutcome,
    GatePolicy,
    StandingScore,
    Track,
)
from tasks.domain.score_schemas import Judge


def decide_fallback(
    *,
    now: datetime,
    deadline: datetime,
    policy: GatePolicy,
    model_evidence: Literal["complete", "incomplete"],
    heuristics: Iterable[StandingScore],
    judge: Judge,
    submission: Literal["enabled", "disabled"],
) -> FallbackDecision:
    """Decide whether the best verified heuristic is submitted instead of a model.

    Args:
        now: The time, with its zone.
        deadline: When submissions end, with its zone.
        policy: How many minutes before the deadline the fallback applies; the first of them is included.
        model_evidence: As ``evidence_is_complete`` says; incomplete while there is no model.
        heuristics: Verified ones, which are those that may advance.
        judge: Only heuristics scored by it are considered.
        submission: Whether the best one is submitted, or only named with the command that does it.

    Raises:
        ValueError: A time names no zone.
    """
    if now.utcoffset() is None or deadline.utcoffset() is None:
        raise ValueError(f"times with a zone were expected, got now {now} and deadline {deadline}")
    left = deadline - now
    window = timedelta(minutes=policy.fallback_minutes)
    if left > window:
        return _no_fallback(f"{left} are left until the deadline, more than {window}")
    if left < timedelta(0):
        return _no_fallback(f"the deadline {deadline.isoformat()} has passed")
    if model_evidence == "complete":
        return _no_fallback("the model's evidence is complete")
    best = min(
        (one for one in heuristics if one.judge == judge), key=lambda one: (-one.mean, one.name), default=None
    )
    if best is None:
        reason = f"{left} are left and no verified heuristic was scored by {judge}"
        return FallbackDecision(applies=True, action="none", reason=reason)
    return FallbackDecision(
        applies=True,
        action="submit" if submission == "enabled" else "name",
        artifact=best.name,
        command=None if submission == "enabled" else _command(best.name),
        reason=f"{left} are left and the model's evidence is incomplete; "
        f"{best.name!r} is the best verified heuristic with {best.mean:g}",
    )


def _command(name: str) -> str:
    """Word the command: the artifact has scores already, so that it is sent again must be said, and why."""
    return f"calibguard submit {shlex.quote(name)} --resubmit 'fallback for the deadline'"


def evidence_is_complete(decision: GateDecision) -> bool:
    """Say whether a decision had all its evidence, whatever the evidence said."""
    return all(outcome.passed for outcome in decision.outcomes if outcome.gate in ("G2", "G3"))


def deadline_gate(track: Track, fallback: FallbackDecision | None) -> GateOutcome:
    """G7: a model without evidence gives way to the fallback while that applies."""
    check = Check("G7", "deadline_fallback", "advance")
    if fallback is None:
        return not_applicable(check, "no deadline is configured")
    if track == "heuristic":
        return not_applicable(check, f"the candidate is a heuristic; {fallback.reason}")
    return require(check, [fallback.reason] if fallback.applies else [], satisfied=fallback.reason)


def _no_fallback(reason: str) -> FallbackDecision:
    return FallbackDecision(applies=False, action="none", reason=reason)

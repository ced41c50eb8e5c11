from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from tasks.domain.gates.deadline import decide_fallback, evidence_is_complete
from tasks.domain.gates.decision import decide_promotion
from tasks.domain.gates.records import FallbackDecision, GatePolicy, StandingScore
from tests.gate_cases import JUDGE, OTHER_JUDGE, evidence, standing_of

DEADLINE = datetime(2026, 2, 24, 12, 0, tzinfo=UTC)
HEURISTICS = (
    standing_of("good", 28.0),
    standing_of("best", 29.64),
    standing_of("foreign", 50.0, judge=OTHER_JUDGE),
)


def decided(
    left: timedelta,
    *,
    model_evidence: Literal["complete", "incomplete"] = "incomplete",
    heuristics: tuple[StandingScore, ...] = HEURISTICS,
    submission: Literal["enabled", "disabled"] = "enabled",
) -> FallbackDecision:
    return decide_fallback(
        now=DEADLINE - left,
        deadline=DEADLINE,
        policy=GatePolicy(),
        model_evidence=model_evidence,
        heuristics=heuristics,
        judge=JUDGE,
        submission=submission,
    )


@pytest.mark.parametrize(
    ("left", "applies"),
    [
        (timedelta(minutes=60, seconds=1), False),
        (timedelta(minutes=60), True),
        (timedelta(minutes=59, seconds=59), True),
        (timedelta(0), True),
        (timedelta(seconds=-1), False),
    ],
)
@pytest.mark.parametrize("model_evidence", ["complete", "incomplete"])
def test_fallback_applies_in_the_last_60_minutes_if_evidence_is_incomplete(
    left: timedelta, applies: bool, model_evidence: Literal["complete", "incomplete"]
) -> None:
    decision = decided(left, model_evidence=model_evidence)
    expected = applies and model_evidence == "incomplete"
    assert (decision.applies, decision.action) == (expected, "submit" if expected else "none")
    assert decision.artifact == ("best" if expected else None)


def test_best_heuristic_is_named_with_its_command_where_submission_is_not_enabled() -> None:
    decision = decided(timedelta(minutes=5), submission="disabled")
    assert (decision.action, decision.artifact, decision.command) == (
        "name",
        "best",
        "calibguard submit best --resubmit 'fallback for the deadline'",
    )
    assert decision.reason == (
        "0:05:00 are left and the model's evidence is incomplete; "
        "'best' is the best verified heuristic with 29.64"
    )


def test_first_by_name_is_taken_of_equally_good_heuristics() -> None:
    alike = (standing_of("b", 20.0), standing_of("a", 20.0))
    assert decided(timedelta(0), heuristics=alike).artifact == "a"


def test_without_a_verified_heuristic_nothing_is_submitted_and_that_is_said() -> None:
    decision = decided(timedelta(minutes=5), heuristics=HEURISTICS[2:])
    assert (decision.applies, decision.action, decision.artifact) == (True, "none", None)
    assert "no verified heuristic was scored by portal 1" in decision.reason


def test_times_without_a_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="times with a zone were expected"):
        decide_fallback(
            now=datetime(2026, 2, 24, 12, 0),
            deadline=DEADLINE,
            policy=GatePolicy(),
            model_evidence="incomplete",
            heuristics=(),
            judge=JUDGE,
            submission="enabled",
        )


def test_model_gives_way_to_the_fallback_and_a_heuristic_does_not() -> None:
    near = decided(timedelta(minutes=5))
    assert not decide_promotion(evidence(track="model", fallback=near), GatePolicy()).advance
    assert decide_promotion(evidence(fallback=near), GatePolicy()).advance
    assert decide_promotion(
        evidence(track="model", fallback=decided(timedelta(days=1))), GatePolicy()
    ).advance


def test_evidence_is_complete_however_bad_it_is() -> None:
    assert evidence_is_complete(decide_promotion(evidence(best_ever=standing_of("x", 99.0)), GatePolicy()))
    assert not evidence_is_complete(decide_promotion(evidence(lineage_problems=None), GatePolicy()))
    assert not evidence_is_complete(decide_promotion(evidence(analysis=None), GatePolicy()))

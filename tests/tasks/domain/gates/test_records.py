import pytest
from pydantic import ValidationError

from tasks.domain.gates.decision import decide_promotion, decide_upload
from tasks.domain.gates.records import GateDecision, GateOutcome, GatePolicy, UploadDecision
from tests.gate_cases import CHAMPION, evidence


@pytest.mark.parametrize(
    ("field", "rule", "laxer", "stricter"),
    [
        ("max_zero_rate", 0.12, 0.1201, 0.1),
        ("min_bucket_mean", 15.0, 14.99, 16.0),
        ("max_bucket_zero_rate", 0.30, 0.3001, 0.2),
        ("min_bucket_photos", 20, 21, 1),
        ("max_anchor_drift", 0.5, 0.51, 0.0),
        ("near_duplicate_levels", 4, 3, 8),
        ("best_ever_margin", 1.0, 1.01, 0.0),
        ("model_margin", 1.5, 1.49, 2.0),
        ("fallback_minutes", 60, 59, 90),
        ("min_bytes_ratio", 0.70, 0.69, 0.8),
        ("min_sharpness_ratio", 0.5, 0.49, 0.6),
    ],
)
def test_limit_can_be_tightened_and_never_loosened(
    field: str, rule: float, laxer: float, stricter: float
) -> None:
    assert getattr(GatePolicy(), field) == rule
    assert getattr(GatePolicy.model_validate({field: stricter}), field) == stricter
    for refused in (laxer, float("nan"), float("inf"), -1):
        with pytest.raises(ValidationError):
            GatePolicy.model_validate({field: refused})


def test_every_limit_of_the_policy_is_among_those_tested() -> None:
    assert len(GatePolicy.model_fields) == 11


def test_decision_is_read_back_as_it_was_stored() -> None:
    decision = decide_promotion(evidence(), GatePolicy())
    assert GateDecision.model_validate_json(decision.model_dump_json()) == decision


def test_verdict_that_does_not_follow_from_its_outcomes_is_refused() -> None:
    decision = decide_promotion(evidence(CHAMPION), GatePolicy())
    assert (decision.advance, decision.promote) == (True, False)
    for verdict in ({"promote": True}, {"advance": False}):
        with pytest.raises(ValidationError, match="does not follow from the outcomes"):
            GateDecision.model_validate({**decision.model_dump(), **verdict})
    with pytest.raises(ValidationError, match="at least 1 item"):
        GateDecision.model_validate({**decision.model_dump(), "outcomes": (), "promote": True})


def test_upload_that_does_not_follow_from_its_outcomes_is_refused() -> None:
    decision = decide_upload(
        "x", novelty_evidence=None, textures=None, bucket_photos={"standard": 1}, policy=GatePolicy()
    )
    with pytest.raises(ValidationError, match="does not follow from the outcomes"):
        UploadDecision.model_validate({**decision.model_dump(), "upload": True})


def test_check_that_is_not_applicable_cannot_have_failed() -> None:
    with pytest.raises(ValidationError, match="G1 zero_rate is not applicable, so it cannot have failed"):
        GateOutcome(
            gate="G1", check="zero_rate", blocks="advance", applicable=False, passed=False, evidence="x"
        )


def test_every_gate_is_reported_whatever_failed() -> None:
    for given in (evidence(), evidence(analysis=None, novelty=None, texture=None, lineage_problems=None)):
        decision = decide_promotion(given, GatePolicy())
        assert {one.gate for one in decision.outcomes} == {f"G{number}" for number in range(1, 9)}
        keys = [(one.gate, one.check, one.group) for one in decision.outcomes]
        assert len(keys) == len(set(keys))
        assert all(one.evidence for one in decision.outcomes)


def test_failures_of_all_gates_are_reported_at_once() -> None:
    given = evidence(analysis=None, novelty=None, texture=None, lineage_problems=None, track="model")
    failed = {one.gate for one in decide_promotion(given, GatePolicy()).blockers}
    assert failed == {"G1", "G2", "G3", "G4", "G5", "G6", "G8"}


def test_what_is_refused_before_upload_neither_advances_nor_is_promoted() -> None:
    for given in (evidence(novelty=None), evidence(texture=None)):
        decision = decide_promotion(given, GatePolicy())
        assert {one.blocks for one in decision.blockers} == {"upload"}
        assert (decision.advance, decision.promote) == (False, False)

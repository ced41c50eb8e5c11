"""What the gates say of the user's scored runs, on CSVs built to the recorded figures."""

import pytest

from tasks.domain.gates.decision import decide_promotion
from tasks.domain.gates.records import GatePolicy
from tasks.domain.score_schemas import ScoreSummary
from tasks.domain.scored_csv import check_summary
from tests.replayed_history import LATER, NAMES, TUNED, TWIN, decided, may_upload, read


@pytest.mark.parametrize("name", LATER)
def test_nothing_after_29_64_is_promoted_or_stays_in_play(name: str) -> None:
    decision = decided(name)
    assert (decision.advance, decision.promote) == (False, False)
    assert {"best_ever_margin", "exceeds_champion"} <= {one.check for one in decision.blockers}


def test_tuned_run_is_blocked_by_exactly_its_four_hard_blockers() -> None:
    told = [one.evidence for one in decided(TUNED).blockers if one.gate == "G1"]
    assert told == [
        "zero rate 0.159 > 0.12 (159 of 1000 photos)",
        "bucket 'moderate_crop' mean 10.879 < 15 (68 photos)",
        "bucket 'heavy_crop' mean 0.632857 < 15 (21 photos)",
        "bucket 'heavy_crop' zero rate 0.857143 > 0.3 (18 of 21 photos)",
    ]


def test_tuned_run_fails_no_gate_but_hard_blockers_and_the_comparison() -> None:
    assert {one.gate for one in decided(TUNED).blockers} == {"G1", "G5"}


def test_second_name_of_one_behaviour_is_refused_before_upload() -> None:
    assert [name for name in NAMES if not may_upload(name)] == [TWIN]


def test_candidate_with_a_hard_blocker_is_not_promoted_however_good_its_proxies() -> None:
    decision = decided(TUNED)
    proxies = {"mae": 0.0, "psnr": 99.0, "ssim": 1.0, "composite": 100.0}
    improved = decision.evidence.model_copy(update={"proxies": proxies})
    again = decide_promotion(improved, GatePolicy())
    assert (again.promote, again.outcomes) == (False, decision.outcomes)


def test_portal_average_of_calibguard_safe_fits_its_csv() -> None:
    summary = ScoreSummary(total_images=1000, scored=1000, missing=0, hard_fails=9, avg_score=0.1817)
    check_summary(read("submission_calibguard_cycle1_safe_scored"), summary, source="summary")

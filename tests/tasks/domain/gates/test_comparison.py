import pytest

from tasks.domain.gates.decision import decide_promotion
from tasks.domain.gates.records import GateDecision, GatePolicy
from tests.gate_cases import (
    BETTER,
    CHAMPION,
    OTHER_JUDGE,
    Line,
    Table,
    analysis_of,
    evidence,
    standing_of,
)

POLICY = GatePolicy()


def failed(decision: GateDecision) -> set[tuple[str, str, str]]:
    return {(one.gate, one.check, one.group) for one in decision.outcomes if not one.passed}


def moved(table: Table, bucket: str, *, zeros: int = 0, hundredths: int = 0) -> Table:
    return {
        name: Line(line.photos, line.zeros + zeros, line.hundredths + hundredths) if name == bucket else line
        for name, line in table.items()
    }


def test_better_candidate_is_promoted() -> None:
    decision = decide_promotion(evidence(), POLICY)
    assert (decision.advance, decision.promote, decision.blockers) == (True, True, ())


def test_equal_candidate_stays_in_play_and_is_not_promoted() -> None:
    decision = decide_promotion(evidence(CHAMPION), POLICY)
    assert (decision.advance, decision.promote) == (True, False)
    assert failed(decision) == {("G5", "exceeds_champion", "all")}


@pytest.mark.parametrize(("best", "advances"), [(30.48, True), (30.49, False)])
def test_margin_of_exactly_one_point_below_the_best_ever_stays_in_play(best: float, advances: bool) -> None:
    """The candidate has 29.48; a best ever above the champion was rejected for something else."""
    decision = decide_promotion(evidence(best_ever=standing_of("best", best)), POLICY)
    assert (decision.advance, decision.promote) == (advances, advances)


def test_margin_is_exact_where_floats_are_not() -> None:
    """32.02 - 1 is a little more than 31.02 in floats."""
    assert 32.02 - 1.0 > 31.02
    table: Table = {"standard": Line(1000, 50, 3_102_000)}
    given = evidence(table, table, best_ever=standing_of("best", 32.02))
    assert decide_promotion(given, POLICY).advance


def test_ten_promotions_cannot_drift_down_from_the_best_ever() -> None:
    """Each run is 0.9 below the one before; the margin does not move along with a champion."""
    best, mean, advanced = 2964, 2964, 0
    for _ in range(10):
        mean -= 90
        own: Table = {"standard": Line(1000, 50, mean * 1000)}
        champion: Table = {"standard": Line(1000, 50, mean * 1000 + 90_000)}
        given = evidence(own, champion, best_ever=standing_of("best", best / 100))
        advanced += decide_promotion(given, POLICY).advance
    assert advanced == 1


def test_champion_above_the_best_ever_sets_the_margin() -> None:
    own = moved(CHAMPION, "standard", hundredths=-101_000)  # 1.01 points below the champion
    decision = decide_promotion(evidence(own, best_ever=standing_of("stale", 1.0)), POLICY)
    assert ("G5", "best_ever_margin", "all") in failed(decision)


def test_single_metric_wins_are_refused() -> None:
    more_zeros = decide_promotion(evidence(moved(BETTER, "standard", zeros=2)), POLICY)
    assert failed(more_zeros) == {("G5", "zero_rate", "all")}
    fewer_zeros_only = decide_promotion(evidence(moved(CHAMPION, "standard", zeros=-20)), POLICY)
    assert failed(fewer_zeros_only) == {("G5", "exceeds_champion", "all")}


@pytest.mark.parametrize("bucket", ["moderate_crop", "heavy_crop"])
def test_worse_crop_bucket_blocks_a_better_total(bucket: str) -> None:
    assert failed(decide_promotion(evidence(moved(BETTER, bucket, hundredths=-4001)), POLICY)) == {
        ("G5", "bucket_mean", bucket)
    }
    worse = moved(moved(BETTER, bucket, zeros=2), "standard", zeros=-2)
    assert failed(decide_promotion(evidence(worse), POLICY)) == {("G5", "bucket_zero_rate", bucket)}


def test_worse_standard_bucket_does_not_block_a_better_total() -> None:
    own = moved(moved(BETTER, "standard", hundredths=-62_000), "heavy_crop", hundredths=20_000)
    assert decide_promotion(evidence(own), POLICY).promote


def test_evidence_that_names_a_champion_but_lacks_it_blocks() -> None:
    decision = decide_promotion(evidence(champion_name="champion", champion=None), POLICY)
    assert ("G5", "exceeds_champion", "all") in failed(decision)
    assert not decision.advance


def test_champion_of_another_name_counts_as_missing() -> None:
    other = analysis_of(CHAMPION, name="other", against=())
    assert ("G5", "zero_rate", "all") in failed(
        decide_promotion(evidence(champion=None, champion_name="champion"), POLICY)
    )
    given = evidence().model_copy(update={"champion": other})
    assert ("G5", "zero_rate", "all") in failed(decide_promotion(given, POLICY))


def test_first_promotion_must_beat_global_grid() -> None:
    assert decide_promotion(evidence(champion=None), POLICY).promote
    equal = decide_promotion(evidence(champion=None, global_grid=standing_of("grid", 29.48)), POLICY)
    assert failed(equal) == {("G5", "beats_global_grid", "all")}
    assert equal.advance


def test_first_promotion_may_not_have_more_zeros_than_global_grid() -> None:
    grid = standing_of("grid", 24.0, zero_rate=0.075)
    assert failed(decide_promotion(evidence(champion=None, global_grid=grid), POLICY)) == {
        ("G5", "zero_rate_of_global_grid", "all")
    }


def test_first_promotion_without_global_grid_of_the_same_judge_is_refused() -> None:
    for grid in (None, standing_of("grid", 1.0, judge=OTHER_JUDGE)):
        decision = decide_promotion(evidence(champion=None, global_grid=grid), POLICY)
        assert not decision.promote
        assert ("G5", "beats_global_grid", "all") in failed(decision)


def test_first_promotion_records_comparisons_as_such() -> None:
    decision = decide_promotion(evidence(champion=None), POLICY)
    (margin,) = (one for one in decision.outcomes if one.check == "best_ever_margin")
    assert (margin.applicable, margin.observed) == (False, 29.48)
    assert margin.evidence.startswith("comparative: ")


def test_absolute_gates_apply_to_the_first_promotion() -> None:
    own = moved(BETTER, "standard", zeros=45)  # 121 of 1,000
    assert failed(
        decide_promotion(
            evidence(own, champion=None, global_grid=standing_of("grid", 1.0, zero_rate=1.0)), POLICY
        )
    ) == {("G1", "zero_rate", "all")}


@pytest.mark.parametrize(("heuristic", "passes"), [(27.98, True), (27.99, False)])
def test_model_must_lie_exactly_one_and_a_half_points_above_the_best_heuristic(
    heuristic: float, passes: bool
) -> None:
    given = evidence(track="model", best_heuristic=standing_of("best", heuristic))
    assert decide_promotion(given, POLICY).promote is passes


def test_heuristic_need_not_pass_the_model_gate() -> None:
    given = evidence(best_heuristic=standing_of("best", 99.0))
    assert decide_promotion(given, POLICY).promote


def test_hard_blocker_is_told_by_the_model_gate_too() -> None:
    own: Table = {"standard": Line(1000, 121, 3_200_000)}
    given = evidence(own, champion={"standard": Line(1000, 130, 2_900_000)}, track="model")
    assert failed(decide_promotion(given, POLICY)) == {
        ("G1", "zero_rate", "all"),
        ("G6", "zero_rate", "all"),
        ("G6", "no_hard_blocker", "all"),
    }


def test_model_may_not_be_worse_in_a_portrait_bucket_where_a_heuristic_may() -> None:
    own: Table = {**BETTER, "portrait_standard": Line(10, 1, 20_000)}
    champion: Table = {**CHAMPION, "portrait_standard": Line(10, 1, 20_001)}
    assert decide_promotion(evidence(own, champion), POLICY).promote
    assert failed(decide_promotion(evidence(own, champion, track="model"), POLICY)) == {
        ("G6", "bucket_mean", "portrait_standard")
    }


def test_difference_to_the_champion_is_told_with_its_interval() -> None:
    given = evidence()
    assert given.analysis is not None
    overall, *rest = given.analysis.groups
    deltas = tuple(delta.model_copy(update={"interval": (-0.25, 1.5)}) for delta in overall.deltas)
    groups = (overall.model_copy(update={"deltas": deltas}), *rest)
    analysis = given.analysis.model_copy(update={"groups": groups})
    decision = decide_promotion(given.model_copy(update={"analysis": analysis}), POLICY)
    (found,) = (one for one in decision.outcomes if one.check == "exceeds_champion")
    assert found.evidence == (
        "mean 29.48 > 28.84 (champion 'champion'; 95 % interval of the difference -0.25 to +1.50)"
    )

import math
from fractions import Fraction
from typing import Any

import pytest

from tasks.domain.gates.decision import decide_promotion
from tasks.domain.gates.records import AnchorRescore, GatePolicy
from tasks.domain.score_schemas import ScoreAnalysis
from tests.gate_cases import (
    BETTER,
    CHAMPION,
    JUDGE,
    OTHER_JUDGE,
    Line,
    analysis_of,
    evidence,
    outcome,
    single,
    standing_of,
    statistics_of,
    total,
)


@pytest.mark.parametrize(("zeros", "passes"), [(120, True), (121, False)])
def test_zero_rate_of_exactly_12_percent_passes(zeros: int, passes: bool) -> None:
    found = outcome("G1", "zero_rate", own={"standard": Line(1000, zeros, 3_000_000)})
    assert found.passed is passes
    sign = "<=" if passes else ">"
    assert found.evidence == f"zero rate {zeros / 1000} {sign} 0.12 ({zeros} of 1000 photos)"


def test_zero_rates_as_floats_and_as_counts_agree() -> None:
    """For every number of photos up to 2,000, on either side of both limits."""
    for limit in (Fraction(12, 100), Fraction(30, 100)):
        for photos in range(1, 2001):
            at = math.floor(limit * photos)
            assert at / photos <= float(limit)
            assert not (at + 1) / photos <= float(limit)
            assert round(at / photos, 9) <= round(float(limit), 9) < round((at + 1) / photos, 9)


@pytest.mark.parametrize(("photos", "counts"), [(19, False), (20, True)])
def test_bucket_counts_from_20_photos_on(photos: int, counts: bool) -> None:
    bad = single(photos, zeros=photos, hundredths=0)
    for check in ("bucket_mean", "bucket_zero_rate"):
        found = outcome("G1", check, group="near_standard_tall", own=bad)
        assert (found.applicable, found.passed) == (counts, not counts)


@pytest.mark.parametrize(("hundredths", "passes"), [(60_000, True), (59_999, False)])
def test_bucket_mean_of_exactly_15_passes(hundredths: int, passes: bool) -> None:
    found = outcome("G1", "bucket_mean", group="near_standard_tall", own=single(40, hundredths=hundredths))
    assert found.passed is passes
    assert found.evidence.startswith("bucket 'near_standard_tall' mean 1")


@pytest.mark.parametrize(("zeros", "passes"), [(12, True), (13, False)])
def test_bucket_zero_rate_of_exactly_30_percent_passes(zeros: int, passes: bool) -> None:
    found = outcome("G1", "bucket_zero_rate", group="near_standard_tall", own=single(40, zeros=zeros))
    assert found.passed is passes


@pytest.mark.parametrize("field", ["mean", "zero_rate"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_fails(field: str, value: float) -> None:
    """Records refuse such numbers; this is what happens if one gets past them."""
    analysis = analysis_of(BETTER)
    overall, *rest = analysis.groups
    broken = overall.model_copy(update={"statistics": overall.statistics.model_copy(update={field: value})})
    given = evidence().model_copy(
        update={"analysis": analysis.model_copy(update={"groups": (broken, *rest)})}
    )
    decision = decide_promotion(given, GatePolicy())
    failed = {one.check for one in decision.outcomes if not one.passed}
    expected = {"mean": {"best_ever_margin", "exceeds_champion"}, "zero_rate": {"zero_rate"}}
    assert (decision.advance, decision.promote, failed) == (False, False, expected[field])
    assert all(one.observed is None for one in decision.outcomes if not one.passed)


def test_bucket_without_photos_is_not_applicable() -> None:
    for gate, check in (("G1", "bucket_mean"), ("G2", "bucket_scores"), ("G5", "bucket_mean")):
        assert not outcome(gate, check, group="portrait_cropped").applicable


@pytest.mark.parametrize("photos", [1, 40])
def test_bucket_with_photos_but_without_scores_blocks(photos: int) -> None:
    asked: dict[str, Any] = {
        "bucket_photos": {
            **{bucket: line.photos for bucket, line in BETTER.items()},
            "portrait_cropped": photos,
        }
    }
    found = outcome("G2", "bucket_scores", group="portrait_cropped", **asked)
    assert found.evidence == f"bucket 'portrait_cropped' has {photos} photos, 0 with scores"
    assert not found.passed


def test_scores_of_photos_that_are_not_asked_for_block() -> None:
    asked: dict[str, Any] = {"bucket_photos": {"standard": 900, "moderate_crop": 60}}
    assert not outcome("G2", "bucket_scores", group="heavy_crop", **asked).passed
    assert not outcome("G2", "row_count", **asked).passed


def test_group_that_is_told_twice_counts_as_missing() -> None:
    analysis = analysis_of(BETTER)
    twice = analysis.model_copy(update={"groups": (*analysis.groups, analysis.groups[0])})
    found = outcome("G1", "zero_rate", analysis=twice)
    assert (found.passed, found.evidence) == (False, "zero rate: no finite numbers, nothing against 0.12")


@pytest.mark.parametrize(
    ("problems", "evidence_sentence"),
    [
        (None, "lineage was never checked"),
        (("the zip differs", "the CSV differs"), "the zip differs; the CSV differs"),
    ],
)
def test_broken_or_unchecked_lineage_blocks(problems: tuple[str, ...] | None, evidence_sentence: str) -> None:
    found = outcome("G2", "lineage", lineage_problems=problems)
    assert (found.passed, found.evidence) == (False, evidence_sentence)


@pytest.mark.parametrize("who", ["baseline", "global_grid", "best_ever", "best_heuristic"])
def test_scores_of_another_judge_block(who: str) -> None:
    foreign: dict[str, Any] = {who: standing_of(who, 1.0, judge=OTHER_JUDGE)}
    found = outcome("G2", "one_judge", **foreign)
    assert not found.passed
    assert "two judges do not compare" in found.evidence


def test_champion_scored_by_another_judge_is_no_comparison() -> None:
    foreign = analysis_of(CHAMPION, name="champion", judge=OTHER_JUDGE, against=())
    decision = decide_promotion(
        evidence(champion=CHAMPION).model_copy(update={"champion": foreign}), GatePolicy()
    )
    failed = {(one.gate, one.check) for one in decision.outcomes if not one.passed}
    assert {("G2", "one_judge"), ("G5", "best_ever_margin"), ("G5", "exceeds_champion")} <= failed


def test_analysis_of_another_submission_blocks() -> None:
    found = outcome("G2", "one_judge", analysis=analysis_of(BETTER, name="another"))
    assert found.evidence == "the analysis is of 'another', not of 'candidate'"


@pytest.mark.parametrize("standing", ["champion", "baseline"])
def test_missing_deltas_block(standing: str) -> None:
    kept = [("champion", "champion"), ("baseline", "baseline")]
    analysis = analysis_of(BETTER, against=[pair for pair in kept if pair[0] != standing])  # type: ignore[misc]
    found = outcome("G2", f"{standing}_deltas", analysis=analysis)
    assert found.evidence == (
        f"deltas against the {standing} '{standing}' are missing for all, heavy_crop, moderate_crop, standard"
    )


def test_delta_missing_for_one_bucket_blocks() -> None:
    analysis = analysis_of(BETTER)
    *groups, last = analysis.groups
    cut = analysis.model_copy(
        update={"groups": (*groups, last.model_copy(update={"deltas": last.deltas[:1]}))}
    )
    assert not outcome("G2", "baseline_deltas", analysis=cut).passed


def test_bucket_without_photos_needs_no_deltas() -> None:
    asked = {bucket: line.photos for bucket, line in BETTER.items()} | {"portrait_cropped": 0}
    assert outcome("G2", "champion_deltas", bucket_photos=asked).passed


def test_deltas_against_another_champion_block() -> None:
    analysis = analysis_of(BETTER, against=(("champion", "another"), ("baseline", "baseline")))
    assert not outcome("G2", "champion_deltas", analysis=analysis).passed


def test_no_baseline_blocks() -> None:
    assert outcome("G2", "baseline_deltas", baseline=None).evidence == "no baseline is named"


@pytest.mark.parametrize(
    ("rescored", "passes"), [(28.84, True), (29.34, True), (28.34, True), (29.35, False), (28.33, False)]
)
def test_anchor_may_drift_by_exactly_half_a_point(rescored: float, passes: bool) -> None:
    anchor = AnchorRescore(name="champion", judge=JUDGE, recorded_mean=28.84, rescored_mean=rescored)
    assert outcome("G2", "anchor_drift", anchor=anchor).passed is passes


@pytest.mark.parametrize(
    "anchor",
    [
        None,
        AnchorRescore(name="another", judge=JUDGE, recorded_mean=28.84, rescored_mean=28.84),
        AnchorRescore(name="champion", judge=JUDGE, recorded_mean=30.0, rescored_mean=30.0),
    ],
)
def test_anchor_must_be_the_champion_scored_again(anchor: AnchorRescore | None) -> None:
    assert not outcome("G2", "anchor_drift", anchor=anchor).passed


def test_judge_that_scores_nothing_twice_needs_no_anchor() -> None:
    found = outcome("G2", "anchor_drift", anchor=None, judge_rescores=False)
    assert (found.applicable, found.passed) == (False, True)


def test_proxies_alone_never_promote() -> None:
    given = evidence(analysis=None, proxies={"mae": 0.0, "ssim": 1.0, "composite": 100.0})
    decision = decide_promotion(given, GatePolicy())
    (found,) = (one for one in decision.outcomes if one.gate == "G3")
    assert found.evidence == "no scored CSV was analysed; proxies count for nothing (composite, mae, ssim)"
    assert (decision.advance, decision.promote) == (False, False)


def test_proxies_change_nothing() -> None:
    for own in (BETTER, CHAMPION, single(40, zeros=40)):
        with_proxies = decide_promotion(evidence(own, proxies={"mae": 4.8785}), GatePolicy())
        without = decide_promotion(evidence(own), GatePolicy())
        assert with_proxies.outcomes == without.outcomes


def test_empty_test_set_blocks() -> None:
    given = evidence(
        bucket_photos={},
        analysis=ScoreAnalysis(name="candidate", judge=JUDGE, csv_sha256="c" * 64, groups=()),
    )
    decision = decide_promotion(given, GatePolicy())
    assert ("G2", "row_count") in {(one.gate, one.check) for one in decision.outcomes if not one.passed}
    assert not decision.advance


def test_tightened_policy_blocks_what_the_rules_let_pass() -> None:
    assert statistics_of(total(BETTER)).zero_rate == 0.076
    assert not outcome("G1", "zero_rate", policy=GatePolicy(max_zero_rate=0.075)).passed

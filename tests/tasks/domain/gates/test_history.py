"""Replays the user's scored runs under a judge of their own, on CSVs built to the recorded figures."""

from collections import Counter
from functools import cache

import pytest

from tasks.domain.analysis import Rival, analyse_scores
from tasks.domain.buckets import BUCKETS, bucket_of
from tasks.domain.gates.decision import decide_promotion, decide_upload
from tasks.domain.gates.records import (
    AnchorRescore,
    GateDecision,
    GateEvidence,
    GatePolicy,
    NoveltyEvidence,
    StandingScore,
)
from tasks.domain.score_schemas import PhotoScore, ScoreAnalysis, ScoreSummary, Standing
from tasks.domain.scored_csv import check_summary, parse_scored_csv
from tests.gate_cases import digests_of, texture_of
from tests.scored_history import JUDGE, as_csv, history, photos

RUNS = dict(history())
NAMES = tuple(RUNS)
GRID, CHAMPION = "submission_global_grid", "submission_dim_bucket_microgrid"
TUNED = "submission_dim_bucket_microgrid_tuned_20260222"
TWIN, TWIN_OF = "zero_guard_v1_20260222_030358", "safezero_v1"
BUCKET_PHOTOS = Counter(bucket_of(photo.width, photo.height) for photo in photos())


@cache
def analysed(name: str, *against: tuple[Standing, str]) -> ScoreAnalysis:
    """From the judge's bytes to the analysis, as the product does it."""
    scores = {one: read(one) for one in (name, *(other for _, other in against))}
    return analyse_scores(
        scores[name],
        name=name,
        judge=JUDGE,
        csv_sha256="0" * 64,
        photos=photos(),
        routes={},
        rivals=[Rival(standing, other, JUDGE, scores[other]) for standing, other in against],
        seed=7,
    )


@cache
def read(name: str) -> tuple[PhotoScore, ...]:
    return parse_scored_csv(as_csv(RUNS[name]), source=name, expected_ids=[photo.id for photo in photos()])


def standing(name: str) -> StandingScore:
    overall = analysed(name).groups[0].statistics
    return StandingScore(name=name, judge=JUDGE, mean=overall.mean, zero_rate=overall.zero_rate)


def novelty(name: str) -> NoveltyEvidence:
    """The two names of one behaviour have one digest; all others differ."""
    fills = {one: f"{at:x}" for at, one in enumerate(NAMES)} | {TWIN: f"{NAMES.index(TWIN_OF):x}"}
    earlier = NAMES[: NAMES.index(name)]
    return NoveltyEvidence(
        digests=digests_of(name, fills[name]), earlier=tuple(digests_of(one, fills[one]) for one in earlier)
    )


def decided(name: str) -> GateDecision:
    """Decide on a run with 29.64 as champion and best ever."""
    champion = analysed(CHAMPION)
    mean = champion.groups[0].statistics.mean
    given = GateEvidence(
        name=name,
        judge=JUDGE,
        track="model" if name == "v11_submission" else "heuristic",
        bucket_photos=dict(BUCKET_PHOTOS),
        champion_name=CHAMPION,
        analysis=analysed(name, ("champion", CHAMPION), ("baseline", GRID)),
        lineage_problems=(),
        champion=champion,
        baseline=standing(GRID),
        global_grid=standing(GRID),
        best_ever=standing(CHAMPION),
        best_heuristic=standing(CHAMPION),
        anchor=AnchorRescore(name=CHAMPION, judge=JUDGE, recorded_mean=mean, rescored_mean=mean),
        novelty=novelty(name),
        texture=tuple(texture_of(bucket) for bucket in BUCKETS),
    )
    return decide_promotion(given, GatePolicy())


@pytest.mark.parametrize("name", NAMES[NAMES.index(CHAMPION) + 1 :])
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
    verdicts = {
        name: decide_upload(
            name,
            novelty_evidence=novelty(name),
            textures=tuple(texture_of(bucket) for bucket in BUCKETS),
            bucket_photos=BUCKET_PHOTOS,
            policy=GatePolicy(),
        ).upload
        for name in NAMES
    }
    assert [name for name, upload in verdicts.items() if not upload] == [TWIN]


def test_candidate_with_a_hard_blocker_is_not_promoted_however_good_its_proxies() -> None:
    decision = decided(TUNED)
    proxies = {"mae": 0.0, "psnr": 99.0, "ssim": 1.0, "composite": 100.0}
    improved = decision.evidence.model_copy(update={"proxies": proxies})
    again = decide_promotion(improved, GatePolicy())
    assert (again.promote, again.outcomes) == (False, decision.outcomes)


def test_portal_average_of_calibguard_safe_fits_its_csv() -> None:
    summary = ScoreSummary(total_images=1000, scored=1000, missing=0, hard_fails=9, avg_score=0.1817)
    check_summary(read("submission_calibguard_cycle1_safe_scored"), summary, source="summary")

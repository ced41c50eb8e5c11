"""Replays the user's scored runs through analysis and gates, with the fifth as champion and best ever."""

from collections import Counter
from functools import cache

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
from tasks.domain.score_schemas import PhotoScore, ScoreAnalysis, Standing
from tasks.domain.scored_csv import parse_scored_csv
from tests.gate_cases import digests_of, texture_of
from tests.scored_history import JUDGE, as_csv, history, photos

RUNS = dict(history())
NAMES = tuple(RUNS)
GRID, CHAMPION = "submission_global_grid", "submission_dim_bucket_microgrid"
TUNED = "submission_dim_bucket_microgrid_tuned_20260222"
LATER = NAMES[NAMES.index(CHAMPION) + 1 :]
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


def may_upload(name: str) -> bool:
    """Say whether novelty and texture let a run be uploaded."""
    return decide_upload(
        name,
        novelty_evidence=novelty(name),
        textures=tuple(texture_of(bucket) for bucket in BUCKETS),
        bucket_photos=BUCKET_PHOTOS,
        policy=GatePolicy(),
    ).upload

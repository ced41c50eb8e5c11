"""The report of the user's tuned run, as it would be with 29.64 as champion; small photos are drawn."""

from dataclasses import replace
from functools import cache
from typing import Final

from gpu.coordinates import ImageSize
from gpu.plumb_line.moved_lines import moved_lines
from gpu.preview import preview_jpeg
from tasks.domain.analysis import Rival, analyse_scores
from tasks.domain.buckets import BUCKETS, bucket_of
from tasks.domain.gates.decision import decide_promotion
from tasks.domain.gates.records import (
    AnchorRescore,
    GateDecision,
    GatePolicy,
    NoveltyEvidence,
    StandingScore,
)
from tasks.domain.ledger import Board, LedgerEntry, board
from tasks.domain.methods import shoot_atlas
from tasks.domain.methods.registry import find_method
from tasks.domain.naming import listing_of
from tasks.domain.schemas import (
    CurveWarp,
    Engine,
    LegacyWarp,
    Provenance,
    RoutedPhoto,
    RouteUse,
    RunManifest,
    SubmissionZip,
)
from tasks.domain.score_schemas import ScoreAnalysis, ScoredSubmission, ScoreSummary, Standing
from tasks.domain.shipped_atlas import shipped_atlas
from tasks.report.agreement import ListingAgreement, listing_agreement
from tasks.report.content import ReportContent, ReportPhoto
from tasks.report.fan import curve_fan
from tasks.warps import radial_map_of, warp_text
from tests.gate_cases import digests_of, evidence, texture_of
from tests.ledger_entries import pointer
from tests.photos import jpeg
from tests.render_requests import request_for
from tests.scored_history import JUDGE, as_scores, history, photos

RUNS: Final = dict(history())
NAME: Final = "submission_dim_bucket_microgrid_tuned_20260222"
CHAMPION: Final = "submission_dim_bucket_microgrid"
BASELINE: Final = "submission_global_grid"
WARP: Final = LegacyWarp(k1=-0.17, k2=0.35)
SIZE: Final = ImageSize(320, 214)
"""Of the drawn photos."""
SNAPPED: Final = (1.02, 0.0, -0.03, 0.0, 0.01)
"""Factors of a curve that the shipped atlas knows for no size."""


@cache
def analysis(name: str = NAME, against: tuple[tuple[Standing, str], ...] = ()) -> ScoreAnalysis:
    """Analyse one run of the history."""
    return analyse_scores(
        as_scores(RUNS[name]),
        name=name,
        judge=JUDGE,
        csv_sha256="c" * 64,
        photos=photos(),
        routes={photo.id: "dim_primary" if photo.height > 1364 else "dim_safe" for photo in photos()},
        rivals=[Rival(standing, other, JUDGE, as_scores(RUNS[other])) for standing, other in against],
        seed=7,
    )


@cache
def decision(name: str = NAME, champion: str | None = CHAMPION) -> GateDecision:
    """Decide on a run; without a champion it is the first under its judge."""
    rivals: list[tuple[Standing, str]] = [("baseline", BASELINE)]
    if champion:
        rivals.append(("champion", champion))
    sizes = [bucket_of(photo.width, photo.height) for photo in photos()]
    given: dict[str, object] = {
        "name": name,
        "judge": JUDGE,
        "bucket_photos": {bucket: sizes.count(bucket) for bucket in BUCKETS},
        "analysis": analysis(name, tuple(rivals)),
        "baseline": _standing(BASELINE),
        "global_grid": _standing(BASELINE),
        "best_heuristic": _standing(BASELINE),
        "novelty": NoveltyEvidence(digests=digests_of(name, "1"), earlier=()),
        "texture": tuple(texture_of(bucket) for bucket in BUCKETS),
    }
    against_champion = _champion_evidence(champion) if champion else {}
    whole = evidence(champion=None).model_copy(update=given | against_champion)
    return decide_promotion(whole, GatePolicy())


def _champion_evidence(champion: str) -> dict[str, object]:
    mean = analysis(champion).groups[0].statistics.mean
    return {
        "champion_name": champion,
        "champion": analysis(champion),
        "best_ever": _standing(champion),
        "anchor": AnchorRescore(name=champion, judge=JUDGE, recorded_mean=mean, rescored_mean=mean - 0.125),
    }


def content(decided: GateDecision | None = None, **changes: object) -> ReportContent:
    """Make the content of a report, that of the tuned run's decision but for the changes."""
    decided = decided or decision()
    assert decided.evidence.analysis
    whole = ReportContent(
        manifest=manifest(decided.evidence.name),
        scored=_scored(decided.evidence.name),
        summary=ScoreSummary(total_images=1000, scored=1000, missing=0, hard_fails=9, avg_score=0.25),
        analysis=decided.evidence.analysis,
        decision=decided,
        board=_board(),
        photos=worst_photos(),
        fan=None,
        agreement=legacy_agreement(),
        made_at="2026-11-24T10:00:00+00:00",
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def manifest(name: str = NAME) -> RunManifest:
    """Make the manifest of a run whose photos took two routes."""
    return RunManifest(
        name=name,
        created="2026-11-24T09:00:00+00:00",
        finished="2026-11-24T09:20:00+00:00",
        provenance=Provenance(
            git_commit="0123456789abcdef0123456789abcdef01234567",
            git_dirty=False,
            command="render/dim-bucket",
            flow_run_id="5d2c6f3e-4b8a-4d57-9a34-0c1f6f7a1b2c",
            parameters={},
            python="3.11.9",
            platform="Linux-6.1-x86_64",
        ),
        request=request_for("photos", "dim_bucket_microgrid", "tuned", shard_size=250),
        engine=Engine(backend="opencv", quality=95, versions={"opencv": "5.0.0", "renderer": "3"}),
        plan_sha256="1" * 64,
        table_digest="2" * 64,
        input_digest="3" * 64,
        routes=tuple(
            RouteUse(
                route=route,
                warp=WARP,
                interpolation="cubic",
                border="reflect",
                coefficient_source="shipped",
                photos=count,
            )
            for route, count in (("dim_primary", 905), ("dim_safe", 95))
        ),
        submission=SubmissionZip(
            key=f"submissions/{name}.zip",
            size=570_000_000,
            sha256="4" * 64,
            behaviour_digest="5" * 64,
            photos=1000,
        ),
        contact_sheet=f"runs/{name}/contact_sheet.jpg",
        contact_sheet_sha256="a" * 64,
        rendered=1000,
        quarantined=(),
        shards=("6" * 64,),
        shard_records=("b" * 64,),
        submittable=True,
    )


@cache
def worst_photos(count: int = 3) -> tuple[ReportPhoto, ...]:
    """Choose the photos of the tuned run that scored least, with drawn pictures."""
    worst = sorted(as_scores(RUNS[NAME]), key=lambda row: (row.score, row.image_id))[:count]
    return tuple(
        ReportPhoto(
            id=row.image_id,
            listing=listing_of(row.image_id),
            score=row.score,
            gain=row.score - RUNS[CHAMPION][row.image_id] / 100,
            route="standard",
            warp=warp_text(WARP),
            original=preview_jpeg(jpeg(seed=number), 160),
            corrected=preview_jpeg(jpeg(seed=number + 100), 160),
            size=SIZE,
            lines=moved_lines(jpeg(seed=number), radial_map_of(WARP, SIZE)),
        )
        for number, row in enumerate(worst)
    )


@cache
def legacy_agreement() -> tuple[ListingAgreement, ...]:
    """Compare the warps within each listing, one for each size bucket."""
    method = find_method("dim_bucket_microgrid")
    options = method.options()
    return listing_agreement([method.route(photo, options) for photo in photos()], listing_means())


@cache
def atlas_routed() -> tuple[RoutedPhoto, ...]:
    """Route every photo of the history by the shipped atlas, every fifth as if its lens were recognised."""
    options = shoot_atlas.METHOD.options(variant="aggressive")
    routed = [shoot_atlas.METHOD.route(photo, options) for photo in photos()]
    found = {
        "route": "atlas_snap",
        "warp": CurveWarp(factors=SNAPPED),
        "expected_error_px": 0.75,
        "error_bound_px": 1.5,
    }
    return tuple(
        one.model_copy(update=found) if number % 5 == 0 else one for number, one in enumerate(routed)
    )


@cache
def atlas_content() -> ReportContent:
    """Make the content of a report of a run with the shipped atlas."""
    return content(
        fan=curve_fan(shipped_atlas(), atlas_routed()),
        agreement=listing_agreement(atlas_routed(), listing_means()),
    )


def listing_means() -> dict[str, float]:
    """Give the mean score of each listing in the tuned run."""
    return {group.key: group.statistics.mean for group in analysis().groups if group.kind == "listing"}


def _standing(name: str) -> StandingScore:
    overall = analysis(name).groups[0].statistics
    return StandingScore(name=name, judge=JUDGE, mean=overall.mean, zero_rate=overall.zero_rate)


def _scored(name: str) -> ScoredSubmission:
    return ScoredSubmission(
        name=name,
        judge=JUDGE,
        request_id="request-7",
        submission_sha256="4" * 64,
        behaviour_digest="5" * 64,
        manifest_sha256="7" * 64,
        csv_key=f"scored/{name}.csv",
        csv_sha256="c" * 64,
        summary_sha256="8" * 64,
        scored_at="2026-11-24T09:50:00+00:00",
    )


@cache
def _board() -> Board:
    promotion = {"event": "promoted", "pointer": pointer(CHAMPION, 1)}
    entries = [*map(_entry, RUNS), _entry(CHAMPION).model_copy(update=promotion)]
    return board(entries, JUDGE)


def _entry(name: str) -> LedgerEntry:
    overall = analysis(name).groups[0].statistics
    return LedgerEntry(
        event="scored",
        name=name,
        at="2026-11-24T09:50:00+00:00",
        family=name.removeprefix("submission_").partition("_2026")[0],
        judge=JUDGE,
        submission_sha256="9" * 64,
        mean=overall.mean,
        median=overall.median,
        zero_rate=overall.zero_rate,
    )

"""Writes the report of a scored run into the store: records, the photos that scored worst, one page."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from gpu.coordinates import ImageSize
from gpu.plumb_line.moved_lines import moved_lines
from gpu.preview import preview_jpeg
from infra.store.interface import ObjectStore
from tasks.adapters import run_store
from tasks.domain.atlas import LensAtlas
from tasks.domain.gates.records import GateDecision
from tasks.domain.ledger import LedgerEntry, board
from tasks.domain.methods import shoot_atlas
from tasks.domain.naming import listing_of
from tasks.domain.schemas import RoutedPhoto
from tasks.domain.score_schemas import ScoreAnalysis
from tasks.evidence import Run, Scored, entry_of, read_run, read_scored
from tasks.failures import step
from tasks.keys import analysis_key, report_key, table_key
from tasks.ledger import append, entries
from tasks.originals import OriginalChanged, read_original
from tasks.packed_photos import PackedPhotos
from tasks.records import keep_record, read_sealed_record
from tasks.report.agreement import listing_agreement
from tasks.report.content import ReportContent, ReportPhoto
from tasks.report.fan import CurveFan, curve_fan
from tasks.report.page import report_page
from tasks.reporting import best_effort
from tasks.score_reporting import publish_report_link
from tasks.warps import radial_map_of, warp_text

_SHOWN = 12  # photos before and after: with 800 px each some 2 MB
_LONG_SIDE = 800


@step("keep analysis")
def keep_analysis(analysis: ScoreAnalysis) -> str:
    """Keep an analysis, sealed by the ledger; gives its key."""
    return kept_analysis(analysis, run_store(), now=datetime.now(UTC))


@best_effort
@step("write report")
def keep_report(analysis: ScoreAnalysis, decision: GateDecision | None) -> str:
    """Keep a report, sealed by the ledger, and link it; gives its URL."""
    store = run_store()
    url = kept_report(analysis, decision, store, now=datetime.now(UTC))
    publish_report_link(url, analysis.name)
    return url


def kept_analysis(analysis: ScoreAnalysis, store: ObjectStore, *, now: datetime) -> str:
    """Store an analysis; one that is sealed already is left at that."""
    ledger = entries(store)
    key, digest = keep_record(analysis, analysis_key, analysis.name, store)
    if not any(one.evidence.get(key) == digest for one in ledger):
        run, sealed = read_run(analysis.name, ledger, store), {key: digest}
        append(entry_of(run, analysis.judge, "analysed", at=now.isoformat(), evidence=sealed), store)
    return key


def kept_report(
    analysis: ScoreAnalysis, decision: GateDecision | None, store: ObjectStore, *, now: datetime
) -> str:
    """Write a report; ``decision`` is None while the gates have not been asked.

    Raises:
        EvidenceAltered: A record that is shown is not the one that was written.
    """
    ledger = entries(store)
    run = read_run(analysis.name, ledger, store)
    scored = read_scored(run, analysis.judge, ledger, store)
    page = report_page(
        ReportContent(
            manifest=run.manifest,
            scored=scored.record,
            summary=scored.summary,
            analysis=analysis,
            decision=decision,
            board=board(ledger, analysis.judge),
            photos=tuple(_photos(run, scored, _champion_scores(analysis, ledger, store), store)),
            fan=_fan(run, store),
            agreement=listing_agreement(run.routed, _listing_means(analysis)),
            made_at=now.isoformat(timespec="seconds"),
        )
    )
    page_sha256 = hashlib.sha256(page).hexdigest()
    key = report_key(analysis.name, page_sha256)
    store.create(key, page, sha256=page_sha256)
    sealed = {key: page_sha256}
    append(entry_of(run, analysis.judge, "analysed", at=now.isoformat(), evidence=sealed), store)
    return f"{store.url}/{key}"


def _champion_scores(
    analysis: ScoreAnalysis, ledger: Sequence[LedgerEntry], store: ObjectStore
) -> Mapping[str, float]:
    """Give the scores that the analysis compares each photo with; empty where there was no champion."""
    names = {one.name for one in analysis.groups[0].deltas if one.against == "champion"}
    for name in names:
        scored = read_scored(read_run(name, ledger, store), analysis.judge, ledger, store)
        return {row.image_id: row.score for row in scored.scores}
    return {}


def _fan(run: Run, store: ObjectStore) -> CurveFan | None:
    """Draw the atlas that was in force and what came of it; None for a method without one."""
    name, digest = run.manifest.name, run.manifest.table_digest
    if run.manifest.request.method != shoot_atlas.METHOD.name or digest is None:
        return None
    return curve_fan(read_sealed_record(LensAtlas, table_key(name), digest, store), run.routed)


def _listing_means(analysis: ScoreAnalysis) -> Mapping[str, float]:
    return {group.key: group.statistics.mean for group in analysis.groups if group.kind == "listing"}


def _photos(run: Run, scored: Scored, champion: Mapping[str, float], store: ObjectStore) -> list[ReportPhoto]:
    """Show the photos that scored worst, of those whose original is still the one that was rendered."""
    routed = {one.photo.id: one for one in run.routed}
    folder = Path(run.plan.request.photos_folder)
    packed = PackedPhotos(run.manifest.submission, store)
    shown: list[ReportPhoto] = []
    for row in sorted(scored.scores, key=lambda row: (row.score, row.image_id))[:_SHOWN]:
        gain = row.score - champion[row.image_id] if champion else None
        with suppress(OriginalChanged):
            original = read_original(folder, routed[row.image_id].photo)
            corrected = packed.read(row.image_id)
            shown.append(_photo(routed[row.image_id], row.score, gain, original, corrected))
    return shown


def _photo(
    routed: RoutedPhoto, score: float, gain: float | None, original: bytes, corrected: bytes
) -> ReportPhoto:
    size = ImageSize(routed.photo.width, routed.photo.height)
    return ReportPhoto(
        id=routed.photo.id,
        listing=listing_of(routed.photo.id),
        score=score,
        gain=gain,
        route=routed.route,
        warp=warp_text(routed.warp),
        original=preview_jpeg(original, _LONG_SIDE),
        corrected=preview_jpeg(corrected, _LONG_SIDE),
        size=size,
        lines=moved_lines(original, radial_map_of(routed.warp, size)),
    )

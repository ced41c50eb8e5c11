"""Gathers what the gates ask of a scored run, as the ledger seals it; what is not there blocks.

Decides nothing and moves nothing: that is ``tasks.promotion``.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from infra.store.interface import ObjectStore
from tasks.analysis import analysed, global_grid, standings
from tasks.champion import Reign
from tasks.domain.gates.deadline import decide_fallback
from tasks.domain.gates.lineage import FoundDigests, lineage_problems
from tasks.domain.gates.records import (
    AnchorRescore,
    FallbackDecision,
    GateEvidence,
    GatePolicy,
    StandingScore,
    track_of,
)
from tasks.domain.ledger import Board, BoardRow, ChampionPointer, LedgerEntry, board
from tasks.domain.score_schemas import Judge, ScoreAnalysis
from tasks.evidence import Run, Scored, read_run, read_scored
from tasks.keys import manifest_key
from tasks.measuring import measure
from tasks.packed_photos import PackedPhotos
from tasks.records import sha256_of

_VERIFIED = frozenset({"advanced", "champion"})


@dataclass(frozen=True, slots=True)
class Deadline:
    """When submissions end, and whether the fallback submits by itself."""

    at: datetime
    submission: Literal["enabled", "disabled"]


def gathered(
    name: str,
    judge: Judge,
    reign: Reign,
    policy: GatePolicy,
    ledger: Sequence[LedgerEntry],
    store: ObjectStore,
    *,
    baseline: str | None,
    anchor: AnchorRescore | None,
) -> GateEvidence:
    """Read everything the gates ask for; what is not there stays None, which blocks."""
    run = read_run(name, ledger, store)
    scored = read_scored(run, judge, ledger, store)
    rivals = standings(name, judge, ledger, store, baseline=baseline)
    current = board(ledger, judge)
    measured = measure(run, judge, ledger, policy, store)
    return GateEvidence(
        name=name,
        judge=judge,
        track=track_of(run.family),
        bucket_photos=run.bucket_photos,
        champion_name=reign.pointer.name if reign.pointer else None,
        analysis=analysed(run, scored, rivals, ledger, store),
        lineage_problems=found_lineage(run, scored, store),
        champion=_analysis_of(reign.pointer, ledger, store),
        baseline=_standing(rivals.get("baseline"), current),
        global_grid=_standing(global_grid(current), current),
        best_ever=_standing(current.best_ever, current),
        best_heuristic=_best_heuristic(name, current),
        anchor=anchor,
        novelty=measured.novelty,
        texture=measured.textures,
    )


def found_lineage(run: Run, scored: Scored, store: ObjectStore) -> tuple[str, ...]:
    """Hash zip, manifest, CSV and summary as they lie there now, and hold them against each other."""
    zipped = hashlib.sha256()
    for chunk in store.stream(run.manifest.submission.key):
        zipped.update(chunk)
    prefix = scored.record.csv_key.rpartition("/")[0]
    return lineage_problems(
        scored.record,
        run.manifest,
        found=FoundDigests(
            submission=zipped.hexdigest(),
            manifest=sha256_of(manifest_key(run.manifest.name), store),
            csv=sha256_of(scored.record.csv_key, store),
            summary=sha256_of(f"{prefix}/summary.json", store),
        ),
        submitted_ids=PackedPhotos(run.manifest.submission, store).ids,
        scores=scored.scores,
        summary=scored.summary,
    )


def fallback_of(
    judge: Judge,
    deadline: Deadline,
    policy: GatePolicy,
    ledger: Sequence[LedgerEntry],
    *,
    model_is_complete: bool,
    now: datetime,
) -> FallbackDecision:
    """Say what the deadline asks for (G7); heuristics that may advance count as verified."""
    current = board(ledger, judge)
    gone = {one.name for one in ledger if one.event == "pruned"}
    rows = (row for row in current.rows if row.status in _VERIFIED and _is_heuristic(row))
    verified = [row.name for row in rows if row.name not in gone]
    found = (_standing(name, current) for name in verified)
    return decide_fallback(
        now=now,
        deadline=deadline.at,
        policy=policy,
        model_evidence="complete" if model_is_complete else "incomplete",
        heuristics=[one for one in found if one],
        judge=judge,
        submission=deadline.submission,
    )


def _analysis_of(
    champion: ChampionPointer | None, ledger: Sequence[LedgerEntry], store: ObjectStore
) -> ScoreAnalysis | None:
    if champion is None:
        return None
    run = read_run(champion.name, ledger, store)
    return analysed(run, read_scored(run, champion.judge, ledger, store), {}, ledger, store)


def _standing(name: str | None, current: Board) -> StandingScore | None:
    row = next((row for row in current.rows if row.name == name), None)
    if row is None or row.mean is None or row.zero_rate is None or row.judge is None:
        return None
    return StandingScore(name=row.name, judge=row.judge, mean=row.mean, zero_rate=row.zero_rate)


def _best_heuristic(name: str, current: Board) -> StandingScore | None:
    others = [row.name for row in current.rows if _is_heuristic(row) and row.name != name]
    return next((found for other in others if (found := _standing(other, current))), None)


def _is_heuristic(row: BoardRow) -> bool:
    return track_of(row.family) == "heuristic"

"""G5 and G6: how a candidate must stand to the champion, the best ever, and the best heuristic.

Staying in play and becoming champion are two verdicts. The margin of the first counts from the best mean
*ever* under the judge, never from the champion's: measured against a pointer that moves, ten promotions of
one point less each would be fine. Scores of another judge count as missing.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from tasks.domain.buckets import CROP_SENSITIVE, Bucket
from tasks.domain.gates.outcomes import Check, compare, not_applicable, require
from tasks.domain.gates.records import (
    Gate,
    GateEvidence,
    GateOutcome,
    GatePolicy,
    StandingScore,
)
from tasks.domain.gates.scored import mean, of_bucket, overall, zero_rate
from tasks.domain.score_schemas import ScoreAnalysis

STABLE_FOR_MODELS: Final[frozenset[Bucket]] = CROP_SENSITIVE | {"portrait_standard"}
"""Crop and orientation buckets."""


def standing(evidence: GateEvidence, policy: GatePolicy) -> Iterator[GateOutcome]:
    """G5: against champion and best ever, or against ``global_grid`` while there is no champion."""
    yield _margin(evidence, policy)
    yield _zero_rate_kept(evidence)
    yield from _buckets_kept(evidence, "G5", CROP_SENSITIVE)
    yield _exceeds_champion(evidence)
    yield from _first_promotion(evidence)


def model_gate(
    evidence: GateEvidence, policy: GatePolicy, *, hard: Iterable[GateOutcome]
) -> Iterator[GateOutcome]:
    """G6: what a model must show on top; a heuristic need not.

    Args:
        evidence: Of the candidate.
        policy: The limits.
        hard: The outcomes of G1.
    """
    checks = [Check("G6", name, "advance") for name in ("zero_rate", "no_hard_blocker", "exceeds_heuristic")]
    if evidence.track != "model":
        yield from (not_applicable(check, "the candidate is a heuristic") for check in checks)
        return
    own = overall(evidence.analysis)
    yield compare(checks[0], zero_rate(own), "<=", policy.max_zero_rate, what="zero rate of a model")
    failed = [f"{outcome.check} of {outcome.group}" for outcome in hard if not outcome.passed]
    problems = [f"hard blockers: {', '.join(failed)}"] if failed else []
    yield require(checks[1], problems, satisfied="no hard blocker")
    best = _same_judge(evidence, evidence.best_heuristic)
    limit = best.mean + policy.model_margin if best else None
    yield compare(
        checks[2],
        mean(own),
        ">=",
        limit,
        what="mean of a model",
        note=f" (best heuristic {best.name!r} + {policy.model_margin:g})" if best else "",
    )
    yield from _buckets_kept(evidence, "G6", STABLE_FOR_MODELS)


def _margin(evidence: GateEvidence, policy: GatePolicy) -> GateOutcome:
    check = Check("G5", "best_ever_margin", "advance")
    own = mean(overall(evidence.analysis))
    best = _same_judge(evidence, evidence.best_ever)
    if evidence.champion_name is None:
        return not_applicable(check, _no_champion(evidence), observed=own, limit=best.mean if best else None)
    champion_mean = mean(overall(_champion(evidence)))
    if best is None or champion_mean is None:
        return compare(check, own, ">=", None, what="mean against the best ever")
    # A champion above the best ever is a contradiction; the stricter of the two counts.
    limit = max(best.mean, champion_mean) - policy.best_ever_margin
    note = f" (best ever {best.name!r} - {policy.best_ever_margin:g})"
    return compare(check, own, ">=", limit, what="mean", note=note)


def _zero_rate_kept(evidence: GateEvidence) -> GateOutcome:
    check = Check("G5", "zero_rate", "advance")
    own = zero_rate(overall(evidence.analysis))
    if evidence.champion_name is None:
        return not_applicable(check, _no_champion(evidence), observed=own)
    limit = zero_rate(overall(_champion(evidence)))
    return compare(check, own, "<=", limit, what="zero rate", note=" (the champion's)")


def _buckets_kept(evidence: GateEvidence, gate: Gate, buckets: Iterable[Bucket]) -> Iterator[GateOutcome]:
    """Ask that neither mean nor zero rate of a bucket is worse than the champion's."""
    for bucket in sorted(buckets):
        mean_check = Check(gate, "bucket_mean", "advance", bucket)
        rate_check = Check(gate, "bucket_zero_rate", "advance", bucket)
        own, theirs = of_bucket(evidence.analysis, bucket), of_bucket(_champion(evidence), bucket)
        reason = _no_comparison(evidence, bucket)
        if reason:
            yield not_applicable(mean_check, reason, observed=mean(own))
            yield not_applicable(rate_check, reason, observed=zero_rate(own))
            continue
        what, note = f"bucket {bucket!r}", " (the champion's)"
        yield compare(mean_check, mean(own), ">=", mean(theirs), what=f"{what} mean", note=note)
        yield compare(
            rate_check, zero_rate(own), "<=", zero_rate(theirs), what=f"{what} zero rate", note=note
        )


def _exceeds_champion(evidence: GateEvidence) -> GateOutcome:
    check = Check("G5", "exceeds_champion", "promote")
    own = mean(overall(evidence.analysis))
    if evidence.champion_name is None:
        return not_applicable(check, _no_champion(evidence), observed=own)
    note = f" (champion {evidence.champion_name!r}{_interval(evidence)})"
    return compare(check, own, ">", mean(overall(_champion(evidence))), what="mean", note=note)


def _first_promotion(evidence: GateEvidence) -> Iterator[GateOutcome]:
    """Ask a first champion to beat ``global_grid`` in the mean without more zeros: neither alone counts."""
    mean_check = Check("G5", "beats_global_grid", "promote")
    rate_check = Check("G5", "zero_rate_of_global_grid", "promote")
    if evidence.champion_name is not None:
        yield not_applicable(mean_check, "there is a champion to exceed")
        yield not_applicable(rate_check, "there is a champion to exceed")
        return
    own, grid = overall(evidence.analysis), _same_judge(evidence, evidence.global_grid)
    note = f" (global_grid baseline {grid.name!r})" if grid else " (no global_grid baseline by this judge)"
    yield compare(mean_check, mean(own), ">", grid.mean if grid else None, what="mean", note=note)
    limit = grid.zero_rate if grid else None
    yield compare(rate_check, zero_rate(own), "<=", limit, what="zero rate", note=note)


def _champion(evidence: GateEvidence) -> ScoreAnalysis | None:
    """Take the champion's analysis; one of another submission or another judge counts as missing."""
    champion = evidence.champion
    own = champion and (champion.name, champion.judge) == (evidence.champion_name, evidence.judge)
    return champion if own else None


def _same_judge(evidence: GateEvidence, other: StandingScore | None) -> StandingScore | None:
    return other if other and other.judge == evidence.judge else None


def _no_champion(evidence: GateEvidence) -> str:
    return f"comparative: {evidence.judge} has no champion yet"


def _no_comparison(evidence: GateEvidence, bucket: Bucket) -> str | None:
    if not evidence.bucket_photos.get(bucket, 0):
        return f"bucket {bucket!r} has no photos in the test set"
    return _no_champion(evidence) if evidence.champion_name is None else None


def _interval(evidence: GateEvidence) -> str:
    """Say how sure the difference to the champion is, where the analysis has told."""
    deltas = [
        delta
        for group in (evidence.analysis.groups if evidence.analysis else ())
        for delta in group.deltas
        if group.kind == "overall" and delta.against == "champion" and delta.interval
    ]
    if not deltas or deltas[0].interval is None:
        return ""
    low, high = deltas[0].interval
    return f"; 95 % interval of the difference {low:+.2f} to {high:+.2f}"

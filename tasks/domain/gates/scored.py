"""G1, G2 and G3: what a candidate's own scores must be, and that they are complete and really its own.

Nothing here compares a candidate with another submission, except that the comparisons must exist.
"""

from collections.abc import Iterator

from tasks.domain.buckets import BUCKETS, Bucket
from tasks.domain.gates.outcomes import Check, compare, not_applicable, require
from tasks.domain.gates.records import GateEvidence, GateOutcome, GatePolicy
from tasks.domain.score_schemas import ScoreAnalysis, ScoreStatistics, Standing


def hard_blockers(evidence: GateEvidence, policy: GatePolicy) -> Iterator[GateOutcome]:
    """G1: the zero rate of all photos, then mean and zero rate of every bucket that counts."""
    yield compare(
        Check("G1", "zero_rate", "advance"),
        zero_rate(overall(evidence.analysis)),
        "<=",
        policy.max_zero_rate,
        what="zero rate",
        note=_zeros(overall(evidence.analysis)),
    )
    for bucket in BUCKETS:
        yield from _bucket_blockers(evidence, policy, bucket)


def completeness(evidence: GateEvidence, policy: GatePolicy) -> Iterator[GateOutcome]:
    """G2: every photo has a score, of this judge, bound to the zip; deltas and anchor exist."""
    yield _rows(evidence)
    yield from (_bucket_scores(evidence, bucket) for bucket in BUCKETS)
    yield require(
        Check("G2", "lineage", "advance"),
        ("lineage was never checked",) if evidence.lineage_problems is None else evidence.lineage_problems,
        satisfied="zip, manifest, scored CSV and summary belong together",
    )
    yield require(
        Check("G2", "one_judge", "advance"),
        list(_strangers(evidence)),
        satisfied=f"everything compared was scored by {evidence.judge}",
    )
    yield _deltas(evidence, "champion", evidence.champion_name)
    yield _deltas(evidence, "baseline", evidence.baseline.name if evidence.baseline else None)
    yield _anchor(evidence, policy)


def proxy_mismatch(evidence: GateEvidence) -> GateOutcome:
    """G3: proxies never promote, however good they are."""
    named = ", ".join(sorted(evidence.proxies)) or "none"
    return require(
        Check("G3", "scored_evidence", "advance"),
        [] if evidence.analysis else [f"no scored CSV was analysed; proxies count for nothing ({named})"],
        satisfied="the judge's scores are there",
    )


def overall(analysis: ScoreAnalysis | None) -> ScoreStatistics | None:
    """Take the statistics of all photos."""
    return _group(analysis, "overall", "all")


def of_bucket(analysis: ScoreAnalysis | None, bucket: Bucket) -> ScoreStatistics | None:
    """Take the statistics of one bucket."""
    return _group(analysis, "bucket", bucket)


def mean(statistics: ScoreStatistics | None) -> float | None:
    """Take the mean, where there are statistics."""
    return statistics.mean if statistics else None


def zero_rate(statistics: ScoreStatistics | None) -> float | None:
    """Take the zero rate, where there are statistics."""
    return statistics.zero_rate if statistics else None


def _group(analysis: ScoreAnalysis | None, kind: str, key: str) -> ScoreStatistics | None:
    """Take a group's statistics; a group that is told twice counts as missing."""
    found = (
        [one.statistics for one in analysis.groups if (one.kind, one.key) == (kind, key)] if analysis else []
    )
    return found[0] if len(found) == 1 else None


def _bucket_blockers(evidence: GateEvidence, policy: GatePolicy, bucket: Bucket) -> Iterator[GateOutcome]:
    photos = evidence.bucket_photos.get(bucket, 0)
    found = of_bucket(evidence.analysis, bucket)
    mean_check = Check("G1", "bucket_mean", "advance", bucket)
    rate_check = Check("G1", "bucket_zero_rate", "advance", bucket)
    if photos < policy.min_bucket_photos:
        reason = f"bucket {bucket!r} has {photos} photos; from {policy.min_bucket_photos} on it counts"
        yield not_applicable(mean_check, reason, observed=mean(found), limit=policy.min_bucket_mean)
        yield not_applicable(rate_check, reason, observed=zero_rate(found), limit=policy.max_bucket_zero_rate)
        return
    note, what = f" ({photos} photos)", f"bucket {bucket!r}"
    yield compare(mean_check, mean(found), ">=", policy.min_bucket_mean, what=f"{what} mean", note=note)
    yield compare(
        rate_check,
        zero_rate(found),
        "<=",
        policy.max_bucket_zero_rate,
        what=f"{what} zero rate",
        note=_zeros(found),
    )


def _rows(evidence: GateEvidence) -> GateOutcome:
    photos = sum(evidence.bucket_photos.values())
    found = overall(evidence.analysis)
    scored = found.photos if found else 0
    problems = [] if scored == photos > 0 else [f"{scored} photos have scores, the test set has {photos}"]
    return require(
        Check("G2", "row_count", "advance"), problems, satisfied=f"all {photos} photos have scores"
    )


def _bucket_scores(evidence: GateEvidence, bucket: Bucket) -> GateOutcome:
    """Ask for a score of every photo of a bucket, however small it is."""
    check = Check("G2", "bucket_scores", "advance", bucket)
    photos = evidence.bucket_photos.get(bucket, 0)
    found = of_bucket(evidence.analysis, bucket)
    scored = found.photos if found else 0
    if photos == scored == 0:
        return not_applicable(check, f"bucket {bucket!r} has no photos in the test set")
    problems = [] if photos == scored else [f"bucket {bucket!r} has {photos} photos, {scored} with scores"]
    return require(check, problems, satisfied=f"all {photos} photos of bucket {bucket!r} have scores")


def _strangers(evidence: GateEvidence) -> Iterator[str]:
    """Name everything that another judge scored, or that is not the candidate's own."""
    if evidence.analysis and evidence.analysis.name != evidence.name:
        yield f"the analysis is of {evidence.analysis.name!r}, not of {evidence.name!r}"
    scored = {
        "candidate": evidence.analysis,
        "champion": evidence.champion,
        "baseline": evidence.baseline,
        "global_grid": evidence.global_grid,
        "best ever": evidence.best_ever,
        "best heuristic": evidence.best_heuristic,
        "anchor": evidence.anchor,
    }
    for who, one in scored.items():
        if one and one.judge != evidence.judge:
            yield f"the {who} was scored by {one.judge}, not by {evidence.judge}; two judges do not compare"


def _deltas(evidence: GateEvidence, against: Standing, name: str | None) -> GateOutcome:
    """Ask for a delta of all photos and of every bucket that has photos."""
    check = Check("G2", f"{against}_deltas", "advance")
    if name is None and against == "champion":
        return not_applicable(check, f"{evidence.judge} has no champion yet")
    if name is None:
        return require(check, [f"no {against} is named"], satisfied="")
    wanted = {("overall", "all")} | {
        ("bucket", key) for key, photos in evidence.bucket_photos.items() if photos
    }
    there = {
        (group.kind, group.key)
        for group in (evidence.analysis.groups if evidence.analysis else ())
        if any((delta.against, delta.name) == (against, name) for delta in group.deltas)
    }
    lacking = sorted(key for _, key in wanted - there)
    problems = (
        [f"deltas against the {against} {name!r} are missing for {', '.join(lacking)}"] if lacking else []
    )
    return require(check, problems, satisfied=f"deltas against the {against} {name!r} are there")


def _anchor(evidence: GateEvidence, policy: GatePolicy) -> GateOutcome:
    """Hold the judge against itself: the champion, scored again, must come out as it did before."""
    check = Check("G2", "anchor_drift", "advance")
    champion, anchor = evidence.champion_name, evidence.anchor
    if champion is None:
        return not_applicable(check, f"{evidence.judge} has no champion yet")
    if anchor is None and not evidence.judge_rescores:
        return not_applicable(check, f"{evidence.judge} does not score a submission twice")
    if anchor is None:
        return require(check, [f"the champion {champion!r} was not scored again"], satisfied="")
    if (anchor.name, anchor.recorded_mean) != (champion, mean(overall(evidence.champion))):
        found = f"{anchor.name!r} with {anchor.recorded_mean}"
        return require(check, [f"the anchor must be the champion {champion!r}, got {found}"], satisfied="")
    drift = abs(anchor.rescored_mean - anchor.recorded_mean)
    return compare(check, drift, "<=", policy.max_anchor_drift, what=f"drift of the champion {champion!r}")


def _zeros(statistics: ScoreStatistics | None) -> str:
    if statistics is None or not 0.0 <= statistics.zero_rate <= 1.0:
        return ""
    return f" ({round(statistics.zero_rate * statistics.photos)} of {statistics.photos} photos)"

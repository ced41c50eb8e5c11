"""Evidence for the gates, made from small bucket tables of whole numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from tasks.domain.buckets import Bucket
from tasks.domain.gates.decision import decide_promotion
from tasks.domain.gates.records import (
    AnchorRescore,
    ArtifactDigests,
    BucketTexture,
    GateEvidence,
    GateOutcome,
    GatePolicy,
    NoveltyEvidence,
    StandingScore,
)
from tasks.domain.score_schemas import (
    GroupKind,
    GroupScores,
    Judge,
    ScoreAnalysis,
    ScoreDelta,
    ScoreStatistics,
    Standing,
)

JUDGE: Final = Judge(name="portal", version="1", metric_profile="portal", target_set_digest="a" * 64)
OTHER_JUDGE: Final = JUDGE.model_copy(update={"version": "2"})


@dataclass(frozen=True, slots=True)
class Line:
    """One bucket: its photos, how many score 0, and the sum of the scores in hundredths."""

    photos: int
    zeros: int
    hundredths: int


Table = Mapping[Bucket, Line]
CHAMPION: Final[Table] = {
    "standard": Line(900, 60, 2_700_000),
    "moderate_crop": Line(60, 9, 120_000),
    "heavy_crop": Line(40, 8, 64_000),
}
"""28.84 in the mean, 7.7 % zeros."""
BETTER: Final[Table] = {
    "standard": Line(900, 60, 2_760_000),
    "moderate_crop": Line(60, 9, 120_000),
    "heavy_crop": Line(40, 7, 68_000),
}
"""29.48 in the mean, 7.6 % zeros, no bucket worse."""


def statistics_of(line: Line) -> ScoreStatistics:
    mean = float(Fraction(line.hundredths, 100 * line.photos))
    return ScoreStatistics(
        photos=line.photos,
        mean=mean,
        median=mean,
        minimum=0.0,
        maximum=100.0,
        zero_rate=line.zeros / line.photos,
    )


def total(table: Table) -> Line:
    lines = table.values()
    return Line(
        sum(line.photos for line in lines),
        sum(line.zeros for line in lines),
        sum(line.hundredths for line in lines),
    )


def analysis_of(
    table: Table,
    *,
    name: str = "candidate",
    judge: Judge = JUDGE,
    against: Sequence[tuple[Standing, str]] = (("champion", "champion"), ("baseline", "baseline")),
) -> ScoreAnalysis:
    """Make an analysis; its deltas are there, but no gate reads their values."""
    deltas = tuple(
        ScoreDelta(against=standing, name=other, mean=0.0, zero_rate=0.0) for standing, other in against
    )

    def group(kind: GroupKind, key: str, line: Line) -> GroupScores:
        return GroupScores(kind=kind, key=key, statistics=statistics_of(line), deltas=deltas)

    groups = [group("bucket", bucket, line) for bucket, line in table.items() if line.photos]
    overall = [group("overall", "all", total(table))] if groups else []
    return ScoreAnalysis(name=name, judge=judge, csv_sha256="c" * 64, groups=(*overall, *groups))


def standing_of(name: str, mean: float, *, zero_rate: float = 0.1, judge: Judge = JUDGE) -> StandingScore:
    return StandingScore(name=name, judge=judge, mean=mean, zero_rate=zero_rate)


def digests_of(name: str, fill: str) -> ArtifactDigests:
    return ArtifactDigests(
        name=name, submission_sha256=fill * 64, behaviour_digest=fill * 64, pixel_digest=fill * 64
    )


def texture_of(bucket: Bucket, *, size: int = 100, sharpness: float = 1.0) -> BucketTexture:
    return BucketTexture(
        bucket=bucket,
        size=size,
        pixels=1_000,
        reference="inputs",
        reference_size=100,
        reference_pixels=1_000,
        sharpness_ratio=sharpness,
    )


def evidence(own: Table = BETTER, champion: Table | None = CHAMPION, **changes: object) -> GateEvidence:
    """Make evidence that promotes, but for the changes.

    Args:
        own: Scores of the candidate.
        champion: Scores of the champion, None for the first promotion under the judge.
        changes: Fields of ``GateEvidence`` to replace.
    """
    against: list[tuple[Standing, str]] = [("baseline", "baseline")]
    complete: dict[str, object] = {
        "name": "candidate",
        "judge": JUDGE,
        "track": "heuristic",
        "bucket_photos": {bucket: line.photos for bucket, line in own.items()},
        "champion_name": None,
        "lineage_problems": (),
        "baseline": standing_of("baseline", 25.0),
        "global_grid": standing_of("global_grid", 24.0),
        "best_heuristic": standing_of("champion", 27.0),
        "novelty": NoveltyEvidence(
            digests=digests_of("candidate", "1"), earlier=(digests_of("champion", "2"),)
        ),
        "texture": tuple(texture_of(bucket) for bucket, line in own.items() if line.photos),
    }
    if champion is not None:
        against.append(("champion", "champion"))
        mean = statistics_of(total(champion)).mean
        complete |= {
            "champion_name": "champion",
            "champion": analysis_of(champion, name="champion", against=()),
            "best_ever": standing_of("champion", mean),
            "anchor": AnchorRescore(name="champion", judge=JUDGE, recorded_mean=mean, rescored_mean=mean),
        }
    complete["analysis"] = analysis_of(own, against=against)
    return GateEvidence.model_validate(complete | changes)


def outcome(
    gate: str,
    check: str,
    *,
    group: str = "all",
    own: Table = BETTER,
    policy: GatePolicy | None = None,
    **changes: Any,
) -> GateOutcome:
    """Give one outcome of a decision on evidence that promotes, but for the changes."""
    decision = decide_promotion(evidence(own, **changes), policy or GatePolicy())
    return next(one for one in decision.outcomes if (one.gate, one.check, one.group) == (gate, check, group))


def single(photos: int, *, zeros: int = 0, hundredths: int | None = None) -> Table:
    """A run with a good bucket and one to look at."""
    line = Line(photos, zeros, photos * 2000 if hundredths is None else hundredths)
    return {"standard": Line(1000, 0, 3_000_000), "near_standard_tall": line}

"""The records of the gates: limits, evidence, outcomes and the decision that is stored with all of them.

A policy can be made stricter than the rules, never laxer: its bounds refuse that. A decision whose
verdicts do not follow from its outcomes cannot be built or read back.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from tasks.domain.buckets import Bucket
from tasks.domain.schemas import Record, Sha256
from tasks.domain.score_schemas import Judge, Rate, Score, ScoreAnalysis

Gate = Literal["G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8"]
Stage = Literal["upload", "advance", "promote"]
"""What a failed check prevents, and with it all that comes after: upload, staying in play, promotion."""
Track = Literal["heuristic", "model"]
MODEL_FAMILIES: Final = frozenset({"model", "hybrid"})
"""Method families with learned parts, which the model gate concerns."""
Count = Annotated[int, Field(ge=0)]


class GatePolicy(Record):
    """Limits of the gates; each default is the rule itself, and the laxest value there is."""

    max_zero_rate: float = Field(default=0.12, ge=0.0, le=0.12)
    """G1, G6: largest share of photos that score 0."""
    min_bucket_mean: float = Field(default=15.0, ge=15.0, le=100.0)
    """G1: smallest mean score of a bucket that counts."""
    max_bucket_zero_rate: float = Field(default=0.30, ge=0.0, le=0.30)
    """G1: largest share of zeros in a bucket that counts."""
    min_bucket_photos: int = Field(default=20, ge=1, le=20)
    """G1: photos from which on a bucket counts."""
    max_anchor_drift: float = Field(default=0.5, ge=0.0, le=0.5)
    """G2: largest change of the champion's mean, in points, when it is scored again."""
    near_duplicate_levels: int = Field(default=4, ge=4, le=255)
    """G4: grey levels within which two submissions count as one; engines differ by up to 4 in one warp."""
    best_ever_margin: float = Field(default=1.0, ge=0.0, le=1.0)
    """G5: points by which a candidate that stays in play may lie below the best mean ever."""
    model_margin: float = Field(default=1.5, ge=1.5, le=100.0)
    """G6: points by which a model must exceed the best heuristic."""
    fallback_minutes: int = Field(default=60, ge=60, le=24 * 60)
    """G7: minutes before the deadline within which the fallback applies."""
    min_bytes_ratio: float = Field(default=0.70, ge=0.70, le=1.0)
    """G8: smallest bytes per pixel of a bucket, relative to the champion's or the inputs'."""
    min_sharpness_ratio: float = Field(default=0.5, ge=0.5, le=1.0)
    """G8: smallest median ratio of Laplacian variance, output to input, of a bucket."""


class StandingScore(Record):
    """The figures of another submission that a candidate is held against."""

    name: str
    judge: Judge
    mean: Score
    zero_rate: Rate


class AnchorRescore(Record):
    """The champion scored once more beside the candidate, to see whether the judge has drifted."""

    name: str
    judge: Judge
    recorded_mean: Score
    rescored_mean: Score


class ArtifactDigests(Record):
    """The identity of a submission's output at three depths."""

    name: str
    submission_sha256: Sha256
    behaviour_digest: Sha256
    """Over the photos' files: survives re-zipping."""
    pixel_digest: Sha256 | None
    """Over the decoded pixels: survives edits of metadata; None where it was never taken."""


class PixelComparison(Record):
    """How far a candidate's photos lie from those of an earlier submission."""

    name: str
    """The earlier submission."""
    largest_difference: int = Field(ge=0, le=255)
    """Grey levels, the largest of all samples of all photos; 255 where the photos' ids or sizes differ.

    Above the limit of near duplicates it is a lower bound: the comparison ends at the first photo beyond.
    """


class NoveltyEvidence(Record):
    """What is needed to tell whether a candidate's output is new."""

    digests: ArtifactDigests
    earlier: tuple[ArtifactDigests, ...]
    """Every submission of the ledger; the candidate's own entry does not count."""
    compared: tuple[PixelComparison, ...] = ()
    """Earlier submissions whose photos could be compared pixel by pixel."""


class BucketTexture(Record):
    """What a method left of the texture of one bucket's photos."""

    bucket: Bucket
    size: int = Field(ge=0)
    """Bytes of the outputs."""
    pixels: int = Field(ge=1)
    reference: Literal["champion", "inputs"]
    reference_size: int = Field(ge=1)
    """Bytes of the same photos in the reference."""
    reference_pixels: int = Field(ge=1)
    sharpness_ratio: float = Field(ge=0.0)
    """Median over the photos of the variance of the Laplacian, output divided by input."""


class FallbackDecision(Record):
    """What to do about the deadline."""

    applies: bool
    """Whether the deadline is near and the model's evidence incomplete."""
    action: Literal["none", "submit", "name"]
    artifact: str | None = None
    command: str | None = None
    """What a person runs to submit the artifact, where that is not done for them."""
    reason: str


class GateEvidence(Record):
    """Everything a decision rests on. What is None is missing, and missing evidence blocks."""

    name: str
    """Canonical name of the candidate."""
    judge: Judge
    """Who the candidate and everything compared with it must have been scored by."""
    track: Track
    bucket_photos: dict[Bucket, Count]
    """Photos of the test set in each bucket."""
    champion_name: str | None
    """Champion under this judge; None while there is none, which is not the same as not having looked."""
    analysis: ScoreAnalysis | None = None
    lineage_problems: tuple[str, ...] | None = None
    """What ``lineage`` found between zip, manifest, scored CSV and summary; None if it was not asked."""
    proxies: dict[str, float] = Field(default_factory=dict)
    """Local metrics, for the record: no gate reads their values."""
    champion: ScoreAnalysis | None = None
    baseline: StandingScore | None = None
    """The submission that the candidate was derived from."""
    global_grid: StandingScore | None = None
    """The ``global_grid`` baseline, which a first champion must beat."""
    best_ever: StandingScore | None = None
    best_heuristic: StandingScore | None = None
    anchor: AnchorRescore | None = None
    judge_rescores: bool = True
    """Whether the judge allows to score the champion again; if not, no anchor is expected."""
    novelty: NoveltyEvidence | None = None
    texture: tuple[BucketTexture, ...] | None = None
    fallback: FallbackDecision | None = None
    """None while no deadline is configured."""


class GateOutcome(Record):
    """What one check found."""

    gate: Gate
    check: str
    """What was checked, such as ``bucket_mean``."""
    group: str = "all"
    """The bucket it was checked for."""
    blocks: Stage
    applicable: bool
    passed: bool
    """True where the check is not applicable, too."""
    observed: float | None = None
    """None where nothing, or nothing finite, was found, or it is no number."""
    limit: float | None = None
    evidence: str
    """One sentence."""

    @model_validator(mode="after")
    def _inapplicable_checks_pass(self) -> Self:
        if not self.applicable and not self.passed:
            raise ValueError(f"{self.gate} {self.check} is not applicable, so it cannot have failed")
        return self


class UploadDecision(Record):
    """Whether a submission may be uploaded."""

    name: str
    policy: GatePolicy
    upload: bool
    outcomes: tuple[GateOutcome, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _verdict_follows(self) -> Self:
        if self.upload is not may(self.outcomes, "upload"):
            raise ValueError("the verdict on the upload does not follow from the outcomes")
        return self


class GateDecision(Record):
    """The two verdicts on a scored candidate, with all they rest on; stored as one record."""

    policy: GatePolicy
    evidence: GateEvidence
    outcomes: tuple[GateOutcome, ...] = Field(min_length=1)
    """Of every gate, passed or not."""
    advance: bool
    """The candidate stays in play; the champion stays."""
    promote: bool
    """The candidate becomes champion."""

    @model_validator(mode="after")
    def _verdicts_follow(self) -> Self:
        if self.advance is not may(self.outcomes, "advance"):
            raise ValueError("the verdict on advancing does not follow from the outcomes")
        if self.promote is not may(self.outcomes, "promote"):
            raise ValueError("the verdict on promotion does not follow from the outcomes")
        return self

    @property
    def blockers(self) -> tuple[GateOutcome, ...]:
        """The outcomes that stand against promotion."""
        return tuple(outcome for outcome in self.outcomes if not outcome.passed)


def track_of(family: str) -> Track:
    """Say whether submissions of a method family are held against the model gate."""
    return "model" if family in MODEL_FAMILIES else "heuristic"


def may(outcomes: tuple[GateOutcome, ...], stage: Stage) -> bool:
    """Say whether no failed check prevents a stage; what prevents one prevents all after it."""
    preventing: dict[Stage, tuple[Stage, ...]] = {
        "upload": ("upload",),
        "advance": ("upload", "advance"),
        "promote": ("upload", "advance", "promote"),
    }
    return all(outcome.passed for outcome in outcomes if outcome.blocks in preventing[stage])

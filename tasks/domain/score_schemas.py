"""The records of scoring: what a judge said, and what it means.

Like all records they are frozen, closed, finite and travel as JSON. Scores are 0 to 100; rates are 0 to 1.
What the gates make of them has its records in ``gates.records``.
"""

import hashlib
import re
from typing import Annotated, Literal

from pydantic import Field

from tasks.domain.schemas import Record, Sha256

Score = Annotated[float, Field(ge=0.0, le=100.0)]
Rate = Annotated[float, Field(ge=0.0, le=1.0)]
GroupKind = Literal["overall", "dimension", "bucket", "route", "listing"]
Standing = Literal["champion", "baseline", "best_ever"]

_UNSAFE = re.compile(r"[^a-z0-9]+")


class Judge(Record):
    """Who scored: scores of different judges are never compared."""

    name: str
    version: str
    metric_profile: str
    target_set_digest: Sha256
    """SHA-256 of the set of targets the judge scores against."""

    @property
    def key(self) -> str:
        """The judge as one word for keys of the store; equal for equal judges only."""
        words = "\n".join((self.name, self.version, self.metric_profile, self.target_set_digest))
        spoken = _UNSAFE.sub("-", self.name.lower()).strip("-")[:40] or "judge"
        return f"{spoken}-{hashlib.sha256(words.encode()).hexdigest()[:16]}"

    def __str__(self) -> str:
        """Name the judge in sentences."""
        targets = self.target_set_digest[:12]
        return f"{self.name} {self.version} (metric {self.metric_profile}, targets {targets})"


class Team(Record):
    """Who submits, where a run is to say other than settings do; what is None stays as set."""

    team_name: str | None = None
    kaggle_username: str | None = None
    email: str | None = None
    github_repo: str | None = None


class PhotoScore(Record):
    """One row of a scored CSV."""

    image_id: str
    score: Score


class ScoreSummary(Record):
    """What the judge says of its own CSV, to be held against it."""

    total_images: int = Field(ge=0)
    scored: int = Field(ge=0)
    missing: int = Field(ge=0)
    hard_fails: int = Field(ge=0)
    """Photos given 0 because a region is far off or hardly an edge matches; other zeros are no hard fails."""
    avg_score: Rate
    """Mean score divided by 100."""


class ScoredSubmission(Record):
    """A scored CSV bound to its zip and its manifest; written after the manifest, never changed."""

    name: str
    judge: Judge
    request_id: str
    submission_sha256: Sha256
    behaviour_digest: Sha256
    manifest_sha256: Sha256
    csv_key: str
    csv_sha256: Sha256
    summary_sha256: Sha256
    scored_at: str
    """ISO 8601 in UTC."""


class ScoreStatistics(Record):
    """Statistics of one group of photos."""

    photos: int = Field(ge=1)
    mean: Score
    median: Score
    minimum: Score
    maximum: Score
    zero_rate: Rate
    """Share of photos that scored exactly 0."""


class ScoreDelta(Record):
    """How a group differs from the same group of another submission scored by the same judge."""

    against: Standing
    name: str
    """The other submission."""
    mean: float
    zero_rate: float
    interval: tuple[float, float] | None = None
    """95 % interval of the difference of means, bootstrapped over listings; None below two listings."""


class GroupScores(Record):
    """One line of the analysis."""

    kind: GroupKind
    key: str
    """``all``, ``2048x1367``, ``heavy_crop``, a route label, a listing."""
    statistics: ScoreStatistics
    interval: tuple[float, float] | None = None
    """95 % interval of the mean, bootstrapped over listings; None below two listings."""
    deltas: tuple[ScoreDelta, ...] = ()


class ScoreAnalysis(Record):
    """A scored submission taken apart."""

    name: str
    judge: Judge
    csv_sha256: Sha256
    groups: tuple[GroupScores, ...]
    better: tuple[tuple[str, float], ...] = ()
    """Photos that gained most against the champion, with the gain; largest first."""
    worse: tuple[tuple[str, float], ...] = ()
    """Photos that lost most against the champion; largest loss first."""

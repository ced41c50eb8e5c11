"""Says how a method fares on training pairs by the local metric, per bucket, dimension and route.

All of it is **proxy**: a look at a method before anything is uploaded. A proxy once improved while the score
fell, so these records share no type with scored evidence, and no gate reads them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import fsum
from typing import Final, Literal

import numpy as np
from pydantic import Field

from tasks.domain.analysis import bootstrap_intervals, groups_of, score_units, statistics_of
from tasks.domain.naming import STAMP, listing_of
from tasks.domain.pairs import PairGroup
from tasks.domain.schemas import (
    Border,
    Engine,
    Interpolation,
    MethodChoice,
    Provenance,
    QuarantinedPhoto,
    Record,
    Sha256,
    Warp,
)
from tasks.domain.score_schemas import GroupKind, ScoreStatistics

GROUPED: Final[tuple[GroupKind, ...]] = ("overall", "bucket", "dimension", "route")


class DiagnosisRequest(MethodChoice):
    """What the user asked for, as recorded in the diagnosis."""

    pairs_folder: str
    quality: int = Field(ge=1, le=100)
    """JPEG quality that originals are rendered with."""
    sample: int | None = Field(ge=1)
    """Pairs drawn at most, in all or of each group; None for all there are."""
    sample_per: PairGroup
    seed: int
    """Of the sample and of the intervals."""
    metric_profile: str


class ProxyFigures(Record):
    """How near one photo comes to its target by the local metric, or the means over several photos."""

    similarity: float
    """Weighted mean of the five parts, 0 to 1."""
    edge: float
    line: float
    gradient: float
    ssim: float
    pixel: float
    mae: float
    """Mean absolute difference in grey levels."""
    psnr: float | None
    """Decibels; None where all photos equal their targets."""


class PairDiagnosis(Record):
    """One pair as a method renders it."""

    id: str
    width: int
    height: int
    original_sha256: Sha256
    target_sha256: Sha256
    route: str
    warp: Warp
    interpolation: Interpolation
    border: Border
    proxy_score: float = Field(ge=0.0, le=100.0)
    """Improvement over leaving the photo alone, in percent of what there is to gain."""
    hard_fail: str | None
    """Why the score is 0 whatever the parts say."""
    output: ProxyFigures
    identity: ProxyFigures
    """The original left alone; its score is 0 by definition."""

    @property
    def gain(self) -> float:
        """Similarity gained over leaving the photo alone; negative where the method did harm."""
        return self.output.similarity - self.identity.similarity


class ProxyGroup(Record):
    """One line of the diagnosis."""

    kind: GroupKind
    key: str
    """``all``, ``2048x1367``, ``heavy_crop``, a route label."""
    proxy_score: ScoreStatistics
    interval: tuple[float, float] | None
    """95 % interval of the mean, bootstrapped over listings; None below two listings."""
    hard_fails: int
    worsened: int
    """Photos less similar to their targets than if they had been left alone."""
    output: ProxyFigures
    identity: ProxyFigures


class Diagnosis(Record):
    """A method's figures on training pairs; written once, never changed, and never evidence for a gate."""

    evidence: Literal["proxy"] = "proxy"
    created: str
    """ISO 8601 in UTC."""
    request: DiagnosisRequest
    provenance: Provenance
    engine: Engine
    table_digest: Sha256
    pairs_digest: Sha256
    """SHA-256 over the sorted lines ``file name NUL sha256`` of both files of each pair scored."""
    found: int
    """Usable pairs in the folder."""
    groups: tuple[ProxyGroup, ...]
    photos: tuple[PairDiagnosis, ...]
    """Worst first."""
    quarantined: tuple[QuarantinedPhoto, ...]


def diagnosis_name(diagnosis: Diagnosis) -> str:
    """Make ``<YYYYMMDD_HHMMSS>_<method>_<variant>``."""
    request, created = diagnosis.request, datetime.fromisoformat(diagnosis.created)
    return f"{created:{STAMP}}_{request.method}_{request.variant}"


def proxy_groups(photos: Sequence[PairDiagnosis], *, seed: int) -> tuple[ProxyGroup, ...]:
    """Gather the photos overall and per bucket, dimension and route.

    Args:
        photos: One or more, each id once.
        seed: Of the bootstrap.
    """
    ids = [photo.id for photo in photos]
    sizes = {photo.id: (photo.width, photo.height) for photo in photos}
    routes = {photo.id: photo.route for photo in photos}
    return tuple(
        _group(kind, key, [photos[at] for at in members], seed=seed)
        for kind, key, members in groups_of(ids, sizes, routes)
        if kind in GROUPED
    )


def worst_first(photos: Sequence[PairDiagnosis]) -> tuple[PairDiagnosis, ...]:
    """Sort by score, photos that score alike by what they gained, ties by id."""
    return tuple(sorted(photos, key=lambda photo: (photo.proxy_score, photo.gain, photo.id)))


def _group(kind: GroupKind, key: str, photos: Sequence[PairDiagnosis], *, seed: int) -> ProxyGroup:
    scores = score_units([photo.proxy_score for photo in photos])
    listings = np.unique([listing_of(photo.id) for photo in photos], return_inverse=True)[1]
    return ProxyGroup(
        kind=kind,
        key=key,
        proxy_score=statistics_of(scores),
        interval=bootstrap_intervals(scores[None, :], listings, seed=seed)[0],
        hard_fails=sum(photo.hard_fail is not None for photo in photos),
        worsened=sum(photo.gain < 0.0 for photo in photos),
        output=_mean([photo.output for photo in photos]),
        identity=_mean([photo.identity for photo in photos]),
    )


def _mean(figures: Sequence[ProxyFigures]) -> ProxyFigures:
    return ProxyFigures(**dict(_means(figures)))


def _means(figures: Sequence[ProxyFigures]) -> Iterator[tuple[str, float | None]]:
    for name in ProxyFigures.model_fields:
        values = [value for one in figures if (value := getattr(one, name)) is not None]
        yield name, fsum(values) / len(values) if values else None

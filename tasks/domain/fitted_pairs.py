"""What the fits of training pairs found, as the records that an atlas is learned from.

A finding belongs to the content of two files, not to their names, so equal files share one. It holds what
pooling needs and nothing of the pixels.
"""

import hashlib
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from gpu.lens_curve import LensCurve
from gpu.pair_fit.fit import PairFit
from gpu.pair_fit.information import NormalEquations
from tasks.domain.naming import listing_of
from tasks.domain.pairs import TrainingPair
from tasks.domain.schemas import Record, Sha256
from tasks.domain.tables import canonical_json

_MOST_POWERS = 5  # those of gpu.curve_space

Numbers = Annotated[tuple[float, ...], Field(max_length=_MOST_POWERS)]
Verdict = Literal["radial", "already_identical", "not_radial", "rejected", "lost"]


class PairFinding(Record):
    """What one pair told about its lens."""

    verdict: Verdict
    """``rejected``: a file is damaged; ``lost``: it could not be read or fitted now, another time it may."""
    reason: str = Field(default="", max_length=64)
    """Word for why nothing can be learned from it; empty where something can."""
    sentence: str = Field(default="", max_length=2000)
    """The same for people."""
    factors: Numbers = ()
    """Of the fitted curve by power of r, in half diagonals; empty where the pair teaches none."""
    covariance: tuple[Numbers, ...] = Field(default=(), max_length=_MOST_POWERS)
    """Of those factors."""
    expected_error_px: float | None = Field(default=None, ge=0.0)
    """RMS over the frame, foretold by the fit."""

    @property
    def is_sound(self) -> bool:
        """Whether the pair is what it is taken for: it shows a lens, or that nothing is to be done."""
        return self.verdict in ("radial", "already_identical")


class KeptFinding(Record):
    """A finding as it is kept, which seals itself: a damaged one, or one of other files, cannot pass."""

    content: Sha256
    """Over the digests of original and target; the record's key tells it too."""
    finding: PairFinding
    sha256: Sha256
    """Over content and finding."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.sha256 != _seal(self.content, self.finding):
            raise ValueError("it is not the finding that was kept")
        return self


def sealed_finding(content: str, finding: PairFinding) -> KeptFinding:
    """Prepare a finding to be kept."""
    return KeptFinding(content=content, finding=finding, sha256=_seal(content, finding))


def _seal(content: str, finding: PairFinding) -> str:
    return hashlib.sha256(content.encode() + b"\0" + canonical_json(finding)).hexdigest()


class FittedPair(Record):
    """A training pair and what was found on it."""

    pair: TrainingPair
    finding: PairFinding

    @property
    def listing(self) -> str:
        """The listing that its photos belong to."""
        return listing_of(self.pair.id)


def finding_of(fit: PairFit) -> PairFinding:
    """Keep of a fit what an atlas needs; of one that is not radial, the reason only."""
    if fit.verdict != "radial" or fit.curve is None or fit.normal is None:
        return PairFinding(verdict=fit.verdict, reason=fit.reason or "", sentence=fit.sentence)
    return PairFinding(
        verdict=fit.verdict,
        sentence=fit.sentence,
        factors=fit.curve.factors,
        covariance=tuple(tuple(map(float, row)) for row in fit.normal.covariance),
        expected_error_px=fit.expected_error_px,
    )


def pooled_curve(findings: list[PairFinding]) -> LensCurve:
    """Give the curve of one lens from its radial pairs; each counts by what it knows."""
    normal = _normal_equations(findings[0])
    for finding in findings[1:]:
        normal = normal + _normal_equations(finding)
    return LensCurve(tuple(map(float, normal.solution)))


def _normal_equations(finding: PairFinding) -> NormalEquations:
    matrix = np.linalg.pinv(np.array(finding.covariance), hermitian=True)
    return NormalEquations(matrix, matrix @ np.array(finding.factors))

"""What the report of a scored run shows, gathered beforehand: records, texts and small pictures.

Nothing is read, drawn or decided here.
"""

from dataclasses import dataclass

from gpu.coordinates import ImageSize
from gpu.plumb_line.moved_lines import MovedLine
from tasks.domain.gates.records import GateDecision
from tasks.domain.ledger import Board
from tasks.domain.schemas import RunManifest
from tasks.domain.score_schemas import ScoreAnalysis, ScoredSubmission, ScoreSummary
from tasks.report.agreement import ListingAgreement
from tasks.report.fan import CurveFan


@dataclass(frozen=True, slots=True)
class ReportPhoto:
    """One photo, before and after."""

    id: str
    listing: str
    score: float
    gain: float | None
    """Points against the champion; None where there is none."""
    route: str
    warp: str
    """Its numbers on one line."""
    original: bytes
    """Small JPEG."""
    corrected: bytes
    """Small JPEG of the same size in pixels."""
    size: ImageSize
    """Of the photo itself, whose pixels the lines count."""
    lines: tuple[MovedLine, ...]
    """Its long edges before and after."""


@dataclass(frozen=True, slots=True)
class ReportContent:
    """A scored run with all that is known of it."""

    manifest: RunManifest
    scored: ScoredSubmission
    summary: ScoreSummary
    """What the judge said of its own CSV."""
    analysis: ScoreAnalysis
    decision: GateDecision | None
    """None while the gates have not been asked."""
    board: Board
    """Of the judge that scored the run."""
    photos: tuple[ReportPhoto, ...]
    """The worst first."""
    fan: CurveFan | None
    """None where the run had no atlas."""
    agreement: tuple[ListingAgreement, ...]
    """Listings of two or more photos, the least agreement first."""
    made_at: str
    """When the report was made, ISO 8601 in UTC."""

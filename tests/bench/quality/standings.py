"""Where each entrant stands after the scoring: one record each, the worst mean first, as text and as JSON.

A photo without an output scores 0, as one that is missing from a submission does, and is counted as failed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from tasks.domain.analysis import Interval, bootstrap_intervals, score_units, statistics_of
from tasks.domain.naming import listing_of
from tests.bench.quality.scoring import Cell

_LISTED: Final = 5  # photos that an entrant did worst on


@dataclass(frozen=True, slots=True)
class PoorPhoto:
    """A photo on which an entrant did poorly."""

    photo: str
    score: float
    rms_px: float | None
    route: str
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What one entrant came to; scores at an edge tolerance of 1 px where nothing else is said.

    Attributes:
        interval: 95 % interval of the mean, bootstrapped over listings.
        mean_exact: Mean score without any edge tolerance.
        mean_loose: Mean score at 2 px.
        rms_px_median: Median distance of the warp from the true one.
        seconds_per_photo: CPU time of one core: looking at the photo, choosing and rendering.
        coverage_90: Share of the photos whose error stays below the bound that it should exceed in 10 %.
        bounded: Photos that this was counted on: those with a bound.
        failed: Photos without an output.
    """

    method: str
    photos: int
    mean: float
    interval: Interval
    median: float
    zero_rate: float
    mean_exact: float
    mean_loose: float
    rms_px_median: float | None
    rms_px_p90: float | None
    seconds_per_photo: float | None
    coverage_90: float | None
    bounded: int
    failed: int
    worst: tuple[PoorPhoto, ...]


def standings_of(
    cells: Mapping[str, Sequence[Cell]], seconds: Mapping[str, float], *, seed: int
) -> list[Standing]:
    """Sum up the entrants, the worst mean first.

    Args:
        cells: Of each entrant, for the same photos in the same order.
        seconds: Per photo, of what came before rendering; none for an entrant that only renders.
        seed: Of the bootstrap.
    """
    found = [_standing(name, row, seconds.get(name, 0.0), seed) for name, row in cells.items()]
    return sorted(found, key=lambda standing: (standing.mean, standing.method))


def document_of(
    standings: Iterable[Standing], *, folder: str, fit_seconds: Mapping[str, float], notes: Sequence[str]
) -> dict[str, Any]:
    """Write the outcome as the JSON file has it."""
    records = [asdict(standing) for standing in standings]
    return {
        "data": folder,
        "fit_seconds": dict(fit_seconds),
        "notes": list(notes),
        "worst_photos": {record["method"]: record.pop("worst") for record in records},
        "methods": records,
    }


def table_lines(standings: Iterable[Standing]) -> list[str]:
    """Write the outcome as a Markdown table."""
    head = (
        "method",
        "mean",
        "95 % by listing",
        "0 px",
        "2 px",
        "median",
        "zeros %",
        "rms px median",
        "p90",
        "s per photo",
        "below 90 % bound",
        "failed",
    )
    return [_line(head), "|" + " --- |" * len(head), *(_line(_figures(each)) for each in standings)]


def _standing(name: str, cells: Sequence[Cell], before: float, seed: int) -> Standing:
    rows = np.stack([score_units([_score(cell, at) for cell in cells]) for at in range(3)])
    listings = np.unique([listing_of(cell.photo.id) for cell in cells], return_inverse=True)[1]
    strict, exact, loose = (statistics_of(row) for row in rows)
    errors = [cell.rms_px for cell in cells if cell.rms_px is not None]
    rendering = [cell.seconds for cell in cells if cell.seconds is not None]
    return Standing(
        method=name,
        photos=len(cells),
        mean=strict.mean,
        interval=bootstrap_intervals(rows[:1], listings, seed=seed)[0],
        median=strict.median,
        zero_rate=strict.zero_rate,
        mean_exact=exact.mean,
        mean_loose=loose.mean,
        rms_px_median=float(np.median(errors)) if errors else None,
        rms_px_p90=float(np.percentile(errors, 90)) if errors else None,
        seconds_per_photo=before + sum(rendering) / len(rendering) if rendering else None,
        coverage_90=coverage_90(cells),
        bounded=len(_kept(cells)),
        failed=sum(cell.scores is None for cell in cells),
        worst=_worst(cells),
    )


def coverage_90(cells: Iterable[Cell]) -> float | None:
    """Give the share of true errors that stay below their bounds; None where none was told."""
    kept = _kept(cells)
    return sum(kept) / len(kept) if kept else None


def _kept(cells: Iterable[Cell]) -> list[bool]:
    """Tell of each photo with a bound and a known error whether it stays below."""
    judged = [(cell.rms_px, cell.bound_px) for cell in cells]
    return [error <= bound for error, bound in judged if error is not None and bound is not None]


def _worst(cells: Iterable[Cell]) -> tuple[PoorPhoto, ...]:
    poorest = sorted(cells, key=lambda cell: (_score(cell, 0), -(cell.rms_px or 0.0), cell.photo.id))
    return tuple(
        PoorPhoto(cell.photo.id, _score(cell, 0), cell.rms_px, cell.route, cell.reason)
        for cell in poorest[:_LISTED]
    )


def _score(cell: Cell, tolerance: int) -> float:
    return cell.scores[tolerance] if cell.scores else 0.0


def _figures(standing: Standing) -> tuple[str, ...]:
    low, high = standing.interval or (float("nan"), float("nan"))
    return (
        standing.method,
        f"{standing.mean:.2f}",
        f"{low:.1f} to {high:.1f}" if standing.interval else "",
        f"{standing.mean_exact:.2f}",
        f"{standing.mean_loose:.2f}",
        f"{standing.median:.2f}",
        f"{100 * standing.zero_rate:.1f}",
        _number(standing.rms_px_median, 2),
        _number(standing.rms_px_p90, 2),
        _number(standing.seconds_per_photo, 3),
        _coverage(standing),
        str(standing.failed or ""),
    )


def _coverage(standing: Standing) -> str:
    """Write the coverage, with the number of photos that it was counted on where these are not all."""
    if standing.coverage_90 is None:
        return ""
    of = f" (of {standing.bounded})" if standing.bounded < standing.photos else ""
    return f"{100 * standing.coverage_90:.0f}{of}"


def _number(value: float | None, decimals: int) -> str:
    return "" if value is None else f"{value:.{decimals}f}"


def _line(fields: Iterable[str]) -> str:
    return f"| {' | '.join(fields)} |"

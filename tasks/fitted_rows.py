"""Finds coefficients by Gauss-Newton: fits sampled pairs, from which an atlas is learned and written as rows.

What the grid finds by trying candidates on photos follows here from curves alone (see
``tasks.domain.atlas_learning`` and ``tasks.domain.atlas_tables``). This module fits the pairs, and records
how each row came about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gpu.search.candidate import Candidate
from infra.store.interface import ObjectStore
from tasks.domain.coefficients import CoefficientPair
from tasks.domain.fitted_pairs import FittedPair
from tasks.domain.pairs import TrainingPair
from tasks.domain.row_search import Clock, RowTrials
from tasks.domain.search_schemas import FoundCoefficients, LeftOutPair
from tasks.domain.searched_tables import found_coefficients
from tasks.pair_trials import ReadPair
from tasks.photo_workers import PhotoWorkers
from tasks.refitting import fitted_pairs

Row = tuple[CoefficientPair | None, CoefficientPair | None]
"""Primary and safe, as a table has them for a group."""


@dataclass(frozen=True, slots=True)
class FittedGroup:
    """The fits of a sample of the pairs that share coefficients.

    Attributes:
        support: Pairs there are.
        base: What the base table has for them.
    """

    fits: tuple[FittedPair, ...]
    support: int
    base: Candidate
    seconds: float


def fitted_group(
    sample: Sequence[TrainingPair],
    *,
    support: int,
    base: Candidate,
    read: ReadPair,
    workers: PhotoWorkers,
    store: ObjectStore | None,
    clock: Clock,
) -> FittedGroup:
    """Fit a sample, or take what the store keeps of it."""
    started = clock()
    found = fitted_pairs(sample, read=read, workers=workers, store=store, progress=lambda _done, _total: None)
    return FittedGroup(found.pairs, support, base, clock() - started)


def found_by_fits(
    group: FittedGroup, key: str, row: Row, residual_px: Mapping[str, float]
) -> FoundCoefficients:
    """Record how the coefficients of a group were found.

    Args:
        group: With its fits.
        key: Of the group: a size, a bucket or ``all``.
        row: What the table has for it.
        residual_px: By place, see ``AtlasTable``; a group without one was taught by no pair, or by too few.
    """
    primary_px = residual_px.get(f"{key}.primary", residual_px.get(key))
    primary, safe = row if primary_px is not None else (None, None)
    used = [fitted for fitted in group.fits if fitted.finding.is_sound]
    record = found_coefficients(
        RowTrials(
            (), "gn", fallback=None if primary else "too few pairs taught a curve for a row of its own"
        ),
        base=group.base,
        support=group.support,
        ids=[fitted.pair.id for fitted in used],
        left_out=tuple(_left_out(fitted) for fitted in group.fits if fitted not in used),
        seconds=group.seconds,
    )
    found = {
        "primary": primary,
        "safe": safe,
        "primary_px": primary_px,
        "safe_px": residual_px.get(f"{key}.safe"),
    }
    return record.model_copy(update=found)


def _left_out(fitted: FittedPair) -> LeftOutPair:
    finding = fitted.finding
    return LeftOutPair(id=fitted.pair.id, reason=finding.sentence or finding.reason or finding.verdict)

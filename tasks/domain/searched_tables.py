"""Turns the trials of a search into rows, tables and the record of how each row was found.

What no pair speaks for is kept from the table that the search started from; the new table's source says so.
"""

import datetime
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gpu.search.candidate import Candidate
from gpu.search.grid import least_loss, least_risk
from gpu.search.trial import Trial
from tasks.domain.buckets import BUCKETS, Bucket
from tasks.domain.coefficients import CoefficientPair
from tasks.domain.row_search import RowTrials
from tasks.domain.search_schemas import (
    FoundCoefficients,
    LeftOutPair,
    PairSearchOptions,
    SearchOptions,
    TableBuildOptions,
)
from tasks.domain.tables import BucketTable, CorrectionTable, Defaults, DimensionRow, GlobalTable


@dataclass(frozen=True, slots=True)
class TableLabel:
    """How a new table is called, and the day it is made."""

    name: str
    date: datetime.date


def candidate_of(pair: CoefficientPair, *, alpha: float) -> Candidate:
    """Give a pair to a search; ``alpha`` serves one that has none of its own."""
    return Candidate.rounded(pair.k1, pair.k2, alpha if pair.alpha is None else pair.alpha)


def pair_of(candidate: Candidate) -> CoefficientPair:
    """Write a candidate as a table does; alpha 0 is the default of every table made here."""
    return CoefficientPair(k1=candidate.k1, k2=candidate.k2, alpha=candidate.alpha or None)


def found_coefficients(
    row: RowTrials,
    *,
    base: Candidate,
    support: int,
    ids: Sequence[str],
    left_out: tuple[LeftOutPair, ...],
    seconds: float,
) -> FoundCoefficients:
    """Choose among the trials of a row and record the choice.

    Args:
        row: Trials; none where no pair could be looked at.
        base: What the search started from.
        support: Pairs there are.
        ids: Of the pairs that were looked at.
        left_out: Pairs of the sample that could not be.
        seconds: Spent on the row.
    """
    primary = least_loss(row.trials)
    safe = least_risk(row.trials)
    return FoundCoefficients(
        support=support,
        pairs=len(ids),
        pairs_sha256=_ids_digest(ids),
        optimizer=row.optimizer,
        fallback=row.fallback,
        candidates=len(row.trials),
        invalid=sum(not trial.valid for trial in row.trials),
        base=pair_of(base),
        primary=pair_of(primary.candidate) if primary else None,
        primary_loss=primary.loss if primary else None,
        base_loss=_loss_of(base, row.trials),
        safe=pair_of(safe.candidate) if safe else None,
        safe_risk=safe.risk if safe else None,
        left_out=left_out,
        seconds=seconds,
    )


def global_table(
    found: FoundCoefficients, base: GlobalTable, options: PairSearchOptions, label: TableLabel
) -> GlobalTable:
    """Write the searched pair as the file that method ``global_grid`` loads."""
    return GlobalTable(
        schema_version=1,
        name=label.name,
        source=_source("Coarse then fine grid", [found], options, kept=[] if found.primary else ["the pair"]),
        date=label.date,
        defaults=_defaults(options),
        pair=found.primary or base.pair,
    )


def bucket_table(
    found: Mapping[str, FoundCoefficients], base: BucketTable, options: PairSearchOptions, label: TableLabel
) -> BucketTable:
    """Write the searched pairs as the file that method ``dim_bucket_microgrid`` loads."""
    kept = [bucket for bucket in BUCKETS if not (bucket in found and found[bucket].primary)]
    return BucketTable(
        schema_version=1,
        name=label.name,
        source=_source("Micro-grid", found.values(), options, kept=kept),
        date=label.date,
        defaults=_defaults(options),
        buckets={bucket: _searched_or_kept(bucket, found, base) for bucket in BUCKETS},
        fallback=base.fallback,
    )


def correction_table(
    found: Mapping[str, FoundCoefficients],
    base: CorrectionTable,
    options: TableBuildOptions,
    label: TableLabel,
) -> CorrectionTable:
    """Write the searched rows as the table that method ``calibguard_dim`` loads.

    Parents and global fallback are those of the base table. A size it knows keeps its zero rate and its
    number of test photos; one without a row in ``found`` has none here and is served by its parent.
    """
    rows = {size: row for size in sorted(found) if (row := _row(found[size], base.dimensions.get(size)))}
    return CorrectionTable(
        schema_version=1,
        name=label.name,
        source=_source("Table build", found.values(), options, kept=["parents", "global fallback"]),
        date=label.date,
        defaults=_defaults(options),
        dimensions=rows,
        parents=base.parents,
        global_fallback=base.global_fallback,
    )


def _row(found: FoundCoefficients, known: DimensionRow | None) -> DimensionRow | None:
    if found.primary is None or found.safe is None:
        return None
    return DimensionRow(
        primary=found.primary,
        safe=found.safe,
        support=found.support,
        last_zero_rate=known.last_zero_rate if known else None,
        test_photos=known.test_photos if known else None,
    )


def _searched_or_kept(
    bucket: Bucket, found: Mapping[str, FoundCoefficients], base: BucketTable
) -> CoefficientPair | None:
    return (found[bucket].primary if bucket in found else None) or base.buckets[bucket]


def _ids_digest(ids: Sequence[str]) -> str:
    return hashlib.sha256("".join(f"{name}\n" for name in sorted(ids)).encode()).hexdigest()


def _loss_of(candidate: Candidate, trials: Iterable[Trial]) -> float | None:
    losses = [trial.loss for trial in trials if trial.valid and trial.candidate == candidate]
    return losses[0] if losses else None


def _defaults(options: SearchOptions) -> Defaults:
    return Defaults(interpolation=options.interpolation, border=options.border, alpha=0.0)


def _source(
    search: str, found: Iterable[FoundCoefficients], options: SearchOptions, *, kept: Sequence[str]
) -> str:
    pairs = sum(each.pairs for each in found)
    unsearched = f" Kept from the base table: {', '.join(kept)}." if kept else ""
    how = f"{search} on {pairs} pairs at quarter scale, profile {options.profile}, seed {options.seed}."
    return how + unsearched

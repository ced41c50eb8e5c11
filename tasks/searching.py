"""Searches coefficients on training pairs: the global pair, the bucket pairs, the CalibGuard-Dim table.

Each search gives the table that its method loads, and apart from it a manifest of how the table was made.
Pairs come from a caller, who knows where they lie; only sampled ones are read. Equal pairs, options and label
give the same table to the last digit, but where a time guard struck.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from gpu.coordinates import ImageSize
from gpu.search.candidate import Candidate
from gpu.search.trial import Evaluate
from tasks.domain.buckets import BUCKETS, NOMINAL_SIZE, bucket_of
from tasks.domain.pairs import TrainingPair, fair_shares, sampled
from tasks.domain.row_search import Clock, RowSearch, RowTrials, search_bucket, search_global, search_row
from tasks.domain.search_schemas import (
    BuildManifest,
    FoundCoefficients,
    PairSearchOptions,
    SearchOptions,
    TableBuildOptions,
)
from tasks.domain.searched_tables import (
    TableLabel,
    bucket_table,
    candidate_of,
    correction_table,
    found_coefficients,
    global_table,
)
from tasks.domain.tables import BucketTable, CorrectionTable, GlobalTable, TableHeader, table_digest
from tasks.pair_trials import ReadPair, evaluator, reduced_pairs, size_of
from tasks.photo_workers import PhotoWorkers


@dataclass(frozen=True, slots=True)
class _Search:
    """What every search works with; the clock gives rising seconds."""

    options: SearchOptions
    read: ReadPair
    workers: PhotoWorkers
    clock: Clock


@dataclass(frozen=True, slots=True)
class _Group:
    """Pairs that share coefficients: what is sampled of them, and round what is searched.

    Attributes:
        most: Size of the sample.
        nominal: A size at which candidates must be valid besides those of the pairs.
    """

    pairs: Sequence[TrainingPair]
    most: int
    base: Candidate
    nominal: ImageSize


def search_global_pair(
    pairs: Iterable[TrainingPair],
    base: GlobalTable,
    options: PairSearchOptions,
    label: TableLabel,
    *,
    read: ReadPair,
    workers: PhotoWorkers,
    clock: Clock,
) -> tuple[GlobalTable, BuildManifest]:
    """Search one pair for all photos (method ``global_grid``)."""
    start = candidate_of(base.pair, alpha=base.defaults.alpha)
    group = _Group(tuple(pairs), options.search_pairs, start, NOMINAL_SIZE["standard"])
    search = _Search(options, read, workers, clock)
    found = _searched(group, search, partial(search_global, alphas=options.alphas))
    table = global_table(found, base, options, label)
    return table, _manifest("global_grid", table, options, {"all": found})


def search_bucket_pairs(
    pairs: Iterable[TrainingPair],
    base: BucketTable,
    options: PairSearchOptions,
    label: TableLabel,
    *,
    read: ReadPair,
    workers: PhotoWorkers,
    clock: Clock,
) -> tuple[BucketTable, BuildManifest]:
    """Search each bucket's pair near the one it has in the base table (method ``dim_bucket_microgrid``)."""
    groups = _grouped(pairs, lambda size: bucket_of(size.width, size.height))
    shares = fair_shares({bucket: len(group) for bucket, group in groups.items()}, total=options.search_pairs)
    search, found = _Search(options, read, workers, clock), {}
    for bucket in BUCKETS:
        if bucket in groups:
            start = candidate_of(base.buckets[bucket] or base.fallback, alpha=base.defaults.alpha)
            group = _Group(groups[bucket], shares[bucket], start, NOMINAL_SIZE[bucket])
            trials = partial(search_bucket, base=start, alphas=options.alphas)
            found[str(bucket)] = _searched(group, search, trials)
    table = bucket_table(found, base, options, label)
    return table, _manifest("dim_bucket_microgrid", table, options, found)


def build_correction_table(
    pairs: Iterable[TrainingPair],
    base: CorrectionTable,
    options: TableBuildOptions,
    label: TableLabel,
    *,
    read: ReadPair,
    workers: PhotoWorkers,
    clock: Clock,
) -> tuple[CorrectionTable, BuildManifest]:
    """Search a primary and a safe pair for each size there is (method ``calibguard_dim``)."""
    search, found = _Search(options, read, workers, clock), {}
    for key, members in _grouped(pairs, str).items():
        row = _row_search(members, base, options)
        group = _Group(members, options.sample_per_dim, row.base, size_of(members[0]))
        trials = partial(search_row, search=row, optimizer=options.optimizer, clock=clock)
        found[key] = _searched(group, search, trials)
    table = correction_table(found, base, options, label)
    return table, _manifest("calibguard_dim", table, options, found)


def _row_search(
    members: Sequence[TrainingPair], base: CorrectionTable, options: TableBuildOptions
) -> RowSearch:
    size, alpha = size_of(members[0]), base.defaults.alpha
    parent = base.parents[bucket_of(size.width, size.height)]
    return RowSearch(
        base=candidate_of(parent.primary if parent else base.global_fallback, alpha=alpha),
        global_fallback=candidate_of(base.global_fallback, alpha=alpha),
        supported=len(members) >= options.min_dim_support,
        alphas=options.alphas,
        seed=options.seed,
    )


def _grouped(pairs: Iterable[TrainingPair], key: Callable[[ImageSize], str]) -> dict[str, list[TrainingPair]]:
    groups: dict[str, list[TrainingPair]] = defaultdict(list)
    for pair in pairs:
        groups[key(size_of(pair))].append(pair)
    return dict(sorted(groups.items()))


def _searched(group: _Group, search: _Search, trials: Callable[[Evaluate], RowTrials]) -> FoundCoefficients:
    """Sample a group, read the sample, search on it and record what was found."""
    started = search.clock()
    sample = sampled(group.pairs, count=group.most, seed=search.options.seed)
    usable, left_out = reduced_pairs(sample, search.read, search.workers)
    row = RowTrials((), "grid", fallback="no pair of the sample could be used")
    if usable:
        evaluate = evaluator(tuple(usable.values()), search.options, search.workers, also=group.nominal)
        row = trials(evaluate)
    return found_coefficients(
        row,
        base=group.base,
        support=len(group.pairs),
        ids=tuple(usable),
        left_out=left_out,
        seconds=search.clock() - started,
    )


def _manifest(
    method: str,
    table: TableHeader,
    options: PairSearchOptions | TableBuildOptions,
    found: Mapping[str, FoundCoefficients],
) -> BuildManifest:
    return BuildManifest(
        method=method,
        table=table.name,
        table_digest=table_digest(table),
        options=options,
        found=dict(found),
    )

"""Searches coefficients on training pairs: the global pair, the bucket pairs, the CalibGuard-Dim table.

Each search gives the table that its method loads, and apart from it a manifest of how the table was made.
Pairs come from a caller, who knows where they lie; only sampled ones are read. Equal pairs, options and label
give the same table to the last digit, but where a time guard struck. Optimizer ``gn`` fits the lens curve of
each pair (``tasks.fitted_rows``); a store keeps the fits, which refits share. The others try candidates on
photos.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from gpu.coordinates import ImageSize
from gpu.search.candidate import Candidate
from gpu.search.trial import Evaluate
from infra.store.interface import ObjectStore
from tasks.domain.atlas import LensAtlas
from tasks.domain.atlas_learning import learn_atlas
from tasks.domain.atlas_tables import AtlasTable, bucket_table_of, correction_table_of, global_table_of
from tasks.domain.buckets import BUCKETS, NOMINAL_SIZE, bucket_of
from tasks.domain.pairs import TrainingPair, fair_shares, sampled
from tasks.domain.row_search import Clock, RowSearch, RowTrials, search_bucket, search_global, search_row
from tasks.domain.search_schemas import (
    BuildManifest,
    FoundCoefficients,
    PairSearchOptions,
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
from tasks.domain.tables import (
    BucketTable,
    CorrectionTable,
    Defaults,
    GlobalTable,
    TableHeader,
    table_digest,
)
from tasks.fitted_rows import Row, fitted_group, found_by_fits
from tasks.pair_trials import ReadPair, evaluator, reduced_pairs, size_of
from tasks.photo_workers import PhotoWorkers

Table = TypeVar("Table", bound=TableHeader)
Options = PairSearchOptions | TableBuildOptions
Trials = Callable[[Evaluate], RowTrials]


@dataclass(frozen=True, slots=True)
class _Search:
    """What every search works with; the clock gives rising seconds."""

    options: Options
    label: TableLabel
    read: ReadPair
    workers: PhotoWorkers
    clock: Clock
    store: ObjectStore | None


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


@dataclass(frozen=True, slots=True)
class _Kind(Generic[Table]):
    """A sort of table, and how it is made either way.

    Attributes:
        groups: By size, by bucket or under ``all``.
        trials: How candidates are searched on a group's pairs.
        of_trials: Writes what they found.
        of_atlas: Writes what curves taught.
        row: What a table has for a group.
    """

    method: str
    groups: Mapping[str, _Group]
    trials: Callable[[str], Trials]
    of_trials: Callable[[Mapping[str, FoundCoefficients]], Table]
    of_atlas: Callable[[LensAtlas], AtlasTable[Table]]
    row: Callable[[Table, str], Row]


def search_global_pair(
    pairs: Iterable[TrainingPair],
    base: GlobalTable,
    options: PairSearchOptions,
    label: TableLabel,
    *,
    read: ReadPair,
    workers: PhotoWorkers,
    clock: Clock,
    store: ObjectStore | None = None,
) -> tuple[GlobalTable, BuildManifest]:
    """Search one pair for all photos (method ``global_grid``).

    Raises:
        NothingToLearn: With ``gn``, no pair teaches a curve.
    """
    start = candidate_of(base.pair, alpha=base.defaults.alpha)
    kind = _Kind(
        method="global_grid",
        groups={"all": _Group(tuple(pairs), options.search_pairs, start, NOMINAL_SIZE["standard"])},
        trials=lambda _: partial(search_global, alphas=options.alphas),
        of_trials=lambda found: global_table(found["all"], base, options, label),
        of_atlas=lambda atlas: global_table_of(atlas, label, alphas=options.alphas),
        row=lambda table, _: (table.pair, None),
    )
    return _built(kind, _Search(options, label, read, workers, clock, store))


def search_bucket_pairs(
    pairs: Iterable[TrainingPair],
    base: BucketTable,
    options: PairSearchOptions,
    label: TableLabel,
    *,
    read: ReadPair,
    workers: PhotoWorkers,
    clock: Clock,
    store: ObjectStore | None = None,
) -> tuple[BucketTable, BuildManifest]:
    """Search each bucket's pair (method ``dim_bucket_microgrid``), by grid near the one of the base table.

    Raises:
        NothingToLearn: With ``gn``, no pair teaches a curve.
    """
    groups = _bucket_groups(pairs, base, most=options.search_pairs)
    rows = {str(bucket): bucket for bucket in BUCKETS}
    kind = _Kind(
        method="dim_bucket_microgrid",
        groups=groups,
        trials=lambda key: partial(search_bucket, base=groups[key].base, alphas=options.alphas),
        of_trials=lambda found: bucket_table(found, base, options, label),
        of_atlas=lambda atlas: bucket_table_of(atlas, base, label, alphas=options.alphas),
        row=lambda table, key: (table.buckets[rows[key]], None),
    )
    return _built(kind, _Search(options, label, read, workers, clock, store))


def build_correction_table(
    pairs: Iterable[TrainingPair],
    base: CorrectionTable,
    options: TableBuildOptions,
    label: TableLabel,
    *,
    read: ReadPair,
    workers: PhotoWorkers,
    clock: Clock,
    store: ObjectStore | None = None,
) -> tuple[CorrectionTable, BuildManifest]:
    """Search a primary and a safe pair for each size there is (method ``calibguard_dim``).

    Raises:
        NothingToLearn: With ``gn``, no pair teaches a curve.
    """
    members = _grouped(pairs, str)
    rows = {key: _row_search(of_size, base, options) for key, of_size in members.items()}
    kind = _Kind(
        method="calibguard_dim",
        groups={
            key: _Group(of_size, options.sample_per_dim, rows[key].base, size_of(of_size[0]))
            for key, of_size in members.items()
        },
        trials=lambda key: partial(search_row, search=rows[key], optimizer=options.optimizer, clock=clock),
        of_trials=lambda found: correction_table(found, base, options, label),
        of_atlas=lambda atlas: correction_table_of(
            atlas, base, label, min_dim_support=options.min_dim_support, alphas=options.alphas
        ),
        row=lambda table, key: (
            (table.dimensions[key].primary, table.dimensions[key].safe)
            if key in table.dimensions
            else (None, None)
        ),
    )
    return _built(kind, _Search(options, label, read, workers, clock, store))


def _built(kind: _Kind[Table], search: _Search) -> tuple[Table, BuildManifest]:
    if search.options.optimizer == "gn":
        table, found = _by_curves(kind, search)
    else:
        found = {key: _searched(group, search, kind.trials(key)) for key, group in kind.groups.items()}
        table = kind.of_trials(found)
    manifest = BuildManifest(
        method=kind.method,
        table=table.name,
        table_digest=table_digest(table),
        options=search.options,
        found=found,
    )
    return table, manifest


def _by_curves(kind: _Kind[Table], search: _Search) -> tuple[Table, dict[str, FoundCoefficients]]:
    """Fit a sample of each group, learn an atlas of all fits, and write it as the table."""
    options = search.options
    groups = {
        key: fitted_group(
            sampled(group.pairs, count=group.most, seed=options.seed),
            support=len(group.pairs),
            base=group.base,
            read=search.read,
            workers=search.workers,
            store=search.store,
            clock=search.clock,
        )
        for key, group in kind.groups.items()
    }
    atlas = learn_atlas([fitted for group in groups.values() for fitted in group.fits], search.label)
    made = kind.of_atlas(atlas)
    defaults = Defaults(interpolation=options.interpolation, border=options.border)
    table = made.table.model_copy(update={"defaults": defaults})
    found = {
        key: found_by_fits(group, key, kind.row(table, key), made.residual_px)
        for key, group in groups.items()
    }
    return table, found


def _bucket_groups(pairs: Iterable[TrainingPair], base: BucketTable, *, most: int) -> dict[str, _Group]:
    members = _grouped(pairs, lambda size: bucket_of(size.width, size.height))
    shares = fair_shares({bucket: len(group) for bucket, group in members.items()}, total=most)
    return {
        str(bucket): _Group(
            members[bucket],
            shares[bucket],
            candidate_of(base.buckets[bucket] or base.fallback, alpha=base.defaults.alpha),
            NOMINAL_SIZE[bucket],
        )
        for bucket in BUCKETS
        if bucket in members
    }


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

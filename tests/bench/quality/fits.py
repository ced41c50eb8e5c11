"""What is fitted on the training pairs before any test photo is seen: one line of ``FITS`` for each fit.

A fit gives a table for each method that it serves, and every variant of those methods then enters the
comparison with it. One that fails costs its own entrants only.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from tempfile import TemporaryDirectory
from typing import Final

from infra.store.opening import open_store
from tasks.domain.atlas_learning import learn_atlas
from tasks.domain.atlas_tables import bucket_table_of, correction_table_of
from tasks.domain.pairs import TrainingPair
from tasks.domain.schemas import Record
from tasks.domain.search_schemas import PairSearchOptions, TableBuildOptions
from tasks.domain.searched_tables import TableLabel
from tasks.domain.tables import shipped_bucket_table, shipped_correction_table, shipped_global_table
from tasks.line_learning import learned_line_rule
from tasks.pair_trials import ReadPair
from tasks.photo_workers import PhotoWorkers
from tasks.refitting import fitted_pairs
from tasks.searching import build_correction_table, search_bucket_pairs, search_global_pair

Tables = Mapping[str, Record]
"""A table for each method, by the method's name."""

_QUICK_PAIRS = 16
_QUICK_PER_SIZE = 3


@dataclass(frozen=True, slots=True)
class Training:
    """What a fit may learn from, and with.

    Attributes:
        quick: Ask for a small sample instead of the fit's own default.
    """

    pairs: Sequence[TrainingPair]
    read: ReadPair
    workers: PhotoWorkers
    quick: bool
    seed: int


@dataclass(frozen=True, slots=True)
class Fit:
    """One way to learn; ``name`` stands behind the names of its entrants."""

    name: str
    learn: Callable[[Training], Tables]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What came of a fit, or the reason why nothing did."""

    name: str
    tables: Tables
    seconds: float
    problem: str = ""


def fitted(fit: Fit, training: Training) -> Fitted:
    """Do one fit and take its time."""
    started = time.perf_counter()
    try:
        tables = fit.learn(training)
    except Exception as error:  # a fit that breaks is a finding, and the others go on
        return Fitted(fit.name, {}, time.perf_counter() - started, f"{type(error).__name__}: {error}")
    return Fitted(fit.name, tables, time.perf_counter() - started)


def _global_pair(training: Training) -> Tables:
    options, base = _pair_options(training), shipped_global_table()
    table, _ = search_global_pair(
        training.pairs,
        base,
        options,
        _label("global_grid"),
        read=training.read,
        workers=training.workers,
        clock=time.monotonic,
    )
    return {"global_grid": table}


def _bucket_pairs(training: Training) -> Tables:
    options, base = _pair_options(training), shipped_bucket_table()
    table, _ = search_bucket_pairs(
        training.pairs,
        base,
        options,
        _label("dim_bucket_microgrid"),
        read=training.read,
        workers=training.workers,
        clock=time.monotonic,
    )
    return {"dim_bucket_microgrid": table}


def _table_by_grid(training: Training) -> Tables:
    options = TableBuildOptions(optimizer="grid", seed=training.seed)
    if training.quick:
        options = options.model_copy(update={"alphas": (0.0,), "sample_per_dim": _QUICK_PER_SIZE})
    table, _ = build_correction_table(
        training.pairs,
        shipped_correction_table(),
        options,
        _label("calibguard_dim"),
        read=training.read,
        workers=training.workers,
        clock=time.monotonic,
    )
    return {"calibguard_dim": table}


def _atlas(training: Training) -> Tables:
    """Fit every pair, and learn from the fits an atlas and the tables that stand for it."""
    with TemporaryDirectory(prefix="calibguard-fits-") as folder:
        found = fitted_pairs(
            training.pairs,
            read=training.read,
            workers=training.workers,
            store=open_store(folder),
            progress=lambda done, total: None,
        )
    label = _label("atlas")
    rule = learned_line_rule(found.pairs, label, read=training.read, workers=training.workers)
    atlas = learn_atlas(found.pairs, label, line_rule=rule)
    dimensions = correction_table_of(atlas, shipped_correction_table(), _label("calibguard_dim"))
    buckets = bucket_table_of(atlas, shipped_bucket_table(), _label("dim_bucket_microgrid"))
    return {
        "shoot_atlas": atlas,
        "calibguard_dim": dimensions.table,
        "dim_bucket_microgrid": buckets.table,
    }


def _pair_options(training: Training) -> PairSearchOptions:
    if training.quick:
        return PairSearchOptions(optimizer="grid", seed=training.seed, search_pairs=_QUICK_PAIRS)
    return PairSearchOptions(optimizer="grid", seed=training.seed)


def _label(method: str) -> TableLabel:
    return TableLabel(f"{method}_benchmark", date.today())


FITS: Final = (
    Fit("global_search", _global_pair),
    Fit("bucket_search", _bucket_pairs),
    Fit("table_by_grid", _table_by_grid),
    Fit("atlas", _atlas),
)

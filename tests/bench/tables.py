"""Builds tables by Gauss-Newton and by grid on the same pairs, and compares what they cost and are worth.

Run as ``python -m tests.bench.tables FOLDER ... [--per-size 12]``. Each folder has the runbook's layout with
a ``truth.csv``. Tables are built from a sample of one folder's pairs, once by each optimizer, and looked at
twice: on those pairs by the objective that the grid makes small, and on all photos of all folders whose
listings the build has not seen by the RMS distance from the true warp. Photos that need no correction are
left out there; one is called farther where leaving it alone would have been nearer.
"""

import argparse
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import fsum
from pathlib import Path
from typing import Literal

import numpy as np

from gpu.coordinates import ImageSize
from gpu.remap.backend import Border, Interpolation
from gpu.search.candidate import Candidate, geometry
from gpu.search.pair import REDUCTION, reduced_pair
from gpu.search.trial import TrialJob, pair_distances
from tasks.domain.methods.method import RouteOptions
from tasks.domain.methods.registry import find_method
from tasks.domain.naming import listing_of
from tasks.domain.pairs import TrainingPair, sampled
from tasks.domain.schemas import LegacyWarp, PhotoRef
from tasks.domain.search_schemas import PairSearchOptions, TableBuildOptions
from tasks.domain.searched_tables import TableLabel
from tasks.domain.tables import TableHeader, shipped_bucket_table, shipped_correction_table
from tasks.pair_trials import pair_reader
from tasks.pairs import pairs_in
from tasks.photo_workers import open_photo_workers
from tasks.searching import build_correction_table, search_bucket_pairs
from tasks.warps import radial_map_of
from tests.bench.quality.truth import Truth, read_truth, rms_px, untouched_map

_LABEL = TableLabel("benchmark", date(2026, 11, 28))
_TRAINING = "lens-correction-train-cleaned"
_MIN_SUPPORT = 6
_METHODS = (("calibguard_dim", "balanced"), ("calibguard_dim", "safe"), ("dim_bucket_microgrid", None))
_CUBIC: tuple[Interpolation, Border] = ("cubic", "reflect")


@dataclass(frozen=True, slots=True)
class Built:
    """Tables of one optimizer by method, and the CPU seconds that each took for a pair."""

    tables: Mapping[str, TableHeader]
    seconds_per_pair: Mapping[str, float]


def main() -> None:
    """Print one line for each folder, method and table; ``shipped`` for comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--per-size", type=int, default=12)
    asked = parser.parse_args()
    truths = {folder: truth for folder in asked.folders if (truth := read_truth(folder / "truth.csv"))}
    print(
        f"{'table':44}{'CPU s/pair':>11}{'loss':>8}{'photos':>7}{'px median':>10}{'mean':>7}{'p90':>7}"
        f"{'within 2':>9}{'farther':>8}"
    )
    for folder in asked.folders:
        pairs = sampled(pairs_in(folder / _TRAINING).pairs, count=asked.per_size, seed=1, per="dimension")
        known = {listing_of(pair.id) for pair in pairs}
        built = {name: _built(folder, pairs, name) for name in ("gn", "grid")}
        photos = [
            (truth, size, photo_id)
            for truth in truths.values()
            for photo_id, size in _photos(truth)
            if listing_of(photo_id) not in known
        ]
        for method, variant in _METHODS:
            for name in ("gn", "grid", "shipped"):
                table = built[name].tables[method] if name in built else None
                spent = built[name].seconds_per_pair[method] if name in built else float("nan")
                loss = _loss(folder, pairs, method, variant, table)
                _report(f"{folder.name} {method} {variant or ''} {name}", spent, loss)
                _report_errors(photos, method, variant, table)


def _built(folder: Path, pairs: Sequence[TrainingPair], name: str) -> Built:
    """Build both tables anew, keeping no fit."""
    read, tables, spent = pair_reader(folder / _TRAINING), dict[str, TableHeader](), dict[str, float]()
    optimizer: Literal["gn", "grid"] = "gn" if name == "gn" else "grid"
    options = TableBuildOptions(optimizer=optimizer, alphas=(0.0,), min_dim_support=_MIN_SUPPORT)
    for method in ("calibguard_dim", "dim_bucket_microgrid"):
        before = _cpu_seconds()
        with open_photo_workers(processes=2, timeout_s=600, memory_mb=3072) as workers:
            if method == "calibguard_dim":
                tables[method], _ = build_correction_table(
                    pairs,
                    shipped_correction_table(),
                    options,
                    _LABEL,
                    read=read,
                    workers=workers,
                    clock=time.monotonic,
                )
            else:
                tables[method], _ = search_bucket_pairs(
                    pairs,
                    shipped_bucket_table(),
                    PairSearchOptions(optimizer=optimizer),
                    _LABEL,
                    read=read,
                    workers=workers,
                    clock=time.monotonic,
                )
        spent[method] = (_cpu_seconds() - before) / len(pairs)
    return Built(tables, spent)


def _cpu_seconds() -> float:
    """Of this process and of all that have ended below it."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _photos(truth: Truth) -> Iterator[tuple[str, ImageSize]]:
    for warp in truth.warps.values():
        if not warp.identity:
            yield warp.id, ImageSize(warp.width, warp.height)


def _warp(
    photo_id: str, size: ImageSize, method: str, variant: str | None, table: TableHeader | None
) -> LegacyWarp:
    photo = PhotoRef(id=photo_id, width=size.width, height=size.height, size=1, sha256="0" * 64)
    routed = find_method(method).route(photo, RouteOptions(variant=variant, table=table))
    warp = routed.warp
    return warp if isinstance(warp, LegacyWarp) else LegacyWarp(k1=0.0, k2=0.0)


def _loss(
    folder: Path, pairs: Sequence[TrainingPair], method: str, variant: str | None, table: TableHeader | None
) -> float:
    """Mean loss of the pairs under the profile that the method's grid goes by; a proxy."""
    profile = "mae" if method == "dim_bucket_microgrid" else "legacy"
    read, losses = pair_reader(folder / _TRAINING), []
    for pair in pairs:
        warp = _warp(pair.id, ImageSize(pair.width, pair.height), method, variant, table)
        candidate = Candidate.rounded(warp.k1, warp.k2, warp.alpha)
        job = TrialJob(reduced_pair(read(pair)), (candidate,), profile, *_CUBIC)  # type: ignore[arg-type]
        found = geometry(candidate, job.pair.size, reduction=REDUCTION)
        losses.append(pair_distances(job)[0].loss(job.profile, warp=found.warp if found else 0.0))
    return fsum(losses) / len(losses)


def _report(name: str, spent: float, loss: float) -> None:
    print(f"{name:44}{spent:11.3f}{loss:8.4f}", end="")


def _report_errors(
    photos: Sequence[tuple[Truth, ImageSize, str]],
    method: str,
    variant: str | None,
    table: TableHeader | None,
) -> None:
    errors, alone = [], []
    for truth, size, photo_id in photos:
        true = truth.warps[photo_id].mapping()
        found = radial_map_of(_warp(photo_id, size, method, variant, table), size) or untouched_map(size)
        errors.append(rms_px(found, true, size))
        alone.append(rms_px(untouched_map(size), true, size))
    px = np.array(errors)
    print(
        f"{len(px):7}{np.median(px):10.2f}{px.mean():7.2f}{np.quantile(px, 0.9):7.2f}"
        f"{100 * np.mean(px < 2.0):8.0f}%{100 * np.mean(px > np.array(alone)):7.0f}%",
        flush=True,
    )


if __name__ == "__main__":
    main()

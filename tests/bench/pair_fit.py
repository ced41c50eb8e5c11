"""Fits every pair of a folder and prints verdicts, errors and times, worst first.

Run as ``python -m tests.bench.pair_fit FOLDER [--reduction 4]``. The folder holds pairs as the runbook names
them, ``lens-correction-train-cleaned/{id}_original.jpg`` and ``{id}_generated.jpg``, and may hold pairs in
``test-originals`` and ``test-targets``. With a ``truth.csv`` of known lenses beside them (a Lensfun model,
its coefficients, frame, crop and zoom of each id) errors are told against that, else foretold ones only;
then the legacy grid searches some of the pairs too, each alone, and is told beside the fits of these.
"""

import argparse
import csv
import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gpu.coordinates import ImageSize
from gpu.jpeg.codec import Reduction
from gpu.jpeg.header import read_header
from gpu.legacy import legacy_radial_map
from gpu.lensfun import Poly3, Poly5, PtLens
from gpu.pair_fit.fit import PairFit, fit_pair
from gpu.pair_fit.gauss_newton import descend
from gpu.pair_fit.levels import pyramid
from gpu.pair_fit.luma import read_luma
from gpu.pair_fit.model import WarpModel, frame_places
from gpu.pair_fit.start import coarse_start
from gpu.remap.reference import reference_map
from gpu.search.grid import least_loss
from gpu.search.pair import reduced_pair
from tests.bench.search import by_grid, trial_of
from tests.lens_pairs import source_places

_WORST = 10
_TIMED = 20
_SEARCHED = 40
_MODELS = {"ptlens": PtLens, "poly3": Poly3, "poly5": Poly5}


@dataclass(frozen=True, slots=True)
class Pair:
    """One pair on disk, with its row of the truth where there is one."""

    pair_id: str
    original: Path
    target: Path
    truth: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one pair gave; ``error`` is None where the truth or the curve is missing."""

    pair: Pair
    fit: PairFit
    error: float | None
    milliseconds: float


def find_pairs(folder: Path) -> list[Pair]:
    """List the pairs of both layouts."""
    truths = {row["id"]: row for row in _rows(folder / "truth.csv")}
    found = []
    for original in sorted((folder / "lens-correction-train-cleaned").glob("*_original.jpg")):
        name = original.name.removesuffix("_original.jpg")
        found.append(Pair(name, original, original.with_name(f"{name}_generated.jpg"), truths.get(name)))
    for original in sorted((folder / "test-originals").glob("*.jpg")):
        target = folder / "test-targets" / original.name
        if target.exists():
            found.append(Pair(original.stem, original, target, truths.get(original.stem)))
    return found


def true_source(row: Mapping[str, str], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give where the target of a row reads its original, (N, 2) in pixels.

    The pair is cut from a frame corrected about its centre: ``amount`` of a Lensfun model, then ``scale``.
    """
    if int(row["identity"]):
        return places
    frame = np.array([float(row["full_w"]), float(row["full_h"])])
    crop = np.array([float(row["crop_x"]), float(row["crop_y"])])
    long, short = sorted((float(side) for side in row["aspect"].split(":")), reverse=True)
    unit = hypot(*frame) / 2 / hypot(1.0, long / short)
    lens = _MODELS[row["model"]](*json.loads(row["coef"]))
    straight = (places + crop - (frame - 1) / 2) / float(row["scale"])
    growth = np.asarray(np.polynomial.polynomial.polyval(np.hypot(*straight.T) / unit, lens.factors))
    bent = straight * (1.0 + float(row["amount"]) * (growth - 1.0))[:, None]
    return np.asarray(bent + (frame - 1) / 2 - crop)


def fit_one(pair: Pair, *, reduction: Reduction) -> Outcome:
    """Fit one pair from its bytes; reading the files is not timed."""
    original, target = pair.original.read_bytes(), pair.target.read_bytes()
    started = time.process_time()
    found = fit_pair(original, target, reduction=reduction)
    spent = time.process_time() - started
    return Outcome(pair, found, _error(pair, found), 1000.0 * spent)


def time_steps(pairs: list[Pair], *, reduction: Reduction) -> dict[str, float]:
    """Give the median CPU milliseconds of each step; the rest of a fit is its verdict."""
    spent = [_time_steps(pair, reduction) for pair in pairs]
    return {step: statistics.median(times.get(step, 0.0) for times in spent) for step in spent[0]}


def main() -> None:
    """Print one row a figure, then the worst pairs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reduction", type=int, choices=(1, 2, 4, 8), default=4)
    asked = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    pairs = find_pairs(asked.folder)
    if not pairs:
        raise SystemExit(
            f"{asked.folder} holds no pairs; expected lens-correction-train-cleaned/*_original.jpg"
        )
    outcomes = [fit_one(pair, reduction=asked.reduction) for pair in pairs]
    textured = [outcome.pair for outcome in outcomes if outcome.fit.curve is not None]
    _print_figures(outcomes, time_steps(textured[:_TIMED], reduction=asked.reduction) if textured else {})
    _print_searched([o for o in outcomes if o.error is not None and o.fit.verdict == "radial"][:_SEARCHED])
    print(f"\nworst {_WORST}")
    for outcome in sorted(outcomes, key=_badness, reverse=True)[:_WORST]:
        error = "-" if outcome.error is None else f"{outcome.error:.3f}"
        fit, pair = outcome.fit, outcome.pair
        print(
            f"{error:>7} px, foretold {fit.expected_error_px:.3f}, {pair.pair_id}{_cut(pair)}: {fit.sentence}"
        )


def _print_figures(outcomes: list[Outcome], steps: Mapping[str, float]) -> None:
    for (verdict, reason), count in Counter((o.fit.verdict, o.fit.reason) for o in outcomes).most_common():
        print(f"{verdict if reason is None else f'{verdict}: {reason}':36}{count:10d} pairs")
    learnable = [outcome for outcome in outcomes if outcome.fit.verdict != "not_radial"]
    known = [outcome for outcome in learnable if outcome.error is not None]
    if known:
        errors = np.array([outcome.error for outcome in known])
        foretold = np.array([outcome.fit.expected_error_px for outcome in known])
        for name, share in (("worst", 100), ("99 %", 99), ("90 %", 90), ("median", 50)):
            print(f"{f'error, {name}, px RMS':36}{np.percentile(errors, share):10.3f}")
        ratio = float(np.sqrt(np.mean((errors / foretold) ** 2)))
        print(f"{'error over foretold error, RMS':36}{ratio:10.2f}")
    print(f"{'CPU ms a pair, median':36}{statistics.median(o.milliseconds for o in outcomes):10.1f}")
    for name, milliseconds in sorted(steps.items(), key=lambda step: -step[1]):
        print(f"{f'  of it {name}':36}{milliseconds:10.1f}")


def _print_searched(fitted: list[Outcome]) -> None:
    """Search the pairs of some fits by the legacy grid, and print both."""
    if not fitted:
        return
    found = [_searched(outcome.pair) for outcome in fitted]
    searched = [(error, spent) for error, spent in found if error is not None]
    fits = [(outcome.error, outcome.milliseconds) for outcome in fitted]
    print(f"\n{len(fitted)} of the radial pairs: px RMS median, 90 %, worst; CPU ms a pair, median")
    for name, rows in (("legacy grid, profile mae", searched), ("pair fit", fits)):
        errors, spent = np.array(rows, np.float64).T
        told = "".join(f"{np.percentile(errors, share):9.3f}" for share in (50, 90, 100))
        print(f"{name:36}{told}{np.median(spent):9.0f}")


def _searched(pair: Pair) -> tuple[float | None, float]:
    """Give the error of the best candidate and the CPU milliseconds; reading the files is not timed."""
    files = (pair.original.read_bytes(), pair.target.read_bytes())
    started = time.process_time()
    reduced = reduced_pair(files)
    best = least_loss(by_grid(trial_of(reduced, "mae")))
    spent = 1000.0 * (time.process_time() - started)
    if best is None or pair.truth is None:
        return None, spent
    size, chosen = reduced.size, best.candidate
    mapped = reference_map(legacy_radial_map(chosen.k1, chosen.k2, chosen.alpha, size), size)
    places = frame_places(size)
    u, v = places.round().astype(int).T
    apart = np.stack([axis[v, u] for axis in mapped], axis=1) - true_source(pair.truth, np.stack([u, v], 1))
    return float(np.sqrt(np.mean(np.sum(apart * apart, axis=1)))), spent


def _time_steps(pair: Pair, reduction: Reduction) -> dict[str, float]:
    photos = [pair.original.read_bytes(), pair.target.read_bytes()]
    clock, spent = time.process_time, {}
    started = clock()
    headers = [read_header(photo) for photo in photos]
    lumas = [read_luma(p, h, reduction=reduction) for p, h in zip(photos, headers, strict=True)]
    spent["decode"], started = clock() - started, clock()
    levels = pyramid(*lumas)
    spent["texture of all levels"], started = clock() - started, clock()
    model = WarpModel(ImageSize(headers[0].width, headers[0].height))
    warp = coarse_start(model, levels[0].points, levels[0].original)
    spent["coarse start"], started = clock() - started, clock()
    for level in levels:
        warp = descend(model, level.points, level.original, warp).parameters
        spent[f"Gauss-Newton at 1/{level.original.step}"], started = clock() - started, clock()
    return {step: 1000.0 * seconds for step, seconds in spent.items()}


def _error(pair: Pair, found: PairFit) -> float | None:
    if pair.truth is None or found.curve is None or found.model is None:
        return None
    size = found.model.size
    apart = source_places(found.curve, size) - true_source(pair.truth, frame_places(size))
    return float(np.sqrt(np.mean(np.sum(apart * apart, axis=1))))


def _cut(pair: Pair) -> str:
    """Say how many pixels off the middle of its frame a pair was cut; a curve assumes none."""
    if pair.truth is None:
        return ""
    number = {
        name: float(pair.truth[name]) for name in ("width", "height", "full_w", "full_h", "crop_x", "crop_y")
    }
    off = hypot(
        number["crop_x"] + (number["width"] - number["full_w"]) / 2,
        number["crop_y"] + (number["height"] - number["full_h"]) / 2,
    )
    return f", cut {off:.1f} px off its centre"


def _badness(outcome: Outcome) -> float:
    return outcome.fit.expected_error_px if outcome.error is None else outcome.error


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


if __name__ == "__main__":
    main()

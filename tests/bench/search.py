"""Times the legacy searches and the per-photo methods on rendered rooms of 2048 px: CPU time on one core.

Run as ``python -m tests.bench.search``. Four rooms are corrected by known coefficients off the grid,
and each pair is searched alone: the grid of a supported table row, and differential evolution
in its broad form. What was found is judged by the RMS distance, in full-size pixels, from the true map.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from deployments.demo.photos import draw_photos
from gpu.coordinates import ImageSize
from gpu.legacy import legacy_radial_map
from gpu.remap.reference import reference_map
from gpu.search.candidate import Candidate, geometry
from gpu.search.evolution import BROAD, evolution_search
from gpu.search.grid import NARROW, WITH_SUPPORT, grid_search, least_loss
from gpu.search.pair import REDUCTION, ReducedPair, reduced_pair
from gpu.search.profile import ProfileName
from gpu.search.trial import Evaluate, Trial, TrialJob, invalid_trial, pair_distances, valid_trial
from tasks.domain.methods.method import RouteOptions
from tasks.domain.methods.registry import methods
from tests.pairs import corrected

Files = tuple[bytes, bytes]
_BASE = Candidate(-0.17, 0.35)
_TRUTHS = ((-0.185, 0.372), (-0.2113, 0.4321), (-0.153, 0.322), (-0.1942, 0.3811))
_PROFILES: tuple[ProfileName, ...] = ("mae", "legacy", "competition_lite")


def main() -> None:
    """Print median and worst of the pairs for each profile and optimizer, then the per-photo methods."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    files = _drawn()
    pairs = [reduced_pair(each) for each in files]
    print(f"read and reduce: {_median_ms(partial(reduced_pair, files[0])):.0f} ms per pair")
    print(f"{'profile and optimizer':28}{'tried':>7}{'ms per pair':>12}{'px RMS, median':>16}{'worst':>7}")
    for profile in _PROFILES:
        for name, search in (("grid", by_grid), ("de", _evolution)):
            _report(f"{profile}, {name}", pairs, profile, search)
    for method in methods().values():
        if (observer := method.observer) is not None:
            job = observer.job(files[0][0], RouteOptions())
            looks = getattr(observer.look(job), "looks", 0)
            spent = _median_ms(partial(observer.look, job))
            print(f"{method.name}: {spent:.0f} ms per photo, {looks} looks")


def _report(
    name: str,
    pairs: Sequence[ReducedPair],
    profile: ProfileName,
    search: Callable[[Evaluate], Sequence[Trial]],
) -> None:
    spent, misses, tried = [], [], 0
    for pair, truth in zip(pairs, _TRUTHS, strict=True):
        geometry.cache_clear()
        started = time.process_time()
        trials = search(trial_of(pair, profile))
        spent.append(1000 * (time.process_time() - started))
        best = least_loss(trials)
        misses.append(_miss(best.candidate, Candidate(*truth), pair.size) if best else np.inf)
        tried = len(trials)
    worst, median = max(misses), statistics.median(misses)
    print(f"{name:28}{tried:7}{statistics.median(spent):12.0f}{median:16.2f}{worst:7.2f}", flush=True)


def by_grid(evaluate: Evaluate) -> Sequence[Trial]:
    """Search as the row of a table is searched that many pairs support."""
    return grid_search(evaluate, WITH_SUPPORT.around(_BASE, [0.0]), refinement=NARROW, alphas=[0.0])


def _evolution(evaluate: Evaluate) -> Sequence[Trial]:
    return evolution_search(evaluate, _BASE, BROAD, alphas=[0.0, 0.2], seed=42, clock=lambda: 0.0)


def trial_of(pair: ReducedPair, profile: ProfileName) -> Evaluate:
    """Give what tries candidates on one pair."""

    def evaluate(candidates: Sequence[Candidate]) -> list[Trial]:
        known = {one: [geometry(one, pair.size, reduction=REDUCTION)] for one in candidates}
        invalid = {one: invalid_trial(one, shapes) for one, shapes in known.items()}
        to_try = tuple(one for one in candidates if invalid[one] is None)
        found = pair_distances(TrialJob(pair, to_try, profile, "cubic", "reflect"))
        distances = dict(zip(to_try, found, strict=True))
        return [
            invalid[one] or valid_trial(one, known[one], [distances[one]], profile=profile)
            for one in candidates
        ]

    return evaluate


def _miss(found: Candidate, truth: Candidate, size: ImageSize) -> float:
    maps = [reference_map(legacy_radial_map(one.k1, one.k2, one.alpha, size), size) for one in (found, truth)]
    (x, y), (true_x, true_y) = maps
    return float(np.sqrt(np.mean(np.square(x - true_x) + np.square(y - true_y))))


def _drawn() -> list[Files]:
    with tempfile.TemporaryDirectory() as folder:
        photos = draw_photos(Path(folder) / "rooms", count=len(_TRUTHS), processes=1)
        drawn = [(photo.path.read_bytes(), photo.size) for photo in photos]
    return [
        (jpeg, corrected(jpeg, k1=k1, k2=k2, width=size.width, height=size.height))
        for (jpeg, size), (k1, k2) in zip(drawn, _TRUTHS, strict=True)
    ]


def _median_ms(step: Callable[[], object]) -> float:
    spent = []
    for _ in range(5):
        started = time.process_time()
        step()
        spent.append(1000 * (time.process_time() - started))
    return statistics.median(spent)


if __name__ == "__main__":
    main()

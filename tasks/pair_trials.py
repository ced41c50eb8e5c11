"""Reads sampled training pairs and tries candidates on them in worker processes.

A pair is decoded and reduced once, so only small grey pictures are kept, 350 kB a pair. Outcomes are taken in
the order of the pairs, so nothing depends on how many processes there are.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from gpu.coordinates import ImageSize
from gpu.jpeg.rejection import PhotoRejected
from gpu.search.candidate import Candidate, Geometry, geometry
from gpu.search.pair import REDUCTION, ReducedPair, reduced_pair
from gpu.search.profile import Distances
from gpu.search.trial import Evaluate, Trial, TrialJob, invalid_trial, pair_distances, valid_trial
from tasks.domain.pairs import TrainingPair, original_name, target_name
from tasks.domain.search_schemas import LeftOutPair, SearchOptions
from tasks.photo_workers import PhotoLost, PhotoWorkers

T = TypeVar("T")
R = TypeVar("R")


ReadPair = Callable[[TrainingPair], tuple[bytes, bytes]]
"""Gives the files of an original and of its target; one that cannot be read is an ``OSError``."""


def pair_reader(folder: Path) -> ReadPair:
    """Read pairs that lie in a folder of the runbook's layout."""

    def read(pair: TrainingPair) -> tuple[bytes, bytes]:
        original, target = (folder / name(pair.id) for name in (original_name, target_name))
        return original.read_bytes(), target.read_bytes()

    return read


def reduced_pairs(
    pairs: Sequence[TrainingPair], read: ReadPair, workers: PhotoWorkers
) -> tuple[dict[str, ReducedPair], tuple[LeftOutPair, ...]]:
    """Read and reduce pairs; those that cannot be used are named with the reason."""
    found = _each(partial(_reduced, read=read, workers=workers), pairs, workers)
    usable = {pair.id: one for pair, one in zip(pairs, found, strict=True) if isinstance(one, ReducedPair)}
    return usable, tuple(one for one in found if isinstance(one, LeftOutPair))


def evaluator(
    pairs: Sequence[ReducedPair], options: SearchOptions, workers: PhotoWorkers, *, also: ImageSize
) -> Evaluate:
    """Make the function that tries candidates on these pairs.

    Args:
        pairs: One or more.
        options: Profile, interpolation and border.
        workers: Each of their processes takes one pair with all candidates at a time.
        also: A size at which candidates must be valid besides those of the pairs.
    """
    sizes = tuple(dict.fromkeys([*(pair.size for pair in pairs), also]))

    def evaluate(candidates: Sequence[Candidate]) -> list[Trial]:
        known = [_geometries(candidate, sizes) for candidate in candidates]
        trials = list(map(invalid_trial, candidates, known))
        to_try = tuple(one for one, trial in zip(candidates, trials, strict=True) if trial is None)
        jobs = [
            TrialJob(pair, to_try, options.profile, options.interpolation, options.border) for pair in pairs
        ]
        rows = _each(partial(_distances, workers=workers), jobs, workers) if to_try else []
        columns = iter(zip(*rows, strict=True))
        return [
            trial or valid_trial(candidate, shapes, next(columns), profile=options.profile)
            for candidate, shapes, trial in zip(candidates, known, trials, strict=True)
        ]

    return evaluate


def _reduced(pair: TrainingPair, *, read: ReadPair, workers: PhotoWorkers) -> ReducedPair | LeftOutPair:
    try:
        found = workers.run(reduced_pair, read(pair))
    except OSError as error:
        return LeftOutPair(id=pair.id, reason=f"it cannot be read any more: {error.strerror or error}")
    except (PhotoRejected, PhotoLost) as error:
        return LeftOutPair(id=pair.id, reason=str(error))
    if found.size != size_of(pair):
        return LeftOutPair(
            id=pair.id, reason=f"listed as {size_of(pair)}, but its photos have {found.size} pixels"
        )
    return found


def size_of(pair: TrainingPair) -> ImageSize:
    """Give a pair's size in pixels as stored."""
    return ImageSize(pair.width, pair.height)


def _distances(job: TrialJob, *, workers: PhotoWorkers) -> list[Distances]:
    return workers.run(pair_distances, job)


def _geometries(candidate: Candidate, sizes: Sequence[ImageSize]) -> list[Geometry | None]:
    return [geometry(candidate, size, reduction=REDUCTION) for size in sizes]


def _each(function: Callable[[T], R], arguments: Sequence[T], workers: PhotoWorkers) -> list[R]:
    with ThreadPoolExecutor(workers.processes + 2) as threads:  # two more read and pickle meanwhile
        return list(threads.map(function, arguments))

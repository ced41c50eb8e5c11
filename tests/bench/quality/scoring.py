"""The scoring step, the only one that opens targets and truth: what each entrant's warp is worth.

All entrants' warps of one photo go to one render process together, equal ones once. A warp that fails there
costs its own cell: the photo is tried again with each warp alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.jpeg.rejection import PhotoRejected
from gpu.metric.profile import PROFILES
from gpu.radial_map import RadialMap
from tasks.domain.schemas import PhotoRef, RoutedPhoto
from tasks.photo_workers import PhotoLost, PhotoWorkers
from tasks.warps import radial_map_of
from tests.bench.quality.entrants import Intentions
from tests.bench.quality.folder import BenchFolder
from tests.bench.quality.panel import Opinion, PanelJob, PanelWarp, judge_panel
from tests.bench.quality.truth import Truth, read_truth, rms_px, untouched_map

EXACT: Final = "exact warp"
_PROFILES: Final = (PROFILES["portal"], PROFILES["portal_exact"], PROFILES["portal_loose"])
"""Edge tolerances of 1, 0 and 2 px."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One entrant on one photo.

    Attributes:
        scores: At edge tolerances of 1, 0 and 2 px; None where it has no output.
        rms_px: Distance of its warp from the true one; None where that is not known.
        bound_px: Below which the entrant itself predicted it in nine of ten cases.
        seconds: CPU time of rendering.
        reason: Why it chose this warp, or why there is no output.
    """

    photo: PhotoRef
    reason: str
    route: str = ""
    scores: tuple[float, ...] | None = None
    rms_px: float | None = None
    bound_px: float | None = None
    seconds: float | None = None


def scored(
    entrants: Sequence[Intentions], photos: Sequence[PhotoRef], folder: BenchFolder, workers: PhotoWorkers
) -> dict[str, tuple[Cell, ...]]:
    """Score every entrant, and the exact warp where it is known, on every photo.

    Returns:
        The cells of each entrant, in the order of the photos.

    Raises:
        TruthUnreadable: The truth about the folder cannot be understood, or is about other photos.
    """
    truth = read_truth(folder.truth)
    true_maps = {photo.id: _true_map(photo, truth) for photo in photos}

    def column(photo: PhotoRef) -> dict[str, Cell]:
        return _column(photo, entrants, true_maps[photo.id], folder, workers)

    with ThreadPoolExecutor(workers.processes + 1) as threads:  # one more reads meanwhile
        columns = list(threads.map(column, photos))
    names = [each.name for each in entrants] + ([EXACT] if truth else [])
    return {name: tuple(found[name] for found in columns) for name in names}


def _column(
    photo: PhotoRef,
    entrants: Iterable[Intentions],
    true_map: RadialMap | None,
    folder: BenchFolder,
    workers: PhotoWorkers,
) -> dict[str, Cell]:
    """Score everything that is tried on one photo."""
    cells = {each.name: _intended(photo, each) for each in entrants}
    routed = {each.name: each.routed[photo.id] for each in entrants if photo.id in each.routed}
    warps: dict[str, PanelWarp] = {}
    for name, choice in routed.items():
        try:
            warps[name] = PanelWarp(radial_map_of(choice.warp, _size(photo)), choice.border)
        except LensModelError as error:
            cells[name] = replace(cells[name], reason=str(error))
    cells[EXACT] = Cell(photo, "the photo is not in truth.csv")
    if true_map is not None:
        cells[EXACT] = Cell(photo, "the warp that the target was made with", "truth")
        warps[EXACT] = PanelWarp(true_map, "reflect")
    opinions = _opinions(photo, tuple(dict.fromkeys(warps.values())), folder, workers)
    return cells | {
        name: _judged(cells[name], warp, opinions[warp], true_map) for name, warp in warps.items()
    }


def _intended(photo: PhotoRef, entrant: Intentions) -> Cell:
    routed: RoutedPhoto | None = entrant.routed.get(photo.id)
    if routed is None:
        return Cell(photo, entrant.failed.get(photo.id, "the method gave no route for it"))
    return Cell(photo, routed.reason, routed.route, bound_px=routed.error_bound_px)


def _judged(cell: Cell, warp: PanelWarp, opinion: Opinion | str, true_map: RadialMap | None) -> Cell:
    if isinstance(opinion, str):
        return replace(cell, reason=opinion)
    apart = None
    if true_map is not None:
        size = _size(cell.photo)
        apart = rms_px(warp.mapping or untouched_map(size), true_map, size)
    return replace(cell, scores=opinion.scores, seconds=opinion.seconds, rms_px=apart)


def _opinions(
    photo: PhotoRef, warps: tuple[PanelWarp, ...], folder: BenchFolder, workers: PhotoWorkers
) -> Mapping[PanelWarp, Opinion | str]:
    """Have the warps judged; a sentence stands for one without an output."""
    try:
        original, target = (
            (side / f"{photo.id}.jpg").read_bytes() for side in (folder.originals, folder.targets)
        )
    except OSError as error:
        return dict.fromkeys(warps, f"{error.filename!r} cannot be read: {error.strerror}")
    return _tried(PanelJob(original, target, warps, _PROFILES), workers)


def _tried(job: PanelJob, workers: PhotoWorkers) -> dict[PanelWarp, Opinion | str]:
    try:
        return dict(zip(job.warps, workers.run(judge_panel, job), strict=True))
    except (PhotoRejected, PhotoLost) as error:
        if len(job.warps) == 1:
            return {job.warps[0]: str(error)}
    alone = [_tried(replace(job, warps=(warp,)), workers) for warp in job.warps]
    return {warp: opinion for found in alone for warp, opinion in found.items()}


def _true_map(photo: PhotoRef, truth: Truth | None) -> RadialMap | None:
    return truth.mapping(photo.id, _size(photo)) if truth else None


def _size(photo: PhotoRef) -> ImageSize:
    return ImageSize(photo.width, photo.height)

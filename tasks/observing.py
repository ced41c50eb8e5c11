"""Lets a method look at each photo, in worker processes, before the photos are routed.

A photo that cannot be looked at costs no run: it is routed without an observation, and the plan says why.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gpu.jpeg.rejection import PhotoRejected
from tasks.adapters import photo_workers
from tasks.domain.methods.method import Observer, RouteOptions
from tasks.domain.observations import Observation
from tasks.domain.schemas import Inventory, PhotoRef, RenderRequest
from tasks.failures import step
from tasks.originals import OriginalChanged, read_original
from tasks.photo_workers import PhotoLost, PhotoWorkers
from tasks.planning import chosen_method


@step("observe photos")
def observe_photos(inventory: Inventory, request: RenderRequest) -> tuple[Observation, ...]:
    """Observe every photo, where the method asks for it; otherwise there is nothing to do."""
    method, options = chosen_method(request)
    if method.observer is None:
        return ()
    with photo_workers("opencv") as workers:
        return observed(inventory.photos, Path(request.photos_folder), method.observer, options, workers)


def observed(
    photos: Iterable[PhotoRef], folder: Path, observer: Observer, options: RouteOptions, workers: PhotoWorkers
) -> tuple[Observation, ...]:
    """Observe photos that lie in a folder, in their order."""

    def look(photo: PhotoRef) -> Observation:
        try:
            original = read_original(folder, photo)
        except OriginalChanged as error:
            return Observation(photo_id=photo.id, problem=str(error))
        return observation_of(photo.id, original, observer, options, workers)

    with ThreadPoolExecutor(workers.processes + 2) as threads:  # two more read meanwhile
        return tuple(threads.map(look, photos))


def observation_of(
    photo_id: str, original: bytes, observer: Observer, options: RouteOptions, workers: PhotoWorkers
) -> Observation:
    """Observe one photo of these bytes."""
    try:
        seen = workers.run(observer.look, observer.job(original, options))
    except (PhotoRejected, PhotoLost) as error:
        return Observation(photo_id=photo_id, problem=str(error))
    return observer.record(photo_id, seen)

"""The entrants of the comparison, and what each of them would do with each photo.

Every variant of every method enters with its shipped table, and with every table that was fitted for it; a
new method or variant is met here without being named. Targets and truth are not known here.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tasks.domain.methods.method import Method, RouteOptions
from tasks.domain.naming import listing_of
from tasks.domain.observations import Listing, listings_of
from tasks.domain.schemas import IdentityWarp, PhotoRef, RoutedPhoto
from tasks.observing import observed
from tasks.photo_workers import PhotoWorkers
from tests.bench.quality.fits import Fitted
from tests.bench.quality.timed_workers import TimedWorkers

IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class Entrant:
    """A method with everything that a run may choose about it."""

    name: str
    method: Method
    options: RouteOptions


@dataclass(frozen=True, slots=True)
class Intentions:
    """What one entrant would do with each photo.

    Attributes:
        routed: By photo id.
        failed: Why there is no route, for the other photos.
        seconds: CPU time per photo, looking at it included.
    """

    name: str
    routed: Mapping[str, RoutedPhoto]
    failed: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def entrants_of(methods: Iterable[Method], fits: Sequence[Fitted]) -> Iterator[Entrant]:
    """Enter every variant of the methods with the shipped table and with each that was fitted."""
    for method in methods:
        for variant in method.variants:
            shipped = RouteOptions(variant=variant, interpolation="cubic")
            yield Entrant(f"{method.name}/{variant}", method, shipped)
            for fit in fits:
                if (table := fit.tables.get(method.name)) is not None:
                    options = RouteOptions(
                        variant=variant, table=table, table_origin="searched", interpolation="cubic"
                    )
                    yield Entrant(f"{method.name}/{variant}+{fit.name}", method, options)


def intentions_of(
    entrant: Entrant, photos: Sequence[PhotoRef], folder: Path, workers: PhotoWorkers
) -> Intentions:
    """Look at the photos, where the method asks for it, and route each; one that fails costs itself."""
    started, timed = time.thread_time(), TimedWorkers(workers)
    routed: dict[str, RoutedPhoto] = {}
    failed: dict[str, str] = {}
    try:
        seen = _observations(entrant, photos, folder, timed)
    except Exception as error:  # a method that breaks is a finding, and the others go on
        return Intentions(entrant.name, {}, dict.fromkeys((photo.id for photo in photos), _text(error)))
    for photo in photos:
        try:
            routed[photo.id] = entrant.method.choose(
                photo, entrant.options, seen.get(listing_of(photo.id), ())
            )
        except Exception as error:  # as above
            failed[photo.id] = _text(error)
    spent = timed.seconds + time.thread_time() - started
    return Intentions(entrant.name, routed, failed, spent / len(photos))


def left_alone(photos: Iterable[PhotoRef]) -> Intentions:
    """Leave every photo as it is: what the others are held against."""
    return Intentions(IDENTITY, {photo.id: _untouched(photo) for photo in photos})


def _observations(
    entrant: Entrant, photos: Sequence[PhotoRef], folder: Path, workers: PhotoWorkers
) -> Mapping[str, Listing]:
    if entrant.method.observer is None:
        return {}
    found = observed(photos, folder, entrant.method.observer, entrant.options, workers)
    return listings_of(found)


def _untouched(photo: PhotoRef) -> RoutedPhoto:
    return RoutedPhoto(
        photo=photo,
        warp=IdentityWarp(),
        route=IDENTITY,
        reason="every photo is left as it is",
        coefficient_source="shipped",
        interpolation="cubic",
        border="reflect",
    )


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"

"""Find what was left behind, and go on with it or end it.

Two lists are compared: what the store says was rented and not ended, and what the provider has under names of
ours. Reaping twice, or twice at once, does no more than once. What the provider has under a name that this
store never recorded belongs to another installation: intents are written before anything is asked for, so it
cannot be ours. It is told and left alone, unless ``foreign`` says otherwise.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from infra.errors import AdapterError, WatchTaken
from infra.remote.provider import Handle
from infra.remote.records import Opened, Rental, is_recorded, note_opened, rentals
from infra.remote.renting import Rent, end_job, watching

RunFate = Literal["over", "alive", "unknown"]
"""Of a flow run, by whoever keeps them; ``unknown`` where nobody knows such a run."""

Deed = Literal["watched", "adopted", "ended", "never began", "left alone", "not ended"]


@dataclass(frozen=True, slots=True)
class Reaped:
    """What became of one thing.

    Attributes:
        sentence: Why, or what a person has to do.
    """

    name: str
    deed: Deed
    sentence: str


def reap(
    rent: Rent,
    *,
    run_fate: Callable[[UUID], RunFate],
    adopt: Callable[[Rental], None] | None = None,
    dry_run: bool = False,
    foreign: bool = False,
) -> Iterator[Reaped]:
    """Deal with everything that is open; each thing by itself, so one that fails costs no other.

    Args:
        rent: With what; ``owner`` becomes the watcher of what is ended here.
        run_fate: How a flow run is.
        adopt: Starts watching a machine whose run is alive and whose watcher is not; None ends it.
        dry_run: Only tell.
        foreign: End what this store never recorded, too.
    """
    present = {handle.name: handle for handle in rent.provider.find()}
    known: set[str] = set()
    for rental in rentals(rent.store, rent.provider.kind):
        known.add(rental.name)
        if rental.closed is None:
            yield _dealt_with(rent, rental, present, run_fate=run_fate, adopt=adopt, dry_run=dry_run)
        elif (handle := present.get(rental.name)) is not None:
            yield _ended(rent, rental.name, handle, "it came back after its end", dry_run=dry_run)
    for name, handle in present.items():
        if name in known or is_recorded(rent.store, name):
            continue
        if foreign:
            yield _ended(rent, name, handle, "this store never recorded it", dry_run=dry_run)
        else:
            why = f"{rent.store.url} never recorded it, so it is another installation's: {handle.id}"
            yield Reaped(name, "left alone", why)


def _dealt_with(
    rent: Rent,
    rental: Rental,
    present: dict[str, Handle],
    *,
    run_fate: Callable[[UUID], RunFate],
    adopt: Callable[[Rental], None] | None,
    dry_run: bool,
) -> Reaped:
    handle = rental.handle or present.get(rental.name)
    try:
        with watching(rent, rental.name):
            fate = run_fate(rental.intent.flow_run_id)
            if handle is None:
                return _ended(rent, rental.name, None, "no machine came about", dry_run=dry_run)
            if fate != "alive" or adopt is None:
                why = {"over": "its run is over", "unknown": "nobody knows its run"}.get(fate, "asked for")
                return _ended(rent, rental.name, handle, why, dry_run=dry_run)
            if dry_run:
                return Reaped(rental.name, "adopted", "its run is alive and its watcher is not (dry run)")
            now = rent.around.now()
            note_opened(rent.store, handle, at=now)
    except WatchTaken as error:
        return Reaped(rental.name, "watched", str(error))
    except AdapterError as error:
        return Reaped(rental.name, "not ended", str(error))
    adopt(replace(rental, opened=Opened(id=handle.id, at=now)))
    return Reaped(rental.name, "adopted", "its run is alive and its watcher is not")


def _ended(rent: Rent, name: str, handle: Handle | None, why: str, *, dry_run: bool) -> Reaped:
    deed: Deed = "never began" if handle is None else "ended"
    if dry_run:
        return Reaped(name, deed, f"{why} (dry run)")
    try:
        end_job(rent, name, handle, how=f"reaped: {why}")
    except AdapterError as error:
        return Reaped(name, "not ended", str(error))
    return Reaped(name, deed, why)

"""Training pairs: how their files are named, which files belong together, and which pairs are drawn.

A pair is ``{id}_original.jpg``, the distorted input, and ``{id}_generated.jpg``, its corrected target.
Nothing here reads a file.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from pydantic import Field

from tasks.domain.buckets import bucket_of
from tasks.domain.errors import PhotoNameError
from tasks.domain.naming import listing_of, photo_id
from tasks.domain.schemas import QuarantinedPhoto, Record

_ORIGINAL: Final = "_original.jpg"
_TARGET: Final = "_generated.jpg"

PairGroup = Literal["all", "bucket", "dimension", "listing"]


class TrainingPair(Record):
    """A distorted original and its corrected target, both of this size."""

    id: str
    """``{property}_g{n}``; the files are ``{id}_original.jpg`` and ``{id}_generated.jpg``."""
    width: int = Field(ge=1)
    """Pixels as stored."""
    height: int = Field(ge=1)
    """Pixels as stored."""


class PairInventory(Record):
    """What lies in a folder of training pairs."""

    folder: str
    pairs: tuple[TrainingPair, ...]
    """Sorted by id."""
    quarantined: tuple[QuarantinedPhoto, ...]
    """Files that make no pair, and why."""
    ignored: tuple[str, ...]
    """Names that are no photos."""


def original_name(pair_id: str) -> str:
    """Name the file of a pair's distorted original."""
    return f"{pair_id}{_ORIGINAL}"


def target_name(pair_id: str) -> str:
    """Name the file of a pair's corrected target."""
    return f"{pair_id}{_TARGET}"


def pair_id_of(file_name: str) -> str:
    """Take the pair's id out of the name of either of its files.

    Raises:
        PhotoNameError: The name ends in neither way, or its id is none that ``naming.photo_id`` takes.
    """
    for ending in (_ORIGINAL, _TARGET):
        if file_name.endswith(ending):
            return photo_id(f"{file_name.removesuffix(ending)}.jpg")
    raise PhotoNameError(f"{file_name!r} ends in neither {_ORIGINAL!r} nor {_TARGET!r}; rename or move it")


def sampled(
    pairs: Iterable[TrainingPair], *, count: int | None, seed: int, per: PairGroup = "all"
) -> tuple[TrainingPair, ...]:
    """Draw pairs at random, the same ones from equal arguments, sorted by id.

    A pair's place in the draw is a digest of seed and id: what lies beside it moves it not, and a larger
    count holds the smaller one's pairs.

    Args:
        pairs: To draw from, in any order.
        count: How many at most; None for all.
        seed: Another seed draws others.
        per: Draw so many in all, or of each bucket, dimension or listing.
    """
    groups: defaultdict[str, list[TrainingPair]] = defaultdict(list)
    for pair in pairs:
        groups[_group_of(pair, per)].append(pair)
    drawn = [pair for group in groups.values() for pair in _in_drawn_order(group, seed)[:count]]
    return tuple(sorted(drawn, key=lambda pair: pair.id))


def draw_key(pair_id: str, seed: int) -> bytes:
    """Give a pair's place in the draw of this seed."""
    return hashlib.sha256(f"{seed}\0{pair_id}".encode()).digest()


def fair_shares(available: Mapping[str, int], *, total: int) -> dict[str, int]:
    """Divide a number of samples evenly among groups; what a small one cannot use goes to the larger ones."""
    shares: dict[str, int] = {}
    left = total
    for place, (group, count) in enumerate(sorted(available.items(), key=lambda item: (item[1], item[0]))):
        shares[group] = min(count, left // (len(available) - place))
        left -= shares[group]
    return shares


def _in_drawn_order(pairs: Iterable[TrainingPair], seed: int) -> list[TrainingPair]:
    return sorted(pairs, key=lambda pair: draw_key(pair.id, seed))


def _group_of(pair: TrainingPair, per: PairGroup) -> str:
    match per:
        case "all":
            return "all"
        case "bucket":
            return bucket_of(pair.width, pair.height)
        case "dimension":
            return f"{pair.width}x{pair.height}"
        case "listing":
            return listing_of(pair.id)

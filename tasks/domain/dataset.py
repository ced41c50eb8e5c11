"""The data set's layout: which of many files belong to it, and which are wanted of them.

    lens-correction-train-cleaned/{id}_original.jpg with {id}_generated.jpg, and test-originals/{id}.jpg

Names come from elsewhere, so a place is made of what was recognised in a name, never of the name itself.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tasks.domain.buckets import BUCKETS, Bucket, bucket_of
from tasks.domain.errors import PhotoNameError
from tasks.domain.naming import photo_id
from tasks.domain.pairs import draw_key, original_name, pair_id_of, target_name

PAIRS_FOLDER: Final = "lens-correction-train-cleaned"
PHOTOS_FOLDER: Final = "test-originals"


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file somewhere else: its name there, with ``/`` between folders, and its bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file to fetch, and its place below the data root."""

    listed: ListedFile
    place: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What is wanted of a listing.

    Attributes:
        pairs: Ids of the training pairs, sorted.
        photos: Ids of the test photos, sorted.
    """

    files: tuple[WantedFile, ...]
    pairs: tuple[str, ...]
    photos: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of all wanted files."""
        return sum(file.listed.size for file in self.files)


def place_in_layout(name: str) -> str | None:
    """Give a file's place below the data root; None for one that has none."""
    *folders, file_name = name.split("/")
    if folders[-1:] == [PHOTOS_FOLDER]:
        return f"{PHOTOS_FOLDER}/{file_name}" if _is_photo(file_name) else None
    try:
        pair_id_of(file_name)
    except PhotoNameError:
        return None
    return f"{PAIRS_FOLDER}/{file_name}"


def chosen(listing: Iterable[ListedFile], *, most_pairs: int | None, photos: bool, seed: int) -> Choice:
    """Choose test photos and whole pairs; the pairs of one seed are the same ones whatever else is listed.

    Args:
        listing: Every file there is.
        most_pairs: How many pairs at most; None for all.
        photos: Whether the test photos are wanted.
        seed: Another seed draws other pairs.
    """
    found = {place: file for file in listing if (place := place_in_layout(file.name)) is not None}
    tests = sorted(photo_id(_file_name(place)) for place in found if place.startswith(PHOTOS_FOLDER))
    halves = Counter(pair_id_of(_file_name(place)) for place in found if place.startswith(PAIRS_FOLDER))
    whole = sorted(name for name, count in halves.items() if count == 2)
    drawn = sorted(sorted(whole, key=lambda name: draw_key(name, seed))[:most_pairs])
    pairs = [f"{PAIRS_FOLDER}/{half(name)}" for name in drawn for half in (original_name, target_name)]
    wanted = tests if photos else []
    places = [*pairs, *(f"{PHOTOS_FOLDER}/{name}.jpg" for name in wanted)]
    files = tuple(WantedFile(found[place], place) for place in places)
    return Choice(files, tuple(drawn), tuple(wanted))


def archives_of(listing: Iterable[ListedFile]) -> tuple[ListedFile, ...]:
    """Give the zips of a listing, which may hold the data set."""
    return tuple(file for file in listing if file.name.lower().endswith(".zip"))


@dataclass(frozen=True, slots=True)
class DimensionRow:
    """How many photos have one size."""

    bucket: Bucket
    width: int
    height: int
    count: int


def dimension_rows(sizes: Iterable[tuple[int, int]]) -> tuple[DimensionRow, ...]:
    """Count sizes, bucket by bucket, the commonest first."""
    counts = Counter(sizes)
    rows = [DimensionRow(bucket_of(*size), *size, count) for size, count in counts.items()]
    order = {bucket: place for place, bucket in enumerate(BUCKETS)}
    return tuple(sorted(rows, key=lambda row: (order[row.bucket], -row.count, row.width, row.height)))


def bucket_counts(rows: Sequence[DimensionRow]) -> dict[Bucket, int]:
    """Count photos by bucket, the empty ones too."""
    counts: Counter[Bucket] = Counter()
    for row in rows:
        counts[row.bucket] += row.count
    return {bucket: counts[bucket] for bucket in BUCKETS}


def _file_name(place: str) -> str:
    return place.rpartition("/")[2]


def _is_photo(file_name: str) -> bool:
    try:
        photo_id(file_name)
    except PhotoNameError:
        return False
    return True

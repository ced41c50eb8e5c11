"""Finds the data set where it is mounted, or fetches as much of it from Kaggle as is asked for.

A download checks the disk before its first byte, leaves alone what is there, and goes on where it was
stopped.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gpu.coordinates import ImageSize
from gpu.jpeg.rejection import PhotoRejected
from infra.kaggle.api import KaggleApi
from infra.kaggle.competition import competition_files, file_url
from infra.kaggle.downloading import Download, fetch
from tasks.domain.dataset import (
    PAIRS_FOLDER,
    PHOTOS_FOLDER,
    Choice,
    DimensionRow,
    ListedFile,
    WantedFile,
    archives_of,
    chosen,
    dimension_rows,
)
from tasks.domain.errors import DomainError
from tasks.inventory import photo_files
from tasks.pairs import photo_size
from tasks.unpacking import listed, opened, unpack, unwrap

FALLBACK_MAX_PAIRS: Final = 3000
_DEEPEST: Final = 8  # levels; /kaggle/input/datasets/OWNER/SLUG and what was extracted there
_READERS: Final = 8
_LOOKED_AT: Final = 2000  # files of a folder that tell what it holds
_WRAPPING: Final = 1 << 16  # bytes that a zip adds to one file
_MIB: Final = 1 << 20


class DatasetMissing(DomainError):
    """The data set is not where it was looked for."""


class DiskTooSmall(DomainError):
    """The disk has no room for what is to be fetched."""


@dataclass(frozen=True, slots=True)
class MountedDataset:
    """Folders of the data set; None for one that is not there."""

    pairs: Path | None
    photos: Path | None

    @property
    def root(self) -> Path | None:
        """The folder that can be the data root: it holds both under their own names."""
        if self.pairs is None or self.photos is None or self.pairs.parent != self.photos.parent:
            return None
        named = (self.pairs.name, self.photos.name) == (PAIRS_FOLDER, PHOTOS_FOLDER)
        return self.pairs.parent if named else None


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What a download has brought into a data root."""

    root: Path
    pairs: int
    photos: int
    bytes: int


def mounted_dataset(root: Path) -> MountedDataset:
    """Look for the data set below a folder of mounts, in whatever layout and however it was extracted.

    Raises:
        DatasetMissing: Neither of its folders is there.
    """
    found = {PAIRS_FOLDER: _first(root, _holds_pairs), PHOTOS_FOLDER: _first(root, _holds_photos)}
    if not any(found.values()):
        raise DatasetMissing(
            f"no folder below {str(root)!r} holds '{{id}}_original.jpg' with '{{id}}_generated.jpg', or is"
            f" called {PHOTOS_FOLDER!r}; add the competition's data as an input, or download it"
        )
    return MountedDataset(found[PAIRS_FOLDER], found[PHOTOS_FOLDER])


def download(
    api: KaggleApi,
    competition: str,
    root: Path,
    *,
    most_pairs: int | None = FALLBACK_MAX_PAIRS,
    photos: bool = True,
    seed: int = 42,
    min_free_mb: int = 0,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Downloaded:
    """Fetch test photos and pairs of a competition into a data root.

    Args:
        api: The account; it must have accepted the competition's rules.
        competition: Its slug.
        root: Takes both folders of the layout.
        most_pairs: How many pairs at most; None for all, 36 to 40 GB.
        photos: Whether the test photos are wanted.
        seed: Another seed draws other pairs.
        min_free_mb: MiB that must be left on the disk.
        progress: Told how many files of how many are there.

    Raises:
        DatasetMissing: The competition has no such files.
        DiskTooSmall: Nothing was fetched: there is no room for it.
        RemoteError: Kaggle does not give a file; run again to go on.
    """
    listing = [ListedFile(file.name, file.size) for file in competition_files(api, competition)]
    choice = chosen(listing, most_pairs=most_pairs, photos=photos, seed=seed)
    archives = () if choice.files else archives_of(listing)
    if not choice.files and not archives:
        raise DatasetMissing(f"none of the {len(listing)} files of {competition!r} has the data set's layout")
    _require_room(
        _missing(choice, root) + sum(zipped.size for zipped in archives), root, spare_mb=min_free_mb
    )
    source = _Source(api, competition)
    _fetch_all(source, choice.files, root, progress)
    for archive in archives:
        packed = source.fetch(archive, root / ".archives", archive.name.rpartition("/")[2])
        with opened(packed) as members:
            choice = chosen(listed(members), most_pairs=most_pairs, photos=photos, seed=seed)
            _require_room(_missing(choice, root), root, spare_mb=min_free_mb)
            unpack(members, choice.files, root, progress)
        packed.unlink()
    return Downloaded(root, len(choice.pairs), len(choice.photos), choice.size)


@dataclass(frozen=True, slots=True)
class _Source:
    """A competition's files."""

    api: KaggleApi
    competition: str

    def fetch(self, file: ListedFile, root: Path, place: str) -> Path:
        """Fetch one file; Kaggle may wrap it in a zip of its own."""
        target = root / place
        if target.is_file() and target.stat().st_size == file.size:
            return target
        return self.api.patience.repeat_read(lambda: self._fetch_once(file, root, place))

    def _fetch_once(self, file: ListedFile, root: Path, place: str) -> Path:
        url = file_url(self.api, self.competition, file.name)
        address = self.api.access.address
        if not urlsplit(url).path.endswith(".zip") or place.endswith(".zip"):
            return fetch(Download(place, url, file.size, file.size), root, api=address)
        most = file.size + _WRAPPING
        wrapped = fetch(Download(f"{place}.zip", url, None, most), root, api=address)
        unwrap(wrapped, root / place, size=file.size)
        wrapped.unlink()
        return root / place


def _fetch_all(
    source: _Source, files: Sequence[WantedFile], root: Path, progress: Callable[[int, int], None]
) -> None:
    """Fetch several at a time; the first failure ends it, what is there by then stays."""
    with ThreadPoolExecutor(_READERS) as readers:
        waiting = [readers.submit(source.fetch, file.listed, root, file.place) for file in files]
        try:
            for done, one in enumerate(as_completed(waiting), start=1):
                one.result()
                progress(done, len(files))
        finally:
            readers.shutdown(cancel_futures=True)


def dimensions(folder: Path) -> tuple[tuple[DimensionRow, ...], int]:
    """Count the photos of a folder by size, and those that cannot be read; of pairs, each original counts.

    Raises:
        PhotoFolderUnusable: No such folder, or no permission.
    """
    files, _ = photo_files(folder)
    photos = [file for file in files if not file.name.endswith("_generated.jpg")]
    with ThreadPoolExecutor(_READERS) as readers:
        sizes = list(readers.map(_size, photos))
    found = [(size.width, size.height) for size in sizes if size is not None]
    return dimension_rows(found), len(sizes) - len(found)


def _size(path: Path) -> ImageSize | None:
    try:
        return photo_size(path)
    except (PhotoRejected, OSError):
        return None


def _missing(choice: Choice, root: Path) -> int:
    """Bytes of what is not there yet."""
    return sum(file.listed.size for file in choice.files if not (root / file.place).is_file())


def _require_room(needed: int, root: Path, *, spare_mb: int) -> None:
    """Check the disk before anything is fetched."""
    existing = next(parent for parent in (root.absolute(), *root.absolute().parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if free < needed + spare_mb * _MIB:
        raise DiskTooSmall(
            f"{needed // _MIB} MiB are to be fetched and {spare_mb} MiB must be left, but"
            f" {free // _MIB} MiB are free at {str(existing)!r}; name fewer pairs or another folder"
        )


def _first(root: Path, holds: Callable[[Path], bool]) -> Path | None:
    """The folder nearest to the root that holds what is looked for; photo folders are not gone into."""
    level = [root]
    for _ in range(_DEEPEST):
        for folder in level:
            if holds(folder):
                return folder
        level = [inner for folder in level for inner in _folders(folder)]
    return None


def _holds_pairs(folder: Path) -> bool:
    return any(name.endswith("_original.jpg") for name in islice(_file_names(folder), _LOOKED_AT))


def _holds_photos(folder: Path) -> bool:
    return folder.name == PHOTOS_FOLDER and any(
        name.endswith(".jpg") for name in islice(_file_names(folder), _LOOKED_AT)
    )


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry) for entry in entries if entry.is_dir())
    except OSError:
        return []


def _file_names(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry.name for entry in entries if entry.is_file())
    except OSError:
        return

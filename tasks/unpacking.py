"""Takes wanted files out of a zip that came from elsewhere.

No member's name becomes a path: a place is given by whoever asks. A member that is encrypted, longer than it
says or damaged is refused, and a file appears under its own name only when it is whole.
"""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tasks.domain.dataset import ListedFile, WantedFile
from tasks.domain.errors import DomainError

_LARGEST_MEMBER: Final = 200 << 20  # bytes; a photo has less than 20 MB
_CHUNK: Final = 1 << 20
_DAMAGES = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError)


class ArchiveUnusable(DomainError):
    """A zip, or a member of it, cannot be used."""


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip.

    Raises:
        ArchiveUnusable: It is none.
    """
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGES as error:
        raise ArchiveUnusable(
            f"{str(path)!r} is no usable zip: {error}; remove it and fetch it again"
        ) from error
    with archive:
        yield archive


def listed(archive: zipfile.ZipFile) -> list[ListedFile]:
    """List the files of a zip."""
    return [
        ListedFile(member.filename, member.file_size) for member in archive.infolist() if not member.is_dir()
    ]


def unpack(
    archive: zipfile.ZipFile,
    files: Sequence[WantedFile],
    root: Path,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> None:
    """Take files out of a zip into their places below ``root``; those that are there are left alone.

    Raises:
        ArchiveUnusable: One of them cannot be taken out.
    """
    for done, file in enumerate(files, start=1):
        place = root / file.place
        if not (place.is_file() and place.stat().st_size == file.listed.size):
            _extract(archive, file.listed.name, place)
        progress(done, len(files))


def unwrap(path: Path, place: Path, *, size: int) -> None:
    """Take the one file out of a zip that wraps it.

    Raises:
        ArchiveUnusable: The zip does not hold exactly one file of this size.
    """
    with opened(path) as archive:
        files = listed(archive)
        if [file.size for file in files] != [size]:
            raise ArchiveUnusable(
                f"{str(path)!r} must hold one file of {size} bytes, found {len(files)} files"
            )
        _extract(archive, files[0].name, place)


def _extract(archive: zipfile.ZipFile, name: str, place: Path) -> None:
    part = place.with_name(f"{place.name}.part")
    try:
        member = archive.getinfo(name)
        if member.file_size > _LARGEST_MEMBER:
            raise ArchiveUnusable(
                f"{name!r} has {member.file_size} bytes; {_LARGEST_MEMBER} at most are taken"
            )
        part.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as packed, part.open("wb") as file:
            while chunk := packed.read(_CHUNK):
                file.write(chunk)
    except _DAMAGES as error:
        part.unlink(missing_ok=True)
        raise ArchiveUnusable(f"{name!r} cannot be taken out of its zip: {error}") from error
    part.replace(place)

"""Takes stock of a photo folder: which files are photos, their sizes and digests, which are not usable.

It walks headers only; whether a photo decodes is found out in a render process.
"""

import hashlib
import os
import re
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gpu.jpeg.header import DEFAULT_LIMITS, PhotoLimits, read_header
from gpu.jpeg.rejection import PhotoRejected
from tasks.domain.errors import DomainError, PhotoNameError
from tasks.domain.naming import duplicate_ids, photo_id
from tasks.domain.schemas import Inventory, PhotoRef, QuarantinedPhoto
from tasks.failures import step

_READERS = 8
_NAME_LENGTH = 200
_PHOTO_SUFFIX = re.compile(r"\.(jpe?g|jpe|jfif|png|tiff?|webp|hei[cf]|bmp|gif|dng)", re.IGNORECASE)


class PhotoFolderUnusable(DomainError):
    """There is nothing to render: the folder is missing, unreadable or holds no photo."""


@step("take inventory")
def take_inventory(folder: str) -> Inventory:
    """Measure every photo in the folder (see ``inventory_of``)."""
    return inventory_of(Path(folder))


def inventory_of(folder: Path, limits: PhotoLimits = DEFAULT_LIMITS) -> Inventory:
    """Measure every photo in the folder, quarantining what cannot be rendered.

    Raises:
        PhotoFolderUnusable: No such folder, no permission, or not one usable photo in it.
    """
    candidates, ignored = photo_files(folder)
    twice = duplicate_ids(path.name for path in candidates)
    with ThreadPoolExecutor(_READERS) as readers:
        measured = list(readers.map(lambda path: _measure(path, twice, limits), candidates))
    photos = tuple(found for found in measured if isinstance(found, PhotoRef))
    quarantined = tuple(found for found in measured if isinstance(found, QuarantinedPhoto))
    if not photos:
        raise PhotoFolderUnusable(_nothing_usable(folder, quarantined))
    return Inventory(folder=str(folder), photos=photos, quarantined=quarantined, ignored=ignored)


def photo_files(folder: Path) -> tuple[list[Path], tuple[str, ...]]:
    """List a folder's photos, sorted, and the names of everything else in it.

    Raises:
        PhotoFolderUnusable: No such folder, or no permission.
    """
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError as error:
        raise PhotoFolderUnusable(
            f"photo folder {str(folder)!r} does not exist; name an existing one"
        ) from error
    except NotADirectoryError as error:
        raise PhotoFolderUnusable(
            f"{str(folder)!r} is a file; name the folder that holds the photos"
        ) from error
    except PermissionError as error:
        raise PhotoFolderUnusable(f"photo folder {str(folder)!r} may not be read by this user") from error
    candidates = [entry for entry in entries if _looks_like_photo(entry)]
    kept = set(candidates)
    return candidates, tuple(shown(entry.name) for entry in entries if entry not in kept)


def shown(name: str) -> str:
    """Write a file name as text that is safe in JSON, logs and tables, however it is encoded on disk."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in text)[:_NAME_LENGTH]


def _looks_like_photo(entry: Path) -> bool:
    named_so = _PHOTO_SUFFIX.fullmatch(entry.suffix) and not entry.name.startswith(".")
    return bool(named_so) and (entry.is_file() or entry.is_symlink())  # a broken link is a lost photo


def _measure(path: Path, twice: Collection[str], limits: PhotoLimits) -> PhotoRef | QuarantinedPhoto:
    def quarantined(code: str, reason: str) -> QuarantinedPhoto:
        return QuarantinedPhoto(file_name=shown(path.name), code=code, reason=reason)

    try:
        name = photo_id(path.name)
        if name.casefold() in twice:
            return quarantined("duplicate_id", f"another file has id {name!r} too, but for case; rename one")
        if path.stat().st_size > limits.max_bytes:
            return quarantined(
                "too_large", f"{path.stat().st_size} bytes; at most {limits.max_bytes} are read"
            )
        data = path.read_bytes()
        header = read_header(data, limits)
    except PhotoNameError as error:
        return quarantined("bad_name", str(error))
    except PhotoRejected as error:
        return quarantined(error.code, str(error))
    except OSError as error:
        return quarantined("unreadable", f"the file cannot be read: {error.strerror or error}")
    return PhotoRef(
        id=name,
        width=header.width,
        height=header.height,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _nothing_usable(folder: Path, quarantined: tuple[QuarantinedPhoto, ...]) -> str:
    if not quarantined:
        return f"photo folder {str(folder)!r} holds no photo; put '{{id}}.jpg' files there"
    first = quarantined[0]
    return (
        f"none of the {len(quarantined)} photos in {str(folder)!r} can be rendered; "
        f"the first is {first.file_name!r}: {first.reason}"
    )

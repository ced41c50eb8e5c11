"""See the files of a folder as objects: their keys, their order, their versions. It changes nothing."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from infra.store.interface import StoredObject
from infra.store.keys import key_fault


def describe_file(key: str, found: os.stat_result) -> StoredObject:
    """Describe the file of an object.

    The version is the identity of the file, not of its content: every write makes a new file, which exists
    beside the one it replaces, with a time of its own to the nanosecond. So a pointer that moved away and
    back shows another version.
    """
    version = f"{found.st_mtime_ns:x}-{found.st_ino:x}-{found.st_size:x}"
    return StoredObject(key=key, size=found.st_size, version=version)


def object_at(path: Path, *, key: str) -> StoredObject | None:
    """Describe the file at ``path``, None if there is none or it is no regular file."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return describe_file(key, found) if stat.S_ISREG(found.st_mode) else None


def objects_below(folder: Path, *, prefix: str, stem: str = "") -> Iterator[StoredObject]:
    """Yield the objects whose keys begin with ``prefix``, in the order of their keys' UTF-8 bytes.

    Args:
        folder: Where to look; one that is missing is empty.
        prefix: Beginning of the wanted keys; folders that cannot hold any are not entered.
        stem: Beginning of all keys in ``folder``, empty or ending in ``/``.
    """
    for key, entry in _entries(folder, stem=stem):
        if not key.endswith("/"):
            if key.startswith(prefix) and (found := object_at(Path(entry.path), key=key)) is not None:
                yield found
        elif key.startswith(prefix) or prefix.startswith(key):
            yield from objects_below(Path(entry.path), prefix=prefix, stem=key)


def _entries(folder: Path, *, stem: str) -> list[tuple[str, os.DirEntry[str]]]:
    """Return files under their keys, and folders under their keys and a slash.

    With the slash a folder sorts where the keys below it do: ``a-b`` comes before ``a/b``, ``a0`` after it.
    """
    found: list[tuple[str, os.DirEntry[str]]] = []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            key = f"{stem}{entry.name}"
            if key_fault(key) is None and not entry.is_symlink():
                found.append((f"{key}/" if entry.is_dir() else key, entry))
    return sorted(found, key=lambda pair: pair[0].encode())

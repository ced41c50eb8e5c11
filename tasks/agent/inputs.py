"""Finds each original: in a mounted data set, by name and digest, or else in the store."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from tasks.agent import store
from tasks.agent.errors import NothingThere, ObjectTooLong
from tasks.domain.schemas import PhotoRef
from tasks.originals import OriginalChanged

_TRIES: Final = 2


def mounted_photos(root: Path, names: Iterable[str]) -> Mapping[str, tuple[Path, ...]]:
    """Find files of these names anywhere below the root.

    Kaggle mounts a data set as ``<root>/<slug>`` or as ``<root>/datasets/<owner>/<slug>``, and archives are
    unpacked there in folders of their own.
    """
    wanted = frozenset(names)
    found: dict[str, tuple[Path, ...]] = {}
    for folder, _, files in os.walk(root):
        for name in wanted.intersection(files):
            found[name] = (*found.get(name, ()), Path(folder, name))
    return found


def read_input(photo: PhotoRef, url: str, mounted: Mapping[str, tuple[Path, ...]]) -> bytes:
    """Read an original.

    Raises:
        OriginalChanged: Neither a mounted file nor the store has the bytes that the run was planned with.
        StoreRefused: The URL is not, or no longer, good.
        StoreUnreachable: The store does not answer.
    """
    for path in mounted.get(f"{photo.id}.jpg", ()):
        if (original := _of_this_digest(_read_file(path), photo)) is not None:
            return original
    for _ in range(_TRIES):
        try:
            body = store.read(url, what=f"input {photo.id!r}", max_bytes=photo.size)
        except (NothingThere, ObjectTooLong) as error:
            raise OriginalChanged(f"{error}; run again") from error
        if (original := _of_this_digest(body, photo)) is not None:
            return original
    raise OriginalChanged(f"the store has other bytes as input {photo.id!r} than the run was planned with")


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _of_this_digest(body: bytes, photo: PhotoRef) -> bytes | None:
    return body if hashlib.sha256(body).hexdigest() == photo.sha256 else None

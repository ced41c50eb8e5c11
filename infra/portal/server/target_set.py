"""Hold the photos that the portal scores against: ``originals/{id}.jpg`` and ``targets/{id}.jpg``.

All are hashed once, at the start; the digest of the set is part of the judge's identity. It decodes nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.errors import TargetSetUnusable


@dataclass(frozen=True, slots=True)
class TargetPhoto:
    """One photo to be scored against."""

    original: Path
    original_sha256: str
    target: Path
    target_sha256: str


@dataclass(frozen=True)
class TargetSet:
    """All photos by id, and what they are together."""

    photos: Mapping[str, TargetPhoto]
    digest: str
    """SHA-256 in hex over id and both digests of each photo, in the order of the ids."""


def read_target_set(folder: Path) -> TargetSet:
    """Find and hash the photos.

    Raises:
        TargetSetUnusable: A folder is missing or empty, or a photo lacks its counterpart.
    """
    originals, targets = (_ids(folder / name) for name in ("originals", "targets"))
    if unpaired := sorted(originals ^ targets):
        raise TargetSetUnusable(
            f"{len(unpaired)} photos of {str(folder)!r} are in only one of originals/ and targets/: "
            f"{', '.join(map(repr, unpaired[:5]))}; each needs both"
        )
    photos = {photo_id: _photo(folder, photo_id) for photo_id in sorted(targets)}
    lines = (f"{name}\0{photo.original_sha256}\0{photo.target_sha256}\n" for name, photo in photos.items())
    return TargetSet(photos, hashlib.sha256("".join(lines).encode()).hexdigest())


def read_unchanged(path: Path, *, sha256: str) -> bytes:
    """Return the file's bytes.

    Raises:
        TargetSetUnusable: It is gone or not the one that was hashed at the start.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TargetSetUnusable(f"{str(path)!r} cannot be read any more: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise TargetSetUnusable(f"{str(path)!r} has changed since the portal started; restart the portal")
    return content


def _ids(folder: Path) -> set[str]:
    if not folder.is_dir() or not (ids := {path.stem for path in folder.glob("*.jpg")}):
        raise TargetSetUnusable(f"{str(folder)!r} holds no photos; it needs one .jpg for each id")
    return ids


def _photo(folder: Path, photo_id: str) -> TargetPhoto:
    original, target = (folder / name / f"{photo_id}.jpg" for name in ("originals", "targets"))
    return TargetPhoto(original, _sha256(original), target, _sha256(target))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

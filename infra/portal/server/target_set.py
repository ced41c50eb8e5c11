"""Hold the photos that the portal scores against: ``{id}.jpg`` in a folder of originals and one of targets.

All are hashed once, at the start; the digest of the set is part of the judge's identity. It decodes nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.errors import TargetSetUnusable

LAYOUTS = (("originals", "targets"), ("test-originals", "test-targets"))
"""Names of the two folders; the second pair is that of the data root."""


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
        TargetSetUnusable: A folder is missing or empty, a photo lacks its counterpart, or both layouts are
            there.
    """
    originals, targets = _layout(folder)
    if unpaired := sorted(_ids(originals) ^ _ids(targets)):
        raise TargetSetUnusable(
            f"{len(unpaired)} photos of {str(folder)!r} are in only one of {originals.name}/ and "
            f"{targets.name}/: {', '.join(map(repr, unpaired[:5]))}; each needs both"
        )
    photos = {photo_id: _photo(originals, targets, photo_id) for photo_id in sorted(_ids(targets))}
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


def _layout(folder: Path) -> tuple[Path, Path]:
    found = [(folder / a, folder / b) for a, b in LAYOUTS if (folder / a).is_dir() and (folder / b).is_dir()]
    if len(found) != 1:
        pairs = " or ".join(f"{originals}/ and {targets}/" for originals, targets in LAYOUTS)
        raise TargetSetUnusable(
            f"{str(folder)!r} must hold {pairs}, and not both pairs; it holds {len(found)} of them"
        )
    return found[0]


def _ids(folder: Path) -> set[str]:
    if not (ids := {path.stem for path in folder.glob("*.jpg")}):
        raise TargetSetUnusable(f"{str(folder)!r} holds no photos; it needs one .jpg for each id")
    return ids


def _photo(originals: Path, targets: Path, photo_id: str) -> TargetPhoto:
    original, target = (folder / f"{photo_id}.jpg" for folder in (originals, targets))
    return TargetPhoto(original, _sha256(original), target, _sha256(target))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

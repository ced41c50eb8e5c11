"""Reads originals as the run was planned with them, or says that they are no longer there."""

import hashlib
from pathlib import Path

from tasks.domain.errors import DomainError
from tasks.domain.schemas import PhotoRef


class OriginalChanged(DomainError):
    """The file is not, or is no longer, the one that the run was planned with."""

    code = "changed"


def read_original(folder: Path, photo: PhotoRef) -> bytes:
    """Read a photo and compare its digest with the plan's.

    Raises:
        OriginalChanged: The file cannot be read, or holds other bytes.
    """
    try:
        original = (folder / f"{photo.id}.jpg").read_bytes()
    except OSError as error:
        raise OriginalChanged(
            f"the file was there when the run was planned and cannot be read now: {error.strerror}"
        ) from error
    if hashlib.sha256(original).hexdigest() != photo.sha256:
        raise OriginalChanged("the file is not the one that the run was planned with; run again")
    return original

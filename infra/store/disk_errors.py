"""Translate the operating system's refusals into sentences of the error tree."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.errors import StoreDenied, StoreError, StoreFull, StoreNotConforming, StoreUnavailable

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_LATER = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EBUSY, errno.ESTALE}
_UNSUPPORTED = {errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK}


@contextmanager
def in_sentences(action: str, *, folder: Path) -> Iterator[None]:
    """Raise the ``StoreError`` that an ``OSError`` of the block amounts to.

    Args:
        action: What was being done, as in ``write 'a/b.zip'``.
        folder: The store's folder, which the user can free, mount or grant.
    """
    try:
        yield
    except OSError as error:
        raise _translated(error, action=action, folder=folder) from error


def _translated(error: OSError, *, action: str, folder: Path) -> StoreError:
    # The system's words without the path: it may be a temporary name that means nothing to the reader.
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    if error.errno in _FULL:
        return StoreFull(
            f"no space or quota is left in {folder} to {action} ({reason}); free some and run again"
        )
    if error.errno in _DENIED:
        return StoreDenied(
            f"{folder} does not let this user {action} ({reason}); make it writable or name another folder"
        )
    if error.errno in _UNSUPPORTED:
        return StoreNotConforming(
            f"the file system of {folder} cannot {action} safely ({reason}): it lacks hard links or locks; "
            "name a folder on a local disk"
        )
    if error.errno in _LATER or isinstance(error, TimeoutError):
        return StoreUnavailable(f"{folder} could not {action} now ({reason})")
    return StoreError(f"{folder} could not {action} ({reason})")

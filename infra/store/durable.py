"""Make files appear whole, once and for good on a POSIX file system.

The order of system calls is the point of this module: contents reach the disk before the name does (fsync,
then link or rename), and the name before success is reported (fsync of the folder). It knows nothing of keys
or objects and lets ``OSError`` pass.
"""

import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LOCK_POLL_S = 0.005
_MKDIR_TRIES = 100  # another process may remove an empty folder as fast as this one makes it


def open_temporary(folder: Path) -> tuple[Path, int]:
    """Open a new file in ``folder`` for writing; the caller closes the descriptor and removes the name."""
    make_folders(folder)
    path = folder / f"{os.getpid()}-{uuid.uuid4().hex}"
    # 0o666: the umask decides, as for any file that a program makes for its user.
    return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)


def write_all(descriptor: int, chunk: bytes) -> None:
    """Write the whole of ``chunk``, in as many calls as the kernel wants."""
    remaining = memoryview(chunk)
    while remaining:
        remaining = remaining[os.write(descriptor, remaining) :]


def seal(descriptor: int) -> None:
    """Flush a file to the disk, with a modification time that tells it from one written just before.

    The kernel's own stamp moves in ticks of some milliseconds, in which two swaps may happen.
    """
    now = time.time_ns()
    os.utime(descriptor, ns=(now, now))
    os.fsync(descriptor)


def link_new(source: Path, target: Path) -> None:
    """Give ``source`` the second name ``target`` durably; folders are made as needed.

    Raises:
        FileExistsError: ``target``, or a file where it needs a folder, is there; it is never overwritten,
            whoever else tries at the same moment.
    """
    for attempt in range(_MKDIR_TRIES):
        try:
            make_folders(target.parent)
            os.link(source, target)
        except FileNotFoundError:
            if attempt == _MKDIR_TRIES - 1 or not source.exists():
                raise
        else:
            break
    sync_folder(target.parent)


def replace(source: Path, target: Path) -> None:
    """Rename ``source`` over ``target`` durably; readers see the old file or the new one."""
    source.rename(target)
    sync_folder(target.parent)


def remove(path: Path, *, top: Path) -> None:
    """Remove a file durably, and the folders that it leaves empty below ``top``."""
    path.unlink()
    sync_folder(path.parent)
    for folder in path.parents:
        if folder == top:
            return
        try:
            folder.rmdir()
        except OSError:  # not empty, or gone already
            return


def make_folders(folder: Path) -> None:
    """Make ``folder`` and its parents; the name of each new one is on the disk when this returns."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_folders(folder.parent)
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():
            raise
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Flush the names in ``folder`` to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, *, patience_s: float) -> Iterator[None]:
    """Hold the lock file at ``path`` alone among all threads and processes of this machine.

    The kernel drops the lock with its holder, so a kill leaves nothing to clean up. The file stays for good:
    a lock file that is removed lets two holders in.

    Raises:
        TimeoutError: Another holder kept it for longer than ``patience_s`` seconds.
    """
    make_folders(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _wait_for_lock(descriptor, patience_s=patience_s)
        try:
            yield
        finally:
            # Explicitly, for a forked child may hold the same open file. Should it fail, closing does it.
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        with suppress(OSError):  # nothing was written; what the block did stays done
            os.close(descriptor)


def _wait_for_lock(descriptor: int, *, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        if time.monotonic() >= deadline:
            raise TimeoutError
        time.sleep(_LOCK_POLL_S)


def sweep(folder: Path, *, older_than_s: float) -> int:
    """Remove our own files in ``folder`` that nobody has written to for a while; return how many."""
    swept = 0
    oldest = time.time() - older_than_s
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        for entry in list(os.scandir(folder)):
            # FileNotFoundError: its writer, or another sweep, was faster.
            with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                found = entry.stat(follow_symlinks=False)
                if found.st_mtime < oldest and found.st_uid == os.getuid():
                    Path(entry.path).unlink()
                    swept += 1
    return swept

"""A folder in memory where there is such a file system: thousands of fsyncs take minutes on a disk.

A program that is killed there is killed as well; only a power cut would be another matter.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

_MEMORY = Path("/dev/shm")  # noqa: S108  (Linux's own name for it)


@contextmanager
def quick_folder() -> Iterator[Path]:
    """Make a folder for the length of a block."""
    with TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None, prefix="calibguard_") as folder:
        yield Path(folder)

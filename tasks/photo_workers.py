"""Render processes: a photo that crashes, hangs or eats memory costs itself and nothing else.

Each process takes a photo's bytes and gives encoded bytes back, so no pixels cross. It is a fresh interpreter
that loads ``gpu.render`` and never Prefect.
"""

import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import TimeoutError as PhotoTimeout
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ModuleSpec

from pebble import ProcessExpired, ProcessPool

from gpu.render import EncodedPhoto, RenderJob, limit_process, render_photo
from tasks.domain.errors import DomainError

# Not forked: the parent has threads. Not from a fork server: the path of its socket may be 107 bytes at most.
_SPAWN = multiprocessing.get_context("spawn")
_LOOK_S = 0.5  # pause between two looks at whether the pool still runs
_TRIES = 2  # a photo that took a process down gets one more, on a fresh process


class PhotoLost(DomainError):
    """A photo took its render process down, twice; the message says how."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class WorkersStopped(DomainError):
    """The run is ending while a photo is being rendered; the photo says nothing about itself."""

    def __init__(self) -> None:
        super().__init__("the render processes were stopped before this photo was done; run again")


@dataclass(frozen=True)
class PhotoWorkers:
    """A running pool of render processes; made by ``open_photo_workers``."""

    pool: ProcessPool
    processes: int
    timeout_s: float
    memory_mb: int | None
    """Address space of one process in MiB; None for no limit."""

    def render(self, job: RenderJob) -> EncodedPhoto:
        """Render one photo in a process of its own; safe to call from many threads.

        Raises:
            PhotoRejected: The photo is damaged or of a kind that is not accepted.
            PhotoLost: The process crashed, ran too long or ran out of memory, at every try.
            WorkersStopped: The block of ``open_photo_workers`` was left meanwhile.
        """
        for attempt in range(1, _TRIES + 1):
            try:
                return self._render_once(job)
            except PhotoLost:
                if attempt == _TRIES:
                    raise
        raise AssertionError("unreachable")

    def _render_once(self, job: RenderJob) -> EncodedPhoto:
        if not self.pool.active:
            raise WorkersStopped
        future = self.pool.schedule(render_photo, args=[job], timeout=self.timeout_s)
        # A pool that is stopped never tells those who wait, and a run that was cancelled would hang.
        while not wait([future], timeout=_LOOK_S).done and self.pool.active:
            pass
        if not future.done():
            raise WorkersStopped
        try:
            encoded: EncodedPhoto = future.result()
        except PhotoTimeout as error:
            raise PhotoLost(
                "timed_out",
                f"rendering took longer than {self.timeout_s:g} s; raise CALIBGUARD_PHOTO_TIMEOUT_S",
            ) from error
        except ProcessExpired as error:
            raise PhotoLost(
                "crashed", f"the render process died with exit code {error.exitcode}; the file may be hostile"
            ) from error
        except MemoryError as error:
            raise PhotoLost(
                "out_of_memory",
                f"rendering needs more than {self.memory_mb} MB; raise CALIBGUARD_PHOTO_MEMORY_MB",
            ) from error
        return encoded


@contextmanager
def open_photo_workers(*, processes: int, timeout_s: float, memory_mb: int | None) -> Iterator[PhotoWorkers]:
    """Start the render processes, and end them when the block is left."""
    _keep_main_module_out_of_children()
    pool = ProcessPool(
        max_workers=processes, initializer=limit_process, initargs=(memory_mb,), context=_SPAWN
    )
    try:
        yield PhotoWorkers(pool=pool, processes=processes, timeout_s=timeout_s, memory_mb=memory_mb)
    finally:
        pool.stop()  # type: ignore[no-untyped-call]  # the library annotates all but this
        pool.join()


def _keep_main_module_out_of_children() -> None:
    """Stop multiprocessing from importing this program's main module in every render process.

    In a flow run that module is Prefect's engine: over a second and 100 MB for each process. Main modules
    whose name ends in ``__main__`` are left alone, so that is the name it gets.
    """
    main = sys.modules["__main__"]
    main.__spec__ = ModuleSpec("calibguard.__main__", loader=None)

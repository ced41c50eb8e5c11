"""Render processes: a photo that crashes, hangs or eats memory costs itself and nothing else.

Each process takes a photo's bytes and gives encoded bytes or a few numbers back, so no pixels cross. It is a
fresh interpreter that loads a module of ``gpu`` and never Prefect. Processes that die between photos are
replaced.
"""

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, wait
from concurrent.futures import TimeoutError as PhotoTimeout
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from threading import Lock
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from gpu.errors import BackendUnavailableError
from gpu.jpeg.rejection import PhotoRejected
from gpu.render import EncodedPhoto, RenderJob, limit_process, render_photo
from tasks.domain.errors import DomainError

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")
Prepare = Callable[[int | None], None]

# Not forked: the parent has threads. Not from a fork server: the path of its socket may be 107 bytes at most.
_SPAWN = multiprocessing.get_context("spawn")
_LOOK_S = 0.5  # pause between two looks at whether the pool still runs
_START_S = 120.0  # for a new process to import its libraries on a busy machine
_TRIES = 2  # a photo that took a process down gets one more, on a fresh process
_POOLS = 3  # pools that may break under one photo before it is given up


class PhotoLost(DomainError):
    """A photo could not be rendered for a reason that may pass; ``code`` is the reason in a word."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class WorkersStopped(DomainError):
    """The run is ending while a photo is being rendered; the photo says nothing about itself."""

    def __init__(self) -> None:
        super().__init__("the render processes were stopped before this photo was done; run again")


class _PoolBroken(Exception):
    """The pool ended or answers no more; the photo is not to blame."""


class PhotoWorkers:
    """Render processes that any number of threads may use; made by ``open_photo_workers``.

    Attributes:
        processes: How many photos are rendered at once.
    """

    def __init__(
        self, *, processes: int, timeout_s: float, memory_mb: int | None, prepare: Prepare = limit_process
    ) -> None:
        self.processes = processes
        self._timeout_s = timeout_s
        self._memory_mb = memory_mb
        self._prepare = prepare
        self._lock = Lock()
        self._waiting = 0
        self._closed = False
        self._pool = self._new_pool()

    def render(self, job: RenderJob) -> EncodedPhoto:
        """Render one photo in a process of its own; see ``run``."""
        return self.run(render_photo, job)

    def run(self, work: Callable[[Job], Outcome], job: Job) -> Outcome:
        """Do a photo's work in a process of its own; safe to call from many threads.

        Args:
            work: Function of a module that needs no Prefect.
            job: The photo's bytes and what to do with them.

        Raises:
            PhotoRejected: The photo is damaged or of a kind that is not accepted.
            PhotoLost: It crashed its process, took too long, ran out of memory or failed, at every try.
            BackendUnavailableError: The back end cannot run here.
            WorkersStopped: The block of ``open_photo_workers`` was left meanwhile.
        """
        for attempt in range(1, _TRIES + 1):
            try:
                return self._run_in_some_pool(work, job)
            except PhotoLost:
                if attempt == _TRIES:
                    raise
        raise AssertionError("unreachable")

    def close(self) -> None:
        """End the processes; photos under way raise ``WorkersStopped``."""
        with self._lock:
            self._closed = True
            _end(self._pool)

    def _run_in_some_pool(self, work: Callable[[Job], Outcome], job: Job) -> Outcome:
        for _ in range(_POOLS):
            try:
                return self._run_once(work, job)
            except _PoolBroken:
                continue
        raise PhotoLost("crashed", f"the render processes ended {_POOLS} times under it; run again")

    def _run_once(self, work: Callable[[Job], Outcome], job: Job) -> Outcome:
        pool, future = self._schedule(work, job)
        try:
            self._wait_for(future, pool)
            return future.result()
        except (PhotoRejected, BackendUnavailableError, WorkersStopped, _PoolBroken):
            raise
        except (BrokenProcessPool, CancelledError) as error:
            if self._closed:
                raise WorkersStopped from error
            raise _PoolBroken from error
        except Exception as error:  # whatever a photo did to its process: this is the edge of that process
            raise self._lost(error) from error
        finally:
            with self._lock:
                self._waiting -= 1

    def _schedule(self, work: Callable[[Job], Outcome], job: Job) -> tuple[ProcessPool, "Future[Outcome]"]:
        with self._lock:
            if self._closed:
                raise WorkersStopped
            if not self._pool.active:
                _end(self._pool)
                self._pool = self._new_pool()
            self._waiting += 1
            return self._pool, self._pool.schedule(work, args=[job], timeout=self._timeout_s)

    def _wait_for(self, future: "Future[Any]", pool: ProcessPool) -> None:
        """Wait until the photo is done; a pool that was stopped or stuck never tells those who wait."""
        deadline = time.monotonic() + _START_S + self._timeout_s * (self._waiting + 1)
        while not wait([future], timeout=_LOOK_S).done:
            if self._closed:
                raise WorkersStopped
            if time.monotonic() > deadline:
                pool.stop()  # type: ignore[no-untyped-call]  # the library annotates all but this
            if not pool.active and not wait([future], timeout=_LOOK_S).done:
                raise _PoolBroken

    def _lost(self, error: Exception) -> PhotoLost:
        match error:
            case PhotoTimeout():
                sentence = f"took longer than {self._timeout_s:g} s; raise CALIBGUARD_PHOTO_TIMEOUT_S"
                return PhotoLost("timed_out", f"the photo {sentence}")
            case ProcessExpired():
                sentence = f"died with exit code {error.exitcode}; the file may be hostile"
                return PhotoLost("crashed", f"the render process {sentence}")
            case MemoryError():
                limit = "there is" if self._memory_mb is None else f"{self._memory_mb} MB"
                sentence = f"needs more memory than {limit}; raise CALIBGUARD_PHOTO_MEMORY_MB"
                return PhotoLost("out_of_memory", f"the photo {sentence}")
            case _:
                return PhotoLost("render_failed", f"the photo failed with {type(error).__name__}: {error}")

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self.processes,
            initializer=self._prepare,
            initargs=(self._memory_mb,),
            context=_SPAWN,
        )


@contextmanager
def open_photo_workers(
    *, processes: int, timeout_s: float, memory_mb: int | None, prepare: Prepare = limit_process
) -> Iterator[PhotoWorkers]:
    """Start the render processes, and end them when the block is left.

    Args:
        processes: How many.
        timeout_s: Seconds that one photo may take.
        memory_mb: Address space of one process in MiB; None for no limit.
        prepare: What a new process does first, given ``memory_mb``.
    """
    _keep_main_module_out_of_children()
    workers = PhotoWorkers(processes=processes, timeout_s=timeout_s, memory_mb=memory_mb, prepare=prepare)
    try:
        yield workers
    finally:
        workers.close()


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]  # the library annotates all but this
    pool.join()


def _keep_main_module_out_of_children() -> None:
    """Stop multiprocessing from importing this program's main module in every render process.

    In a flow run that module is Prefect's engine: over a second and 100 MB for each process. Main modules
    whose name ends in ``__main__`` are left alone, so that is the name it gets.
    """
    main = sys.modules["__main__"]
    main.__spec__ = ModuleSpec("calibguard.__main__", loader=None)

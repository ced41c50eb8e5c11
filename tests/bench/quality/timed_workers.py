"""Worker processes that add up the CPU time of their jobs, whoever hands them in and however it is pooled."""

import time
from collections.abc import Callable
from threading import Lock
from typing import TypeVar

from tasks.photo_workers import PhotoWorkers

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")


class TimedWorkers(PhotoWorkers):
    """Somebody else's workers, with a meter.

    Attributes:
        seconds: CPU time of all jobs done so far.
    """

    def __init__(self, workers: PhotoWorkers) -> None:
        self.processes = workers.processes
        self.seconds = 0.0
        self._workers = workers
        self._adding = Lock()

    def run(self, work: Callable[[Job], Outcome], job: Job) -> Outcome:
        """Do a job as the workers do, and count it."""
        outcome, seconds = self._workers.run(_metered, (work, job))
        with self._adding:
            self.seconds += seconds
        return outcome

    def close(self) -> None:
        """Leave them running: they are somebody else's."""


def _metered(order: tuple[Callable[[Job], Outcome], Job]) -> tuple[Outcome, float]:
    """Runs in the worker process, which has one thread."""
    work, job = order
    started = time.process_time()
    outcome = work(job)
    return outcome, time.process_time() - started

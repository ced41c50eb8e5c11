"""How failures reach the user: our own errors as one sentence, without a traceback; retries by type.

Errors that are not ours keep their traceback: they are defects, and the log is where one looks for them.
"""

import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.exceptions import FailedRun

from gpu.errors import BackendUnavailableError, LensModelError
from gpu.jpeg.rejection import PhotoRejected
from infra.errors import AdapterError
from tasks.domain.errors import DomainError

P = ParamSpec("P")
R = TypeVar("R")

SENTENCES = (AdapterError, DomainError, BackendUnavailableError, LensModelError, PhotoRejected)
"""Errors whose text is written for the user."""

_RETRY_DELAYS_S = [2.0, 10.0, 30.0]  # an outage of the store of 20 s ends inside the second or third


class _SentenceOnly(logging.Filter):
    """Drops the traceback of our own errors, and Prefect's echo of a state that says it already."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, SENTENCES):
            record.exc_info = None
        return not isinstance(error, FailedRun)


def log_sentences_only() -> None:
    """Keep tracebacks of our own errors out of the run logs of this process."""
    for name in ("prefect.task_runs", "prefect.flow_runs"):
        logger = logging.getLogger(name)
        if not any(isinstance(present, _SentenceOnly) for present in logger.filters):
            logger.addFilter(_SentenceOnly())


def step(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function a task that keeps no result outside our own store and retries outages only."""

    def wrap(function: Callable[P, R]) -> Task[P, R]:
        as_task = task(
            name=name,
            task_run_name=name,
            cache_policy=NO_CACHE,
            persist_result=False,
            retries=len(_RETRY_DELAYS_S),
            retry_delay_seconds=_RETRY_DELAYS_S,
            retry_condition_fn=_is_outage,
        )
        return as_task(function)

    return wrap


def _is_outage(_task: Task[..., object], _run: TaskRun, state: State[object]) -> bool:
    error = state.result(raise_on_failure=False)
    return isinstance(error, AdapterError) and error.retryable

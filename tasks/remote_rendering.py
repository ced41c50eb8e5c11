"""Has batches rendered elsewhere: start or rejoin a run for each, take its photos once it has ended.

Prefect's word on a run decides nothing: what is in the store does. A run is named by its batch and attempt,
so a parent that was killed and starts anew rejoins the run that is under way instead of paying twice.
"""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from prefect import Flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterIdempotencyKey,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, State
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Cancelling

from infra.store.interface import ObjectStore
from tasks.adapters import photo_workers, run_store, settings
from tasks.batch_taking import BatchOutcome, BatchReader
from tasks.batching import BatchTerms, cancel_batch, clear_batch, send_batch
from tasks.domain.batches import ENDING, batch_digest
from tasks.domain.errors import DomainError
from tasks.domain.schemas import Engine, PhotoShard, Record, RenderedShard
from tasks.failures import step
from tasks.keys import BatchKeys
from tasks.rendering import finished_shard

_GRACE: Final = timedelta(minutes=15)  # after the deadline, for the worker to report and to clear away
_POLL_S: Final = 5.0
_MOST_BATCHES: Final = 16  # that are waited for at once


class PoolUnknown(DomainError):
    """There is no deployment of that name."""


class BatchRun(Record):
    """A run that has ended, or was given up."""

    batch: str
    attempt: int
    told: str
    """What Prefect says of it, in words."""
    is_cancelled: bool = False
    """Somebody cancelled the run; that an agent was called off or ended by its host is no such wish."""


@step("find finished shards")
def find_finished_shards(shards: Sequence[PhotoShard]) -> list[RenderedShard]:
    """Read which shards the store holds already, digests verified."""
    store = run_store()
    return [record for shard in shards if (record := finished_shard(shard, store)) is not None]


@step("find untaken batch")
def find_untaken_runs(shards: Sequence[PhotoShard]) -> list[BatchRun]:
    """Find attempts at this batch that have ended and that nobody took, since their parent was killed."""
    store = run_store()
    untaken: list[BatchRun] = []
    keys = BatchKeys(batch_digest(shards), 0)
    while _has_ended(keys, store):
        if store.head(keys.taken) is None:
            untaken.append(BatchRun(batch=keys.digest, attempt=keys.attempt, told="ended earlier"))
        keys = BatchKeys(keys.digest, keys.attempt + 1)
    return untaken


@step("count places")
def count_places(pool: str) -> int:
    """Give how many batches a pool renders at once, 16 at most: one that waits in a queue loses its own time.

    In the pool of this machine the parent has a place itself. At least 1, so that a batch tells of a pool
    without places, as it does of one that does not exist.
    """
    with get_client(sync_client=True) as client:
        try:
            work_pool = client.read_work_pool(client.read_deployment_by_name(pool).work_pool_name or "")
        except ObjectNotFound:
            return _MOST_BATCHES
    if work_pool.concurrency_limit is None:
        return _MOST_BATCHES
    taken = 1 if work_pool.name == settings().work_pool else 0
    return max(1, min(work_pool.concurrency_limit - taken, _MOST_BATCHES))


@step("dispatch batch")
def dispatch_batch(
    shards: Sequence[PhotoShard], engine: Engine, folder: str, pool: str, minutes: int
) -> BatchRun:
    """Send a batch and wait until the run that renders it has ended.

    Args:
        shards: Those of the batch.
        engine: What the run was planned with.
        folder: The originals.
        pool: Deployment of ``render-batch`` on the pool, as ``render-batch/kaggle``.
        minutes: Time that the machine gets.

    Raises:
        PoolUnknown: There is no such deployment.
        PresignUnsupported: The store is a local folder.
    """
    store, started = run_store(), datetime.now(UTC)
    keys = _next_keys(shards, store)
    terms = _terms(engine, started + timedelta(minutes=minutes))
    send_batch(shards, engine, terms, attempt=keys.attempt, now=started, folder=Path(folder), store=store)
    run = _run_to_its_end(keys, terms, pool)
    if not _is_final(run):
        cancel_batch(keys, store)
        _cancel(run)
    state = run.state
    told = f"{state.name}: {state.message or 'no message'}" if state else "no state"
    is_cancelled = state is not None and state.is_cancelled()
    return BatchRun(batch=keys.digest, attempt=keys.attempt, told=told, is_cancelled=is_cancelled)


def ends_all(run: BatchRun, outcome: BatchOutcome) -> bool:
    """Whether no other pool is to be tried: somebody cancelled the batch, or it would end the same there."""
    return run.is_cancelled or (outcome.manifest is not None and outcome.manifest.reason in ENDING)


@step("take batch")
def take_batch(run: BatchRun, shards: Sequence[PhotoShard], engine: Engine, folder: str) -> BatchOutcome:
    """Verify what the run left in the store, take what holds, clear the rest away."""
    store, keys = run_store(), BatchKeys(run.batch, run.attempt)
    with photo_workers("opencv") as workers:
        outcome = BatchReader(
            keys,
            engine,
            folder=Path(folder),
            workers=workers,
            store=store,
            nonce=secrets.token_hex(16),
        ).take(shards)
    clear_batch(keys, store)
    logger = get_run_logger()
    for refusal in outcome.refused:
        logger.warning("shard %d refused: %s", refusal.index, refusal.reason)
    if outcome.manifest is not None:
        logger.info("%s on %s", outcome.manifest.reason, outcome.manifest.device or "an unfit machine")
    return outcome


def end_batches(flow: Flow[..., object], flow_run: FlowRun, state: State[object]) -> None:
    """Cancel what a cancelled run has started: its batches, and those of its stages; a hook of flows.

    Prefect's server does so too, but minutes later. A run that died is not meant: the next one rejoins.
    """
    wanted = FlowRunFilter(
        parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[flow_run.id]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(not_any_=list(TERMINAL_STATES))),
    )
    with get_client(sync_client=True) as client:
        children = client.read_flow_runs(flow_run_filter=wanted)
        for child in children:
            # A stage was in the process that is gone; what has a deployment is a worker's to end.
            ends_as = Cancelling if child.deployment_id else Cancelled
            client.set_flow_run_state(child.id, ends_as(message="the run that started it was cancelled"))
    for child in children:
        end_batches(flow, child, state)


def _next_keys(shards: Sequence[PhotoShard], store: ObjectStore) -> BatchKeys:
    """Give the attempt that is under way, or the next one after those that have ended."""
    keys = BatchKeys(batch_digest(shards), 0)
    while _has_ended(keys, store):
        keys = BatchKeys(keys.digest, keys.attempt + 1)
    return keys


def _has_ended(keys: BatchKeys, store: ObjectStore) -> bool:
    """Whether an attempt is over: its agent said so, it was taken, or its run ended without a word."""
    if any(store.head(key) is not None for key in (keys.manifest, keys.taken)):
        return True
    wanted = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=[_idempotency_key(keys)]))
    with get_client(sync_client=True) as client:
        return any(_is_final(run) for run in client.read_flow_runs(flow_run_filter=wanted))


def _idempotency_key(keys: BatchKeys) -> str:
    return f"{keys.digest}:{keys.attempt}"


def _terms(engine: Engine, deadline: datetime) -> BatchTerms:
    current = settings()
    return BatchTerms(
        accelerator="cuda" if engine.backend == "cupy" else "none",
        deadline=deadline,
        photo_timeout_s=current.photo_timeout_s,
        photo_memory_mb=current.photo_memory_mb,
    )


def _run_to_its_end(keys: BatchKeys, terms: BatchTerms, pool: str) -> FlowRun:
    patience = terms.deadline + _GRACE - datetime.now(UTC)
    try:
        run = run_deployment(
            pool,
            parameters={
                "batch": keys.digest,
                "attempt": keys.attempt,
                "accelerator": terms.accelerator,
                "deadline": terms.deadline.isoformat(),
            },
            idempotency_key=_idempotency_key(keys),
            timeout=max(0.0, patience.total_seconds()),
            poll_interval=_POLL_S,
        )
        assert isinstance(run, FlowRun)  # noqa: S101  narrows a signature shared with async code
        return run
    except ObjectNotFound as error:
        raise PoolUnknown(f"there is no deployment {pool!r}; `prefect deployment ls` lists them") from error


def _is_final(run: FlowRun) -> bool:
    return run.state is not None and run.state.is_final()


def _cancel(run: FlowRun) -> None:
    """Ask the worker to end the run, which destroys the machine."""
    with suppress(ObjectNotFound), get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Cancelling(message="the time of the batch is up"))

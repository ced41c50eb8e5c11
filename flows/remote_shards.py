"""The part of ``render`` that has its shards rendered on rented machines.

    find finished shards > take batches that nobody took
    > for each pool: count places > dispatch batches > take batches; the next pool for what is missing

All batches go to the first pool; what it leaves undone goes to the next. A pool may be named twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from prefect import get_run_logger
from prefect.futures import wait
from prefect.task_runners import ThreadPoolTaskRunner

from tasks.batch_taking import BatchOutcome
from tasks.domain.batches import cut_batches
from tasks.domain.schemas import PhotoShard, RenderedShard, RunPlan
from tasks.remote_rendering import (
    BatchRun,
    count_places,
    dispatch_batch,
    ends_all,
    find_finished_shards,
    find_untaken_runs,
    take_batch,
)


class ShardsNotRendered(RuntimeError):
    """Some shards could not be rendered after all retries, or no photo in any of them."""


@dataclass(frozen=True, slots=True)
class RemoteOrder:
    """Where a run's shards are rendered, and in what portions.

    Attributes:
        pools: Deployments of ``render-batch``, in the order in which they are tried; empty: this machine.
        batch_photos: Photos that one machine gets, in whole shards.
        batch_minutes: Time that one machine gets.
    """

    pools: tuple[str, ...]
    batch_photos: int
    batch_minutes: int


def render_remotely(plan: RunPlan, order: RemoteOrder) -> list[RenderedShard]:
    """Have all shards of a plan rendered and verified; in the order of the plan.

    Raises:
        ShardsNotRendered: Some are missing when all pools were tried, or trying others would not help.
    """
    logger = get_run_logger()
    records = {record.digest: record for record in find_finished_shards(plan.shards)}
    records |= _untaken([shard for shard in plan.shards if shard.digest not in records], plan, order)
    problems: list[str] = []
    for pool in order.pools:
        missing = [shard for shard in plan.shards if shard.digest not in records]
        if not missing:
            break
        logger.info("%d of %d shards go to %s", len(missing), len(plan.shards), pool)
        taken, problems = _rendered_by(pool, missing, plan, order)
        records |= {record.digest: record for _, outcome in taken for record in outcome.taken}
        if any(ends_all(run, outcome) for run, outcome in taken):
            break
    if left := [shard.index for shard in plan.shards if shard.digest not in records]:
        raise ShardsNotRendered(
            f"{len(left)} of {len(plan.shards)} shards were not rendered; run again, finished shards are "
            f"kept. {'; '.join(problems)}"
        )
    return [records[shard.digest] for shard in plan.shards]


def _untaken(shards: Sequence[PhotoShard], plan: RunPlan, order: RemoteOrder) -> dict[str, RenderedShard]:
    """Take what was rendered for a run like this one, whose parent was killed meanwhile."""
    records: dict[str, RenderedShard] = {}
    for batch in cut_batches(shards, photos=order.batch_photos):
        for run in find_untaken_runs(batch):
            outcome = take_batch(run, batch, plan.engine, plan.request.photos_folder)
            records |= {record.digest: record for record in outcome.taken}
    return records


def _rendered_by(
    pool: str, shards: Sequence[PhotoShard], plan: RunPlan, order: RemoteOrder
) -> tuple[list[tuple[BatchRun, BatchOutcome]], list[str]]:
    """Have a pool render the shards: what came of each batch, and what went wrong in words."""
    folder, engine = plan.request.photos_folder, plan.engine
    batches = cut_batches(shards, photos=order.batch_photos)
    with ThreadPoolTaskRunner[BatchRun](max_workers=count_places(pool)) as threads:
        runs = [
            threads.submit(
                dispatch_batch.with_options(task_run_name=f"batch-{number:03d}"),
                parameters={
                    "shards": batch,
                    "engine": engine,
                    "folder": folder,
                    "pool": pool,
                    "minutes": order.batch_minutes,
                },
            )
            for number, batch in enumerate(batches)
        ]
        wait(list(runs))
    taken: list[tuple[BatchRun, BatchOutcome]] = []
    problems: list[str] = []
    for future, batch in zip(runs, batches, strict=True):
        if not future.state.is_completed():
            problems.append(f"{pool}: {future.state.message}")
            continue
        run = future.result()
        outcome = take_batch(run, batch, engine, folder)
        taken.append((run, outcome))
        problems += _problems(pool, run.told, outcome)
    return taken, problems


def _problems(pool: str, told: str, outcome: BatchOutcome) -> list[str]:
    refused = [f"{pool}: shard {refusal.index} refused: {refusal.reason}" for refusal in outcome.refused]
    if not outcome.missing:
        return refused
    manifest = outcome.manifest
    why = f"{manifest.reason}: {manifest.sentence}" if manifest else f"no manifest; the run is {told}"
    return [*refused, f"{pool}: {len(outcome.missing)} shards missing, {why}"]

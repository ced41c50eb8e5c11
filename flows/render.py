"""Runbook page: render a folder of photos into one immutable submission zip.

    take inventory > observe photos > plan run > render shards > assemble zip > draw contact sheet
    > write manifest

Run it again after any failure: finished shards are taken from the store once their digests are verified.
"""

from datetime import UTC, datetime
from pathlib import PurePath
from typing import Annotated, Literal
from uuid import UUID

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.futures import PrefectFuture, as_completed
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from flows.remote_shards import RemoteOrder, ShardsNotRendered, render_remotely
from tasks.adapters import photo_workers, photos_folder
from tasks.domain.schemas import Border, Interpolation, RenderedShard, RenderRequest, RunManifest, RunPlan
from tasks.failures import SENTENCES, log_sentences_only
from tasks.inventory import take_inventory
from tasks.observing import observe_photos
from tasks.packing import assemble_zip, write_manifest
from tasks.planning import engine_here, plan_run, remote_engine
from tasks.preflight import require_ready
from tasks.promoted_table import choose_table
from tasks.provenance import provenance_here
from tasks.remote_rendering import end_batches
from tasks.rendering import render_shard
from tasks.reporting import (
    draw_contact_sheet,
    publish_routes,
    publish_summary,
    show_progress,
    start_progress,
)

SHARDS_AT_ONCE = 2  # the render processes are shared, so a second shard only fills the first one's gaps


_SHARD_THREADS: ThreadPoolTaskRunner[object] = ThreadPoolTaskRunner(max_workers=SHARDS_AT_ONCE)


def run_name() -> str:
    """Name the run after method, variant and data set."""
    parameters = runtime.flow_run.parameters
    dataset = PurePath(parameters.get("photos") or "data root").name
    words = [parameters["method"], parameters.get("variant"), dataset]
    return " ".join(word for word in words if word)


@flow(
    name="render",
    flow_run_name=run_name,
    task_runner=_SHARD_THREADS,  # type: ignore[arg-type]  # invariant in its kind of future
    persist_result=False,
    on_cancellation=[end_batches],
)
def render(
    photos: str | None = None,
    method: str = "calibguard_dim",
    variant: str | None = None,
    table: str | None = None,
    interpolation: Interpolation | None = None,
    border: Border | None = None,
    quality: Annotated[int, Field(ge=1, le=100)] = 95,
    backend: Literal["opencv", "cupy"] = "opencv",
    shard_size: Annotated[int, Field(ge=1, le=10_000)] = 250,
    artifact_tag: str | None = None,
    accept_quarantined: bool = False,
    pools: tuple[str, ...] = (),
    batch_photos: Annotated[int, Field(ge=1, le=100_000)] = 1000,
    batch_minutes: Annotated[int, Field(ge=1, le=12 * 60)] = 60,
) -> State[RunManifest]:
    """Render every photo of a folder and leave one verified submission zip with its manifest.

    Args:
        photos: Folder of ``{id}.jpg`` originals, or of the whole data set; default: the data root.
        method: Method that chooses each photo's warp.
        variant: Profile of ``calibguard_dim`` (safe, balanced, aggressive) or policy of ``zero_guard``;
            default: the first the method has.
        table: JSON file with a table or policy of your own, a refit's candidate, a run whose table is taken,
            or shipped; default: the champion's where its run is of this method, else the shipped one.
        interpolation: linear, cubic or lanczos4; default: what the table says.
        border: What lies outside the original: constant, reflect, replicate; default: what the table says.
        quality: JPEG quality of the output, 1 to 100.
        backend: Remap back end; ``cupy`` needs an NVIDIA GPU.
        shard_size: Photos rendered, kept and retried as one.
        artifact_tag: Names the variant in the artifact's name.
        accept_quarantined: Allow the zip to be submitted although photos were left out.
        pools: Deployments of ``render-batch`` that render the shards, such as ``render-batch/kaggle``; each
            is tried for what the one before it left undone. Default: this machine renders.
        batch_photos: Photos that one rented machine gets, in whole shards; 10 to 20 minutes of work are a
            good measure.
        batch_minutes: When a rented machine stops at the latest.
    """
    log_sentences_only()
    try:
        manifest = _render(
            RenderRequest(
                photos_folder=str(photos_folder(photos)),
                method=method,
                variant=variant,
                table=table,
                interpolation=interpolation,
                border=border,
                shard_size=shard_size,
                artifact_tag=artifact_tag,
                accept_quarantined=accept_quarantined,
            ),
            backend=backend,
            quality=quality,
            remote=RemoteOrder(pools=pools, batch_photos=batch_photos, batch_minutes=batch_minutes),
        )
    except (*SENTENCES, ShardsNotRendered) as error:
        return Failed(message=str(error))
    return _final_state(manifest)


def _render(
    request: RenderRequest, *, backend: Literal["opencv", "cupy"], quality: int, remote: RemoteOrder
) -> RunManifest:
    provenance = provenance_here()
    require_ready(request.photos_folder)
    engine = (remote_engine if remote.pools else engine_here)(backend, quality=quality)
    request = choose_table(request)
    inventory = take_inventory(request.photos_folder)
    observations = observe_photos(inventory, request)
    plan = plan_run(inventory, request, engine, observations, run_id=_run_id(), created=_run_created())
    publish_routes(plan)
    shards = render_remotely(plan, remote) if remote.pools else _render_shards(plan)
    _require_photos(shards)
    submission = assemble_zip(plan, shards)
    sheet = draw_contact_sheet(plan, shards)
    manifest = write_manifest(plan, shards, submission, sheet, provenance, datetime.now(UTC))
    publish_summary(manifest, sheet)
    return manifest


def _render_shards(plan: RunPlan) -> list[RenderedShard]:
    progress = start_progress()
    with photo_workers(plan.engine.backend) as workers:
        futures = [
            render_shard.with_options(task_run_name=f"shard-{shard.index:03d}").submit(
                shard, plan.engine, plan.request.photos_folder, workers
            )
            for shard in plan.shards
        ]
        _follow(futures, progress, plan)
    failed = [
        f"shard {index}: {future.state.message}"
        for index, future in enumerate(futures)
        if not future.state.is_completed()
    ]
    if failed:
        raise ShardsNotRendered(
            f"{len(failed)} of {len(futures)} shards were not rendered; run again, finished shards are kept. "
            + "; ".join(failed)
        )
    return [future.result() for future in futures]


def _require_photos(shards: list[RenderedShard]) -> None:
    if not any(shard.photos for shard in shards):
        first = shards[0].quarantined[0]
        raise ShardsNotRendered(f"no photo could be rendered; the first, {first.file_name}: {first.reason}")


def _follow(futures: list[PrefectFuture[RenderedShard]], progress: UUID | None, plan: RunPlan) -> None:
    logger = get_run_logger()
    photos = sum(len(shard.photos) for shard in plan.shards)
    shard_of = {future.task_run_id: shard for future, shard in zip(futures, plan.shards, strict=True)}
    finished = 0
    for future in as_completed(futures):
        future.wait()  # takes the state from this process; the server's copy may lag or have been lost
        finished += len(shard_of[future.task_run_id].photos)
        logger.info("%d of %d photos done", finished, photos)
        show_progress(progress, finished=finished, photos=photos)


def _final_state(manifest: RunManifest) -> State[RunManifest]:
    message = (
        f"{manifest.submission.key}: {manifest.rendered} photos rendered, "
        f"{len(manifest.quarantined)} quarantined, SHA-256 {manifest.submission.sha256}"
    )
    name = "Quarantined" if manifest.quarantined else "Completed"
    return Completed(name=name, message=message, data=manifest)


def _run_id() -> str:
    return str(runtime.flow_run.id)


def _run_created() -> datetime:
    """When the run was asked for: the same at every retry of one run, so its name is too."""
    context = FlowRunContext.get()
    created = context.flow_run.created if context and context.flow_run else None
    # Prefect's own date type loses its zone in arithmetic; a plain datetime does not.
    return datetime.fromtimestamp(created.timestamp(), UTC) if created else datetime.now(UTC)

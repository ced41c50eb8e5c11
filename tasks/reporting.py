"""Shows a run in Prefect's UI: progress, the route table, the summary with its contact sheet."""

import base64
import re
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from gpu.contact_sheet import SheetRow, contact_sheet
from infra.errors import ObjectExists
from infra.store.interface import ObjectStore
from tasks.adapters import run_store
from tasks.domain.schemas import RenderedShard, RoutedPhoto, RouteUse, RunManifest, RunPlan
from tasks.domain.shards import count_routes
from tasks.failures import step
from tasks.keys import contact_sheet_key, manifest_key, photo_key
from tasks.originals import OriginalChanged, read_original
from tasks.warps import warp_text

P = ParamSpec("P")
R = TypeVar("R")

_SHEET_PHOTOS = 12


def best_effort(show: Callable[P, R]) -> Callable[P, R | None]:
    """Let a run go on when Prefect's server cannot take a picture of it; the manifest is what counts."""

    @wraps(show)
    def shown(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return show(*args, **kwargs)
        except Exception as error:  # whatever the server or the way to it is suffering from
            get_run_logger().warning("%s is not shown, the run goes on: %s", show.__name__, error)
            return None

    return shown


@best_effort
def start_progress() -> UUID:
    """Show the run's progress at 0 %."""
    progress = create_progress_artifact(0.0, key="render-progress", description="Photos rendered")
    assert isinstance(progress, UUID)  # noqa: S101  narrows a signature shared with async code
    return progress


@best_effort
def show_progress(progress: UUID | None, *, finished: int, photos: int) -> None:
    """Move the run's progress; None where its start could not be shown."""
    if progress is not None:
        update_progress_artifact(progress, 100.0 * finished / photos, f"{finished} of {photos} photos")


@best_effort
def publish_routes(plan: RunPlan) -> None:
    """Show how many photos take which route with which coefficients."""
    routes = count_routes(routed for shard in plan.shards for routed in shard.photos)
    create_table_artifact(
        [_route_row(route) for route in routes], key="render-routes", description=f"Routes of {plan.name}"
    )


@step("draw contact sheet")
def draw_contact_sheet(plan: RunPlan, shards: Sequence[RenderedShard]) -> bytes:
    """Draw up to twelve photos spread over the run, before and after, and store the sheet."""
    store, key = run_store(), contact_sheet_key(plan.name)
    sheet = contact_sheet(_sheet_rows(plan, shards, store))
    try:
        store.create(key, sheet)
    except ObjectExists:  # this same run drew one before it was cut off, and an original changed since
        return store.read(key)
    return sheet


@best_effort
def publish_summary(manifest: RunManifest, sheet: bytes) -> None:
    """Show where everything lies, what was left out and why, and the contact sheet."""
    create_markdown_artifact(
        summary_markdown(manifest, sheet, run_store().url), key="render-summary", description=manifest.name
    )


def summary_markdown(manifest: RunManifest, sheet: bytes, store_url: str) -> str:
    """Write the summary of a run as Markdown; quarantined photos come first."""
    submission = manifest.submission
    lines = [
        *_quarantine_lines(manifest),
        f"| run | {manifest.name} |",
        "| --- | --- |",
        f"| store | `{store_url}` |",
        f"| zip | `{submission.key}` |",
        f"| SHA-256 | `{submission.sha256}` |",
        f"| size | {submission.size / 1e6:.1f} MB, {submission.photos} photos |",
        f"| quarantined | {len(manifest.quarantined)} |",
        f"| may be submitted | {'yes' if manifest.submittable else 'no'} |",
        f"| manifest | `{manifest_key(manifest.name)}` |",
        f"| contact sheet | `{manifest.contact_sheet}` |",
        "",
        f"![originals beside corrected photos](data:image/jpeg;base64,{base64.b64encode(sheet).decode()})",
    ]
    return "\n".join(lines) + "\n"


def _quarantine_lines(manifest: RunManifest) -> list[str]:
    if not manifest.quarantined:
        return []
    rows = [
        f"| {_cell(photo.file_name)} | {photo.code} | {_cell(photo.reason)} |"
        for photo in manifest.quarantined
    ]
    return ["## Quarantined", "| file | defect | what to do |", "| --- | --- | --- |", *rows, ""]


def _cell(text: str) -> str:
    """Escape what would end a cell of a Markdown table or start markup in it."""
    return re.sub(r"([\\|`*_<>\[\]])", r"\\\1", text).replace("\n", " ")


def _route_row(route: RouteUse) -> dict[str, object]:
    return {
        "route": route.route,
        "photos": route.photos,
        "warp": warp_text(route.warp),
        "interpolation": route.interpolation,
        "border": route.border,
        "coefficients": route.coefficient_source,
    }


def _sheet_rows(plan: RunPlan, shards: Sequence[RenderedShard], store: ObjectStore) -> list[SheetRow]:
    """Choose photos spread over the run; one whose original changed meanwhile stands beside itself."""
    folder = Path(plan.request.photos_folder)
    routed = {routed.photo.id: routed for shard in plan.shards for routed in shard.photos}
    keys = {photo.id: photo_key(shard.digest, photo.id) for shard in shards for photo in shard.photos}
    chosen = sorted(keys)[:: max(1, len(keys) // _SHEET_PHOTOS)][:_SHEET_PHOTOS]
    return [_sheet_row(routed[photo_id], store.read(keys[photo_id]), folder) for photo_id in chosen]


def _sheet_row(routed: RoutedPhoto, corrected: bytes, folder: Path) -> SheetRow:
    try:
        original, title = read_original(folder, routed.photo), "original"
    except OriginalChanged:
        original, title = corrected, "original changed"
    return SheetRow(
        caption=f"{routed.photo.id}: {title} | {routed.route} {warp_text(routed.warp)}",
        original=original,
        corrected=corrected,
    )

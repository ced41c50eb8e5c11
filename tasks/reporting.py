"""Shows a run in Prefect's UI: progress, the route table, the summary with its contact sheet."""

import base64
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

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
from tasks.domain.schemas import RenderedShard, RouteUse, RunManifest, RunPlan, Warp
from tasks.domain.shards import count_routes
from tasks.failures import step
from tasks.keys import contact_sheet_key, manifest_key, photo_key

_SHEET_PHOTOS = 12


def start_progress() -> UUID:
    """Show the run's progress at 0 %."""
    progress = create_progress_artifact(0.0, key="render-progress", description="Photos rendered")
    assert isinstance(progress, UUID)  # noqa: S101  narrows a signature shared with async code
    return progress


def show_progress(progress: UUID, *, finished: int, photos: int) -> None:
    """Move the run's progress."""
    update_progress_artifact(progress, 100.0 * finished / photos, f"{finished} of {photos} photos")


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
    rows = [f"| `{photo.file_name}` | {photo.code} | {photo.reason} |" for photo in manifest.quarantined]
    return ["## Quarantined", "| file | defect | what to do |", "| --- | --- | --- |", *rows, ""]


def _route_row(route: RouteUse) -> dict[str, object]:
    return {
        "route": route.route,
        "photos": route.photos,
        "warp": warp_text(route.warp),
        "interpolation": route.interpolation,
        "border": route.border,
        "coefficients": route.coefficient_source,
    }


def warp_text(warp: Warp) -> str:
    """Write a warp's numbers on one line."""
    values = warp.model_dump(exclude={"kind"})
    return " ".join([warp.kind, *(f"{name}={value}" for name, value in values.items())])


def _sheet_rows(plan: RunPlan, shards: Sequence[RenderedShard], store: ObjectStore) -> list[SheetRow]:
    folder = Path(plan.request.photos_folder)
    routed = {routed.photo.id: routed for shard in plan.shards for routed in shard.photos}
    keys = {photo.id: photo_key(shard.digest, photo.id) for shard in shards for photo in shard.photos}
    chosen = sorted(keys)[:: max(1, len(keys) // _SHEET_PHOTOS)][:_SHEET_PHOTOS]
    return [
        SheetRow(
            caption=f"{photo_id}: original | {routed[photo_id].route} {warp_text(routed[photo_id].warp)}",
            original=(folder / f"{photo_id}.jpg").read_bytes(),
            corrected=store.read(keys[photo_id]),
        )
        for photo_id in chosen
    ]

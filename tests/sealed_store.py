"""A store with everything in it that the ledger seals, made by our own code as far as there is any."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.errors import SubmissionInFlight
from infra.portal.client.step_record import Flight, flight_key, sent_name, upload_name
from infra.store.interface import ObjectStore
from infra.store.lease import leased
from infra.store.opening import open_store
from tasks.champion import crown, reigning
from tasks.domain.ledger import LedgerEntry
from tasks.domain.schemas import Provenance, RunManifest, RunPlan
from tasks.inventory import inventory_of
from tasks.keys import (
    analysis_key,
    contact_sheet_key,
    decision_key,
    fingerprint_key,
    manifest_key,
    report_key,
    score_prefix,
)
from tasks.ledger import append, prune, prune_plan
from tasks.packing import assembled_zip, kept_manifest, manifest_of
from tasks.photo_workers import PhotoWorkers
from tasks.planning import engine_here, planned_run
from tasks.rendering import rendered_shard
from tests.ledger_entries import PORTAL, entry, pointer
from tests.photos import fill_folder, listing_ids
from tests.render_requests import request_for

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_SIZE = {"width": 64, "height": 48}
_PROVENANCE = Provenance(
    git_commit=None,
    git_dirty=None,
    command="render/safe",
    flow_run_id="run",
    parameters={},
    python="3.11",
    platform="Linux",
)


def build_sealed_store(folder: Path, workers: PhotoWorkers) -> ObjectStore:
    """Two runs that were crowned one after the other, and a pruned one that shared a shard with the first."""
    store = open_store(str(folder / "store"))
    photos = fill_folder(folder / "photos", listing_ids(5), **_SIZE)
    first = finished(planned(photos, store, minute=0, quality=95), store, workers)
    second = finished(planned(photos, store, minute=1, quality=90), store, workers)
    more = fill_folder(folder / "more", listing_ids(6), **_SIZE)
    pruned = finished(planned(more, store, minute=2, quality=95), store, workers)
    for generation, manifest in enumerate((first, second), start=1):
        _score(manifest, store)
        promote(manifest, generation, store)
    prune(prune_plan([pruned.name], store, now=NOON), store, now=NOON)
    return store


def planned(photos: Path, store: ObjectStore, *, minute: int, quality: int) -> RunPlan:
    """Plan a run of shards of four photos."""
    request = request_for(photos)
    return planned_run(
        inventory_of(photos),
        request,
        engine_here("opencv", quality=quality),
        run_id=str(minute),
        created=NOON + timedelta(minutes=minute),
        store=store,
    )


def finished(plan: RunPlan, store: ObjectStore, workers: PhotoWorkers) -> RunManifest:
    """Render a planned run and complete it."""
    folder = Path(plan.request.photos_folder)
    shards = [rendered_shard(shard, plan.engine, folder, workers, store) for shard in plan.shards]
    zipped = assembled_zip(plan, shards, store)
    sheet = f"contact sheet of {plan.name}".encode()
    store.create(contact_sheet_key(plan.name), sheet)
    return kept_manifest(manifest_of(plan, shards, zipped, sheet, _PROVENANCE, NOON), store)


def promote(manifest: RunManifest, generation: int, store: ObjectStore) -> None:
    """Make a run champion on a decision of its own."""
    name = manifest.name
    decision = _document("promotion", name)
    digest = hashlib.sha256(decision).hexdigest()
    store.create(decision_key(name, digest), decision)
    candidate = pointer(name, generation).model_copy(update={"decision_sha256": digest})
    crown(candidate, reigning(PORTAL, store), store)


def seal(event: str, name: str, objects: Mapping[str, bytes], store: ObjectStore) -> LedgerEntry:
    """Store objects, or find them stored, and add the entry that seals them."""
    for key, body in objects.items():
        store.create(key, body)
    evidence = {key: hashlib.sha256(body).hexdigest() for key, body in objects.items()}
    told = entry(event, name, evidence=evidence)
    append(told, store)
    return told


def _score(manifest: RunManifest, store: ObjectStore) -> None:
    """Send a run through upload, scoring and analysis; each entry seals objects that no other does."""
    name = manifest.name
    measured = {fingerprint_key(manifest.submission.behaviour_digest): _document("fingerprint", name)}
    seal("submitted", name, _keyed_by_digest(decision_key, name, "upload") | measured, store)
    prefix = score_prefix(PORTAL, name, "job-1")
    scores = {
        f"{prefix}scored.csv": f"image_id,score\n{name},50\n".encode(),
        f"{prefix}summary.json": _document("summary", name),
        f"{prefix}scored.json": _document("scored", name),
    }
    manifest_document = {manifest_key(name): store.read(manifest_key(name))}
    seal("scored", name, scores | _fly(manifest, store) | manifest_document, store)
    pages = _keyed_by_digest(analysis_key, name, "analysis") | _keyed_by_digest(report_key, name, "report")
    seal("analysed", name, pages, store)


def _fly(manifest: RunManifest, store: ObjectStore) -> dict[str, bytes]:
    """Leave the steps of a submission, and a lease that ran out; give the steps."""
    flight = Flight(store, flight_key(PORTAL.key, manifest.submission.behaviour_digest))
    now, key = NOON.timestamp, flight.lease_key
    with leased(store, key, owner="host 1", lease_s=60.0, now=now, taken=SubmissionInFlight):
        attempt = flight.begin({"zip": manifest.submission.sha256})
        attempt.note(upload_name(0), {"s3_key": "uploads/1"})
        attempt.claim(sent_name(1), {})
        attempt.note("accepted.json", {"request_id": "job-1"})
        attempt.keep("scored.json", {"csv": "image_id,score\n"})
    return {found.key: store.read(found.key) for found in store.list(f"{attempt.key}/")}


def _keyed_by_digest(key_of: Callable[[str, str], str], name: str, word: str) -> dict[str, bytes]:
    document = _document(word, name)
    return {key_of(name, hashlib.sha256(document).hexdigest()): document}


def _document(word: str, name: str) -> bytes:
    return json.dumps({"kind": word, "name": name}).encode()

import hashlib
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.store.interface import ObjectStore
from tasks.domain.schemas import Provenance, RenderedShard, RenderRequest, RunPlan
from tasks.domain.submission_zip import StoredPhotoDamaged
from tasks.inventory import inventory_of
from tasks.keys import photo_key, submission_key
from tasks.packing import assembled_zip, manifest_of
from tasks.photo_workers import PhotoWorkers
from tasks.planning import engine_here, planned_run
from tasks.rendering import rendered_shard
from tests.photos import fill_folder, listing_ids

Run = tuple[RunPlan, list[RenderedShard]]
PROVENANCE = Provenance(
    git_commit=None,
    git_dirty=None,
    command="render/safe",
    flow_run_id="run",
    parameters={"method": "calibguard_dim"},
    python="3.11",
    platform="Linux",
)


@pytest.fixture
def run(render_request: RenderRequest, store: ObjectStore, workers: PhotoWorkers) -> Run:
    folder = fill_folder(Path(render_request.photos_folder), listing_ids(10))
    (folder / "page.jpg").write_bytes(b"<html>")
    engine = engine_here("opencv", quality=95)
    inventory = inventory_of(folder)
    plan = planned_run(
        inventory, render_request, engine, run_id="run", created=datetime.now(UTC), store=store
    )
    return plan, [rendered_shard(shard, engine, folder, workers, store) for shard in plan.shards]


def test_the_zip_holds_every_rendered_photo_and_its_digest_is_that_of_the_stored_object(
    run: Run, store: ObjectStore
) -> None:
    plan, shards = run
    submission = assembled_zip(plan, shards, store)
    stored = store.read(submission.key)
    assert hashlib.sha256(stored).hexdigest() == submission.sha256
    assert (len(stored), submission.photos) == (submission.size, 10)
    archive = zipfile.ZipFile(io.BytesIO(stored))
    assert archive.namelist() == [f"{photo_id}.jpg" for photo_id in listing_ids(10)]
    assert archive.read("home001_g2.jpg") == store.read(photo_key(shards[1].digest, "home001_g2"))


def test_assembling_again_finds_the_same_zip_there(run: Run, store: ObjectStore) -> None:
    assert assembled_zip(*run, store) == assembled_zip(*run, store)


def test_a_photo_damaged_in_the_store_stops_the_zip_and_leaves_none(run: Run, store: ObjectStore) -> None:
    plan, shards = run
    key = photo_key(shards[2].digest, "home002_g1")
    store.delete(key)
    store.create(key, b"not the photo")
    with pytest.raises(StoredPhotoDamaged, match="'home002_g1'"):
        assembled_zip(plan, shards, store)
    assert store.head(submission_key(plan.name)) is None


def test_the_manifest_counts_routes_and_says_whether_the_zip_may_be_submitted(
    run: Run, store: ObjectStore
) -> None:
    plan, shards = run
    submission = assembled_zip(plan, shards, store)
    manifest = manifest_of(plan, shards, submission, b"sheet", PROVENANCE, datetime.now(UTC))
    assert sum(route.photos for route in manifest.routes) == manifest.rendered == 10
    assert [photo.file_name for photo in manifest.quarantined] == ["page.jpg"]
    assert manifest.submittable is False
    assert manifest.shards == tuple(shard.digest for shard in plan.shards)
    accepted = plan.model_copy(
        update={"request": plan.request.model_copy(update={"accept_quarantined": True})}
    )
    assert (
        manifest_of(accepted, shards, submission, b"sheet", PROVENANCE, datetime.now(UTC)).submittable is True
    )

"""The checker must see what it is there to see: each test spoils one thing in a store that is in order."""

import io
import uuid
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from infra.store.interface import ObjectStore
from infra.store.opening import open_store
from tasks.domain.schemas import Provenance, RunManifest
from tasks.inventory import inventory_of
from tasks.keys import contact_sheet_key, manifest_key, photo_key, shard_key
from tasks.packing import assembled_zip, manifest_of
from tasks.photo_workers import open_photo_workers
from tasks.planning import engine_here, planned_run
from tasks.rendering import rendered_shard
from tests.faults.history import changes, snapshot, wrongs
from tests.photos import fill_folder, listing_ids
from tests.render_requests import request_for

RUN = uuid.UUID(int=1)
ENDED = {RUN: "COMPLETED"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], RunManifest]:
    """What a finished run of four photos leaves."""
    folder = tmp_path_factory.mktemp("history")
    store = open_store(str(folder / "store"))
    photos = fill_folder(folder / "photos", listing_ids(4))
    request = request_for(photos, shard_size=2)
    engine = engine_here("opencv", quality=95)
    now = datetime.now(UTC)
    plan = planned_run(inventory_of(photos), request, engine, run_id=str(RUN), created=now, store=store)
    with open_photo_workers(processes=1, timeout_s=30, memory_mb=2048) as workers:
        shards = [rendered_shard(shard, engine, photos, workers, store) for shard in plan.shards]
    provenance = Provenance(
        git_commit=None,
        git_dirty=None,
        command="a test",
        flow_run_id=str(RUN),
        parameters={},
        python="3",
        platform="any",
    )
    manifest = manifest_of(plan, shards, assembled_zip(plan, shards, store), b"sheet", provenance, now)
    store.create(contact_sheet_key(plan.name), b"sheet")
    store.create(manifest_key(plan.name), manifest.model_dump_json().encode())
    return {found.key: store.read(found.key) for found in store.list("")}, manifest


def found_in(folder: Path, objects: dict[str, bytes], sha256: str, runs: dict[UUID, str]) -> list[str]:
    store: ObjectStore = open_store(str(folder / uuid.uuid4().hex))
    for key, body in objects.items():
        store.create(key, body)
    return wrongs(store, zip_sha256=sha256, runs=runs)


def test_a_finished_run_is_in_order(finished: tuple[dict[str, bytes], RunManifest], tmp_path: Path) -> None:
    objects, manifest = finished
    assert found_in(tmp_path, objects, manifest.submission.sha256, ENDED) == []


def a_photo(manifest: RunManifest) -> str:
    return photo_key(manifest.shards[0], listing_ids(1)[0])


def other_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.jpg", b"other")
    return buffer.getvalue()


SPOILS: dict[str, tuple[Callable[[dict[str, bytes], RunManifest], object], str]] = {
    "photo altered": (lambda o, m: o.update({a_photo(m): b"other"}), "is not the one in its record"),
    "photo lost": (lambda o, m: o.pop(a_photo(m)), "is not the one in its record"),
    "record cut": (lambda o, m: o.update({shard_key(m.shards[1]): b'{"digest'}), "is not whole"),
    "zip cut": (
        lambda o, m: o.update({m.submission.key: o[m.submission.key][:-30]}),
        "has SHA-256",
    ),
    "another zip": (lambda o, m: o.update({m.submission.key: other_zip()}), "expected"),
    "zip lost": (lambda o, m: o.pop(m.submission.key), "is there without submissions/"),
    "manifest lost": (lambda o, m: o.pop(manifest_key(m.name)), "is Completed without a manifest"),
    "stray file": (lambda o, m: o.update({"submissions/x.zip.tmp": b"half"}), "is no key of ours"),
}


@pytest.mark.parametrize("name", SPOILS)
def test_whatever_is_spoilt_is_seen(
    finished: tuple[dict[str, bytes], RunManifest], tmp_path: Path, name: str
) -> None:
    objects, manifest = dict(finished[0]), finished[1]
    spoil, seen = SPOILS[name]
    spoil(objects, manifest)
    found = found_in(tmp_path, objects, manifest.submission.sha256, ENDED)
    assert found
    assert seen in found[0]


def test_objects_that_change_or_vanish_are_seen(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    for key in ("a", "b", "probe/x"):
        store.create(key, b"first")
    before = snapshot(store)
    for key in ("a", "b", "probe/x"):
        store.delete(key)
    store.create("b", b"second")
    assert changes(before, snapshot(store)) == ["a is gone", "b was altered"]

from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.store.interface import ObjectStore
from tasks import photo_workers
from tasks.domain.schemas import RenderRequest, RunPlan
from tasks.inventory import inventory_of
from tasks.keys import photo_key, shard_key
from tasks.photo_workers import PhotoWorkers, open_photo_workers
from tasks.planning import engine_here, planned_run
from tasks.rendering import finished_shard, rendered_shard
from tests.faulty_render import render_or_fail
from tests.photos import fill_folder, jpeg, listing_ids


@pytest.fixture
def folder(render_request: RenderRequest) -> Path:
    return fill_folder(Path(render_request.photos_folder), listing_ids(4))


def plan(folder: Path, request: RenderRequest, store: ObjectStore) -> RunPlan:
    now = datetime.now(UTC)
    engine = engine_here("opencv", quality=95)
    return planned_run(inventory_of(folder), request, engine, run_id="run", created=now, store=store)


def test_a_finished_shard_is_taken_as_it_is(
    folder: Path, render_request: RenderRequest, store: ObjectStore, workers: PhotoWorkers
) -> None:
    planned = plan(folder, render_request, store)
    (shard,) = planned.shards
    assert finished_shard(shard, store) is None
    rendered = rendered_shard(shard, planned.engine, folder, workers, store)
    assert [photo.id for photo in rendered.photos] == listing_ids(4)
    assert finished_shard(shard, store) == rendered


@pytest.mark.parametrize("damage", ["altered", "missing"])
def test_a_shard_with_a_damaged_photo_is_rendered_anew_to_the_same_bytes(
    folder: Path, render_request: RenderRequest, store: ObjectStore, workers: PhotoWorkers, damage: str
) -> None:
    planned = plan(folder, render_request, store)
    (shard,) = planned.shards
    first = rendered_shard(shard, planned.engine, folder, workers, store)
    key = photo_key(shard.digest, "home000_g2")
    store.delete(key)
    if damage == "altered":
        store.create(key, b"not the photo")
    assert finished_shard(shard, store) is None
    assert rendered_shard(shard, planned.engine, folder, workers, store) == first
    assert finished_shard(shard, store) == first


def test_a_shard_record_that_is_no_record_is_rendered_over(
    folder: Path, render_request: RenderRequest, store: ObjectStore, workers: PhotoWorkers
) -> None:
    planned = plan(folder, render_request, store)
    (shard,) = planned.shards
    store.create(shard_key(shard.digest), b'{"digest": "forged"}')
    assert finished_shard(shard, store) is None
    rendered = rendered_shard(shard, planned.engine, folder, workers, store)
    assert finished_shard(shard, store) == rendered


@pytest.mark.parametrize("lie", ["a photo left out", "another crc", "another size", "a photo twice"])
def test_a_shard_record_that_lies_about_a_photo_is_not_believed(
    folder: Path, render_request: RenderRequest, store: ObjectStore, workers: PhotoWorkers, lie: str
) -> None:
    planned = plan(folder, render_request, store)
    (shard,) = planned.shards
    true = rendered_shard(shard, planned.engine, folder, workers, store)
    first = true.photos[0]
    photos = {
        "a photo left out": true.photos[1:],
        "another crc": (first.model_copy(update={"crc32": first.crc32 ^ 1}), *true.photos[1:]),
        "another size": (first.model_copy(update={"size": first.size + 1}), *true.photos[1:]),
        "a photo twice": (first, *true.photos),
    }[lie]
    key = shard_key(shard.digest)
    store.delete(key)
    store.create(key, true.model_copy(update={"photos": photos}).model_dump_json().encode())
    assert finished_shard(shard, store) is None
    assert store.head(key) is None


def test_a_photo_that_was_altered_since_the_plan_is_quarantined_and_the_shard_left_open(
    folder: Path, render_request: RenderRequest, store: ObjectStore, workers: PhotoWorkers
) -> None:
    planned = plan(folder, render_request, store)
    (shard,) = planned.shards
    (folder / "home000_g1.jpg").write_bytes(jpeg(seed=99))
    (folder / "home000_g3.jpg").unlink()
    rendered = rendered_shard(shard, planned.engine, folder, workers, store)
    assert [(photo.file_name, photo.code) for photo in rendered.quarantined] == [
        ("home000_g1.jpg", "changed"),
        ("home000_g3.jpg", "changed"),
    ]
    assert [photo.id for photo in rendered.photos] == ["home000_g0", "home000_g2"]
    assert store.head(shard_key(shard.digest)) is None


def test_a_photo_that_is_damaged_for_good_is_part_of_the_finished_shard(
    folder: Path, render_request: RenderRequest, store: ObjectStore, workers: PhotoWorkers
) -> None:
    damaged = bytearray(jpeg())
    damaged[len(damaged) // 2 : len(damaged) // 2 + 300] = bytes(300)
    (folder / "home000_g1.jpg").write_bytes(damaged)
    planned = plan(folder, render_request, store)
    (shard,) = planned.shards
    rendered = rendered_shard(shard, planned.engine, folder, workers, store)
    assert [(photo.file_name, photo.code) for photo in rendered.quarantined] == [
        ("home000_g1.jpg", "damaged")
    ]
    assert finished_shard(shard, store) == rendered


def test_a_photo_that_crashed_its_process_is_tried_again_by_the_next_run(
    folder: Path,
    render_request: RenderRequest,
    store: ObjectStore,
    workers: PhotoWorkers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (folder / "home000_g0.jpg").write_bytes(jpeg() + b"segfault")
    planned = plan(folder, render_request, store)
    (shard,) = planned.shards
    with monkeypatch.context() as fault:
        fault.setattr(photo_workers, "render_photo", render_or_fail)
        with open_photo_workers(processes=1, timeout_s=20, memory_mb=2048) as faulty:
            crashed = rendered_shard(shard, planned.engine, folder, faulty, store)
    assert [(photo.file_name, photo.code) for photo in crashed.quarantined] == [("home000_g0.jpg", "crashed")]
    assert finished_shard(shard, store) is None
    assert rendered_shard(shard, planned.engine, folder, workers, store).quarantined == ()

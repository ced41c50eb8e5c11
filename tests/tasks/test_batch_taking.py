"""What a dishonest or broken machine may leave in the store, and that none of it gets past."""

import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg

from infra.store.interface import ObjectStore
from tasks.batch_taking import BatchOutcome
from tasks.domain.schemas import QuarantinedPhoto, RenderedShard, RenderRequest
from tasks.domain.shards import shard_document
from tasks.keys import shard_prefix
from tasks.photo_workers import PhotoWorkers
from tests.photos import fill_folder, jpeg, listing_ids
from tests.remote_batch import RemoteBatch, run_agent, sent_batch

Forge = Callable[[bytes], bytes]


@pytest.fixture
def rendered(render_request: RenderRequest, s3_prefix: ObjectStore) -> RemoteBatch:
    """Two shards of four photos that an honest agent has finished."""
    fill_folder(Path(render_request.photos_folder), listing_ids(8))
    batch = sent_batch(render_request, s3_prefix)
    status, output = run_agent(batch)
    assert status == 0, output
    return batch


def overwrite(batch: RemoteBatch, key: str, body: bytes) -> None:
    """Write as only the agent could have, for its leave is to create once."""
    batch.store.delete(key)
    batch.store.create(key, body)


def record_of(batch: RemoteBatch) -> RenderedShard:
    return RenderedShard.model_validate_json(batch.store.read(batch.keys.record(batch.shards[0].digest)))


def forge_record(batch: RemoteBatch, **changes: object) -> None:
    record = record_of(batch).model_copy(update=changes)
    overwrite(batch, batch.keys.record(record.digest), shard_document(record))


def forge_photos(batch: RemoteBatch, forge: Forge, *, count: int) -> None:
    """Replace photos of the first shard, with a record that agrees with the forgery."""
    record, forged = record_of(batch), []
    for index, photo in enumerate(record.photos):
        key = batch.keys.photo(record.digest, photo.id)
        body = forge(batch.store.read(key)) if index < count else batch.store.read(key)
        overwrite(batch, key, body)
        told = {"size": len(body), "crc32": zlib.crc32(body), "sha256": hashlib.sha256(body).hexdigest()}
        forged.append(photo.model_copy(update=told))
    forge_record(batch, photos=tuple(forged))


def assert_first_refused(batch: RemoteBatch, outcome: BatchOutcome, reason: str) -> None:
    first, second = batch.shards
    assert [refusal.index for refusal in outcome.refused] == [0]
    assert reason in outcome.refused[0].reason
    assert "\n" not in outcome.refused[0].reason
    assert list(batch.store.list(shard_prefix(first.digest))) == []
    assert [record.digest for record in outcome.taken] == [second.digest]


def pixels(photo: bytes) -> np.ndarray:
    return np.asarray(simplejpeg.decode_jpeg(photo, "BGR"))


def encoded(picture: np.ndarray) -> bytes:
    return bytes(simplejpeg.encode_jpeg(picture, 95, "BGR", colorsubsampling="420"))


def with_logo(photo: bytes) -> bytes:
    picture = pixels(photo).copy()
    picture[100:132, 150:182] = 128
    return encoded(picture)


def blurred(photo: bytes) -> bytes:
    picture = pixels(photo)
    small = cv2.resize(picture, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    return encoded(cv2.resize(small, picture.shape[1::-1]))


@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (lambda photo: photo[: len(photo) // 2], "no photo that we made"),
        (lambda photo: photo + b"more", "no photo that we made"),
        (lambda _: b"<html>", "no photo that we made"),
        (lambda _: jpeg(214, 320), "no photo that we made"),
        (lambda _: jpeg(seed=99), "differs from the same photo rendered here"),
        (with_logo, "differs from the same photo rendered here"),
        (blurred, "differs from the same photo rendered here"),
        (lambda photo: encoded(cv2.flip(pixels(photo), 1)), "differs from the same photo rendered here"),
        (lambda photo: encoded(pixels(photo)), "with all versions equal"),
    ],
    ids=[
        "truncated",
        "with bytes after it",
        "html",
        "other size",
        "other photo",
        "logo",
        "blur",
        "mirrored",
        "encoded again",
    ],
)
def test_a_shard_of_forged_photos_is_refused_whole(
    rendered: RemoteBatch, workers: PhotoWorkers, forge: Forge, reason: str
) -> None:
    forge_photos(rendered, forge, count=4)
    assert_first_refused(rendered, rendered.take(workers), reason)


def test_one_photo_that_cannot_be_decoded_costs_its_shard(
    rendered: RemoteBatch, workers: PhotoWorkers
) -> None:
    forge_photos(rendered, lambda photo: photo[:-200], count=1)
    assert_first_refused(rendered, rendered.take(workers), "no photo that we made")


@pytest.mark.parametrize("damage", ["altered", "missing", "shorter"])
def test_a_photo_that_is_not_the_one_of_the_record_costs_its_shard(
    rendered: RemoteBatch, workers: PhotoWorkers, damage: str
) -> None:
    photo = record_of(rendered).photos[2]
    key = rendered.keys.photo(rendered.shards[0].digest, photo.id)
    true = rendered.store.read(key)
    rendered.store.delete(key)
    if damage != "missing":
        rendered.store.create(key, true[:-1] if damage == "shorter" else true[:-1] + b"?")
    reason = {"altered": "digest", "missing": "is missing", "shorter": "bytes"}[damage]
    assert_first_refused(rendered, rendered.take(workers), reason)


@pytest.mark.parametrize("lie", ["a photo left out", "a photo twice", "an unknown photo"])
def test_a_record_with_other_names_is_refused(rendered: RemoteBatch, workers: PhotoWorkers, lie: str) -> None:
    true = record_of(rendered).photos
    photos = {
        "a photo left out": true[1:],
        "a photo twice": (true[0], *true),
        "an unknown photo": (true[0].model_copy(update={"id": "../../x"}), *true[1:]),
    }[lie]
    forge_record(rendered, photos=photos)
    assert_first_refused(rendered, rendered.take(workers), "each of its photos, once")


@pytest.mark.parametrize("text", [b"", b"{}", b'{"digest": NaN}', b"\xff", b"[" * 10_000])
def test_a_record_that_is_none_is_refused_in_one_sentence(
    rendered: RemoteBatch, workers: PhotoWorkers, text: bytes
) -> None:
    overwrite(rendered, rendered.keys.record(rendered.shards[0].digest), text)
    assert_first_refused(rendered, rendered.take(workers), "cannot be read")


@pytest.mark.parametrize(
    ("code", "reason"), [("damaged", "here it can be rendered"), ("crashed", "may pass")]
)
def test_photos_given_up_without_need_cost_their_shard(
    rendered: RemoteBatch, workers: PhotoWorkers, code: str, reason: str
) -> None:
    first, *others = record_of(rendered).photos
    given_up = QuarantinedPhoto(file_name=f"{first.id}.jpg", code=code, reason="too much work")
    forge_record(rendered, photos=tuple(others), quarantined=(given_up,))
    assert_first_refused(rendered, rendered.take(workers), reason)


def test_a_photo_that_is_given_up_here_too_is_so_for_the_reason_found_here(
    render_request: RenderRequest, s3_prefix: ObjectStore, workers: PhotoWorkers
) -> None:
    folder = fill_folder(Path(render_request.photos_folder), listing_ids(4))
    whole = jpeg()
    (folder / "home000_g1.jpg").write_bytes(whole[: len(whole) // 2] + bytes(300) + whole[-300:])
    batch = sent_batch(render_request, s3_prefix)
    assert run_agent(batch)[0] == 0
    (honest,) = record_of(batch).quarantined
    forge_record(batch, quarantined=(honest.model_copy(update={"reason": "\x1b[2J<b>all is well</b>"}),))
    (taken,) = batch.take(workers).taken
    assert taken.quarantined == (honest,)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"versions": {"renderer": "other"}}, "renderer 'other'"),
        ({"code": "0" * 64}, "code is not this machine's"),
        ({"attempt": 7}, "another batch or attempt"),
    ],
)
def test_an_agent_of_other_code_gives_nothing_away(
    rendered: RemoteBatch, workers: PhotoWorkers, change: dict[str, object], reason: str
) -> None:
    manifest = rendered.manifest().model_copy(update=change)
    overwrite(rendered, rendered.keys.manifest, manifest.model_dump_json().encode())
    outcome = rendered.take(workers)
    assert (outcome.taken, [refusal.index for refusal in outcome.refused]) == ((), [0, 1])
    assert reason in outcome.refused[0].reason


def test_a_manifest_that_cannot_be_read_is_none_and_photos_decide(
    rendered: RemoteBatch, workers: PhotoWorkers
) -> None:
    overwrite(rendered, rendered.keys.manifest, b'{"ok": true}')
    outcome = rendered.take(workers)
    assert outcome.manifest is None
    assert len(outcome.taken) == 2


def test_a_photo_to_be_passed_on_as_it_is_must_be_that_file(
    render_request: RenderRequest, s3_prefix: ObjectStore, workers: PhotoWorkers
) -> None:
    fill_folder(Path(render_request.photos_folder), listing_ids(8))
    unmoved = render_request.model_copy(update={"method": "zero_guard", "variant": "zero_guard_v1"})
    batch = sent_batch(unmoved, s3_prefix)
    kinds = {routed.warp.kind for shard in batch.shards for routed in shard.photos}
    assert kinds == {"identity"}
    run_agent(batch)
    forge_photos(batch, lambda _: jpeg(seed=99), count=1)
    assert_first_refused(batch, batch.take(workers), "passed on as it is")


def test_a_shard_that_was_taken_before_is_taken_again(rendered: RemoteBatch, workers: PhotoWorkers) -> None:
    first = rendered.take(workers)
    assert rendered.take(workers) == first

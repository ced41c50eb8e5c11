"""Renders one shard: every photo through a render process into the store, then the shard's record.

A shard that the store already holds is taken as it is, after every photo in it was read back and its
digest compared. Nothing is trusted because it is there.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from prefect import get_run_logger
from pydantic import ValidationError

from infra.errors import ObjectExists, ObjectMissing
from infra.store.interface import ObjectStore
from tasks.adapters import run_store
from tasks.domain.schemas import (
    Engine,
    PhotoShard,
    QuarantinedPhoto,
    RenderedPhoto,
    RenderedShard,
    RoutedPhoto,
)
from tasks.domain.shards import accounts_for, is_intact, is_settled, shard_document
from tasks.failures import step
from tasks.keys import photo_key, shard_key
from tasks.originals import read_original
from tasks.photo_rendering import PHOTO_FAULTS, quarantined_photo, render_routed, rendered_photo
from tasks.photo_workers import PhotoWorkers

_READERS = 8  # photos of a finished shard that are read and verified at once


@step("render shard")
def render_shard(shard: PhotoShard, engine: Engine, folder: str, workers: PhotoWorkers) -> RenderedShard:
    """Render one shard, or take it from the store where it is finished already."""
    store = run_store()
    if (finished := finished_shard(shard, store)) is not None:
        get_run_logger().info("%d photos taken from the store, digests verified", len(finished.photos))
        return finished
    return rendered_shard(shard, engine, Path(folder), workers, store)


def finished_shard(shard: PhotoShard, store: ObjectStore) -> RenderedShard | None:
    """Read the shard's record and verify every photo it names; None where the shard must be rendered.

    A record that does not hold, because it lacks a photo or a photo is missing or altered, is deleted.
    """
    key = shard_key(shard.digest)
    if (stored := store.head(key)) is None:
        return None
    record = _parse_record(store.read(key))
    if record is not None and accounts_for(record, shard):
        with ThreadPoolExecutor(_READERS) as readers:
            if all(readers.map(lambda photo: _is_stored(shard, photo, store), record.photos)):
                return record
    store.delete(key, expected=stored.version)
    return None


def rendered_shard(
    shard: PhotoShard, engine: Engine, folder: Path, workers: PhotoWorkers, store: ObjectStore
) -> RenderedShard:
    """Render every photo of the shard and store it, then store the record.

    The record is kept out of the store while a photo was lost for a reason that may pass.
    """

    def outcome(routed: RoutedPhoto) -> RenderedPhoto | QuarantinedPhoto:
        return _render_photo(routed, shard, engine, folder, workers, store)

    with ThreadPoolExecutor(workers.processes + 2) as threads:  # two more read and store meanwhile
        outcomes = list(threads.map(outcome, shard.photos))
    record = RenderedShard(
        digest=shard.digest,
        photos=tuple(photo for photo in outcomes if isinstance(photo, RenderedPhoto)),
        quarantined=tuple(photo for photo in outcomes if isinstance(photo, QuarantinedPhoto)),
    )
    if is_settled(record):
        keep_record(store, record)
    return record


def keep_record(store: ObjectStore, record: RenderedShard) -> None:
    """Write the record that finishes a shard; the photos it names are stored."""
    with suppress(ObjectExists):  # another run was faster; the next one to read it will judge it
        store.create(shard_key(record.digest), shard_document(record))


def _parse_record(text: bytes) -> RenderedShard | None:
    try:
        return RenderedShard.model_validate_json(text)
    except ValidationError:
        return None


def _render_photo(
    routed: RoutedPhoto,
    shard: PhotoShard,
    engine: Engine,
    folder: Path,
    workers: PhotoWorkers,
    store: ObjectStore,
) -> RenderedPhoto | QuarantinedPhoto:
    try:
        original = read_original(folder, routed.photo)
        encoded = render_routed(routed, original, engine, workers)
    except PHOTO_FAULTS as error:
        return quarantined_photo(routed, error)
    keep_photo(store, photo_key(shard.digest, routed.photo.id), encoded.jpeg, encoded.sha256)
    return rendered_photo(routed, encoded)


def keep_photo(store: ObjectStore, key: str, jpeg: bytes, sha256: str) -> None:
    """Store a rendered photo; other bytes under its key are damaged, since the key tells its content."""
    try:
        store.create(key, jpeg, sha256=sha256)
    except ObjectExists:
        if (damaged := store.head(key)) is not None:
            store.delete(key, expected=damaged.version)
        store.create(key, jpeg, sha256=sha256)


def _is_stored(shard: PhotoShard, photo: RenderedPhoto, store: ObjectStore) -> bool:
    try:
        return is_intact(photo, store.read(photo_key(shard.digest, photo.id)))
    except ObjectMissing:
        return False

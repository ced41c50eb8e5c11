"""Sends a batch of shards to a rented machine: inputs, specification, leave to go on; and ends it.

A batch that was sent is not sent again: whoever meets its specification goes on waiting for the same agent.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from infra.errors import ObjectExists
from infra.store.interface import ObjectStore
from tasks.agent_bundle import agent_bundle, bootstrap_script, store_bundle
from tasks.domain.batches import (
    FORMAT,
    Accelerator,
    BatchShard,
    BatchSpec,
    batch_digest,
)
from tasks.domain.schemas import Engine, PhotoRef, PhotoShard
from tasks.keys import BatchKeys, input_key
from tasks.leave import Leave
from tasks.originals import OriginalChanged, read_original

_SENDERS: Final = 8  # photos that are looked up and sent at once
_GRACE_S: Final = 3600  # that URLs outlive the deadline: to upload the last photos and the manifest
_GO_ON: Final = b"go on\n"
_TAKEN: Final = b"taken\n"


@dataclass(frozen=True, slots=True)
class BatchTerms:
    """What a batch may take.

    Attributes:
        deadline: When the agent stops at the latest; with a zone, within a week.
        heartbeat_s: Seconds between two signs of life.
        photo_timeout_s: Seconds that one photo may take.
        photo_memory_mb: Address space of a render process on a CPU; None for no limit.
    """

    accelerator: Accelerator
    deadline: datetime
    heartbeat_s: float = 15.0
    photo_timeout_s: float = 60.0
    photo_memory_mb: int | None = 3072


@dataclass(frozen=True, slots=True)
class SentBatch:
    """A batch that an agent can start on."""

    keys: BatchKeys
    spec_url: str = field(repr=False)
    """Presigned GET; a credential until it expires."""


def send_batch(
    shards: Sequence[PhotoShard],
    engine: Engine,
    terms: BatchTerms,
    *,
    attempt: int,
    now: datetime,
    folder: Path,
    store: ObjectStore,
) -> SentBatch:
    """Store what an agent needs, the specification last.

    A photo that is no longer what the run was planned with is not sent, and the agent will miss it.

    Raises:
        PresignUnsupported: The store is a local folder.
    """
    keys = BatchKeys(batch_digest(shards), attempt)
    expires_s = int((terms.deadline - now).total_seconds()) + _GRACE_S
    if store.head(keys.spec) is None:
        photos = [routed.photo for shard in shards for routed in shard.photos]
        spec = _spec(shards, engine, terms, keys, Leave(store, expires_s))
        with ThreadPoolExecutor(_SENDERS) as senders:
            list(senders.map(lambda photo: _send_input(photo, folder, store), photos))
        store.create(keys.control, _GO_ON)
        _create_once(store, keys.start, _start_script(keys, store, expires_s))
        _create_once(store, keys.spec, spec.model_dump_json())
    return SentBatch(keys, store.presign_get(keys.spec, expires_s=expires_s))


def cancel_batch(keys: BatchKeys, store: ObjectStore) -> None:
    """Make the agent stop at its next look; repeating it is harmless."""
    store.delete(keys.control)


def clear_batch(keys: BatchKeys, store: ObjectStore) -> None:
    """Mark an ended batch as taken and remove its URLs and copies; manifest, log and shard records stay."""
    store.create(keys.taken, _TAKEN)
    store.delete(keys.control)
    store.delete(keys.start)
    store.delete(keys.spec)
    with ThreadPoolExecutor(_SENDERS) as removers:
        list(removers.map(store.delete, [found.key for found in store.list(f"{keys.prefix}photos/")]))


def _create_once(store: ObjectStore, key: str, text: str) -> None:
    """Store what another process may have sent meanwhile, with URLs of its own."""
    with suppress(ObjectExists):
        store.create(key, text.encode())


def _start_script(keys: BatchKeys, store: ObjectStore, expires_s: int) -> str:
    """What a machine without our image starts with: this machine's agent, on this batch."""
    bundle = agent_bundle()
    bundle_url = store.presign_get(store_bundle(bundle, store), expires_s=expires_s)
    return bootstrap_script(bundle_url, bundle.sha256, store.presign_get(keys.spec, expires_s=expires_s))


def _send_input(photo: PhotoRef, folder: Path, store: ObjectStore) -> None:
    key = input_key(photo.sha256)
    if store.head(key) is None:
        with suppress(OriginalChanged):
            store.create(key, read_original(folder, photo), sha256=photo.sha256)


def _spec(
    shards: Sequence[PhotoShard], engine: Engine, terms: BatchTerms, keys: BatchKeys, leave: Leave
) -> BatchSpec:
    return BatchSpec(
        format=FORMAT,
        digest=keys.digest,
        attempt=keys.attempt,
        engine=engine,
        accelerator=terms.accelerator,
        deadline=terms.deadline,
        heartbeat_s=terms.heartbeat_s,
        photo_timeout_s=terms.photo_timeout_s,
        photo_memory_mb=terms.photo_memory_mb,
        shards=tuple(_batch_shard(shard, keys, leave) for shard in shards),
        control=leave.to_read(keys.control),
        heartbeat=leave.to_replace(keys.heartbeat),
        log=leave.to_replace(keys.log),
        manifest=leave.to_create(keys.manifest),
    )


def _batch_shard(shard: PhotoShard, keys: BatchKeys, leave: Leave) -> BatchShard:
    photos = [routed.photo for routed in shard.photos]
    return BatchShard(
        shard=shard,
        inputs=tuple(leave.to_read(input_key(photo.sha256)) for photo in photos),
        outputs=tuple(leave.to_create(keys.photo(shard.digest, photo.id)) for photo in photos),
        record=leave.to_create(keys.record(shard.digest)),
    )

"""Takes what a rented machine has rendered, once it is found to be what was asked for.

Nothing that the machine says is believed. Every photo is read and hashed, decoded strictly and measured; some
of each shard, chosen by a number that the machine cannot know, are rendered here too and compared; a photo
that it says cannot be rendered is tried here. An engine that is this machine's in every version must give the
same bytes; others may differ by as much as engines do. One photo that fails costs its shard, of which nothing
enters ``renders/``; the other shards stay. A shard counts from its record on, with or without a manifest: so
what was finished before a machine was lost is taken.
"""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from gpu.fingerprint import block_tolerance
from gpu.jpeg.rejection import PhotoRejected
from gpu.remap.backend import BackendName
from gpu.render import EncodedPhoto, engine_versions
from gpu.verification import ComparisonJob, OutputJob, check_photo, compare_photo
from infra.errors import ObjectMissing
from infra.store.interface import ObjectStore
from tasks.agent.sources import code_digest
from tasks.domain.batches import AgentManifest, differing_versions, read_manifest, read_shard_record
from tasks.domain.errors import DocumentError, DomainError
from tasks.domain.schemas import (
    Engine,
    IdentityWarp,
    PhotoShard,
    QuarantinedPhoto,
    Record,
    RenderedPhoto,
    RenderedShard,
    RoutedPhoto,
)
from tasks.domain.shards import accounts_for, is_intact, is_settled
from tasks.keys import BatchKeys, photo_key
from tasks.originals import OriginalChanged, read_original
from tasks.photo_rendering import quarantined_photo, render_job, render_routed
from tasks.photo_workers import PhotoLost, PhotoWorkers
from tasks.rendering import keep_photo, keep_record

SAMPLES: Final = 2
"""Photos of each shard that are rendered here too; of 50 they find 25 forged ones at 3 of 4 tries."""

_LONGEST_WORD: Final = 4 << 20  # bytes of a manifest or record
_LARGEST_PHOTO: Final = 256 << 20  # bytes; nothing longer is read


class ShardRefused(DomainError):
    """A shard is not what it is said to be."""


class RefusedShard(Record):
    """A shard that was refused, and why."""

    index: int
    reason: str
    """One sentence."""


class BatchOutcome(Record):
    """What became of a batch."""

    taken: tuple[RenderedShard, ...]
    refused: tuple[RefusedShard, ...]
    missing: tuple[int, ...]
    """Indices of shards that the agent did not finish."""
    manifest: AgentManifest | None
    """None where the agent left none, or none that can be read."""


class BatchReader:
    """Reads and judges one attempt at a batch.

    Args:
        keys: Where its objects lie.
        engine: What the batch was sent with; its back end need not run here.
        folder: The originals.
        workers: Render processes, for photos may be hostile.
        nonce: A fresh random text, drawn after the batch was sent.
        backend: What this machine renders with; photos of any back end are compared by one tolerance.
    """

    def __init__(
        self,
        keys: BatchKeys,
        engine: Engine,
        *,
        folder: Path,
        workers: PhotoWorkers,
        store: ObjectStore,
        nonce: str,
        backend: BackendName = "opencv",
    ) -> None:
        self._keys = keys
        self._engine = engine
        self._engine_here = engine.model_copy(update={"backend": backend})
        self._folder = folder
        self._workers = workers
        self._store = store
        self._nonce = nonce
        self._is_twin = False

    def take(self, shards: Iterable[PhotoShard]) -> BatchOutcome:
        """Take the shards that hold, and say what is wrong with the others."""
        manifest = self._manifest()
        taken: list[RenderedShard] = []
        refused: list[RefusedShard] = []
        missing: list[int] = []
        for shard in shards:
            try:
                record = self._taken(shard, manifest)
            except ShardRefused as refusal:
                refused.append(RefusedShard(index=shard.index, reason=str(refusal)))
                continue
            if record is None:
                missing.append(shard.index)
            else:
                taken.append(record)
        return BatchOutcome(
            taken=tuple(taken), refused=tuple(refused), missing=tuple(missing), manifest=manifest
        )

    def _manifest(self) -> AgentManifest | None:
        text = self._small_object(self._keys.manifest)
        try:
            return read_manifest(text) if text is not None else None
        except DocumentError:
            return None

    def _small_object(self, key: str) -> bytes | None:
        stored = self._store.head(key)
        return self._store.read(key) if stored is not None and stored.size <= _LONGEST_WORD else None

    def _taken(self, shard: PhotoShard, manifest: AgentManifest | None) -> RenderedShard | None:
        text = self._small_object(self._keys.record(shard.digest))
        if text is None:
            return None
        if manifest is not None:
            self._check_manifest(manifest)
            self._is_twin = manifest.versions == engine_versions(self._engine_here.backend)
        record = _record_of(shard, text)
        with ThreadPoolExecutor(self._workers.processes + 2) as threads:
            list(threads.map(lambda photo: self._check(shard, photo), record.photos))
            given_up = threads.map(lambda photo: self._given_up_here(shard, photo), record.quarantined)
            record = record.model_copy(update={"quarantined": tuple(given_up)})
            list(threads.map(lambda photo: self._compare(shard, photo), self._samples(shard, record)))
            list(threads.map(lambda photo: self._keep(shard, photo), record.photos))
        keep_record(self._store, record)
        return record

    def _check_manifest(self, manifest: AgentManifest) -> None:
        if (manifest.digest, manifest.attempt) != (self._keys.digest, self._keys.attempt):
            raise ShardRefused("the manifest is of another batch or attempt")
        if differing := differing_versions(self._engine, manifest.versions):
            raise ShardRefused(f"the agent had {', '.join(differing)}")
        if manifest.code != code_digest():
            raise ShardRefused("the agent's code is not this machine's; renew its bundle or image")

    def _check(self, shard: PhotoShard, photo: RenderedPhoto) -> None:
        """Look at everything about a photo that can be known without rendering it."""
        routed = _routed(shard, photo.id)
        body = self._body(shard, photo)
        if isinstance(routed.warp, IdentityWarp) and photo.sha256 != routed.photo.sha256:
            raise ShardRefused(f"{photo.id}.jpg was to be passed on as it is, and is another file")
        job = OutputJob(body, routed.photo.width, routed.photo.height)
        try:
            self._workers.run(check_photo, job)
        except (PhotoRejected, PhotoLost) as error:
            raise ShardRefused(f"{photo.id}.jpg is no photo that we made: {error}") from error

    def _body(self, shard: PhotoShard, photo: RenderedPhoto) -> bytes:
        key = self._keys.photo(shard.digest, photo.id)
        stored = self._store.head(key)
        if stored is None or stored.size != photo.size or stored.size > _LARGEST_PHOTO:
            found = "is missing" if stored is None else f"has {stored.size} bytes"
            raise ShardRefused(f"{photo.id}.jpg {found}; its record promises {photo.size} bytes")
        try:
            body = self._store.read(key)
        except ObjectMissing as error:
            raise ShardRefused(f"{photo.id}.jpg is missing") from error
        if not is_intact(photo, body):
            raise ShardRefused(f"{photo.id}.jpg has not the digest that its record promises")
        return body

    def _given_up_here(self, shard: PhotoShard, photo: QuarantinedPhoto) -> QuarantinedPhoto:
        """Try here what was given up there; the reason that is kept is this machine's."""
        routed = _routed(shard, photo.file_name.removesuffix(".jpg"))
        try:
            self._render_here(routed)
        except PhotoRejected as error:
            if error.code == photo.code:
                return quarantined_photo(routed, error)
            raise ShardRefused(
                f"{photo.file_name} was given up as {photo.code!r}; here it is {error.code!r}"
            ) from error
        raise ShardRefused(f"{photo.file_name} was given up as {photo.code!r}; here it can be rendered")

    def _samples(self, shard: PhotoShard, record: RenderedShard) -> list[RenderedPhoto]:
        def draw(photo: RenderedPhoto) -> str:
            ticket = f"{self._keys.digest}/{self._nonce}/{shard.digest}/{photo.id}"
            return hashlib.sha256(ticket.encode()).hexdigest()

        warped = [
            photo
            for photo in record.photos
            if not isinstance(_routed(shard, photo.id).warp, IdentityWarp)  # those were compared in full
        ]
        return sorted(warped, key=draw)[:SAMPLES]

    def _compare(self, shard: PhotoShard, photo: RenderedPhoto) -> None:
        routed = _routed(shard, photo.id)
        if self._is_twin:
            if self._render_here(routed).sha256 != photo.sha256:
                raise ShardRefused(
                    f"{photo.id}.jpg differs from the same photo rendered here, with all versions equal"
                )
            return
        body = self._body(shard, photo)
        job = render_job(routed, self._original(routed), self._engine_here)
        try:
            apart = self._workers.run(compare_photo, ComparisonJob(body, job))
        except (PhotoRejected, PhotoLost) as error:
            raise ShardRefused(f"{photo.id}.jpg cannot be compared: {error}") from error
        if apart > (limit := block_tolerance(self._engine.quality)):
            raise ShardRefused(
                f"{photo.id}.jpg differs from the same photo rendered here by {apart:.1f} grey levels in one "
                f"block; {limit:.1f} are allowed"
            )

    def _keep(self, shard: PhotoShard, photo: RenderedPhoto) -> None:
        keep_photo(self._store, photo_key(shard.digest, photo.id), self._body(shard, photo), photo.sha256)

    def _render_here(self, routed: RoutedPhoto) -> EncodedPhoto:
        try:
            return render_routed(routed, self._original(routed), self._engine_here, self._workers)
        except PhotoLost as error:
            raise ShardRefused(f"{routed.photo.id}.jpg cannot be compared: {error}") from error

    def _original(self, routed: RoutedPhoto) -> bytes:
        try:
            return read_original(self._folder, routed.photo)
        except OriginalChanged as error:
            raise ShardRefused(f"{routed.photo.id}.jpg cannot be compared: {error}") from error


def _record_of(shard: PhotoShard, text: bytes) -> RenderedShard:
    try:
        record = read_shard_record(text)
    except DocumentError as error:
        raise ShardRefused(f"its record cannot be read: {error.problems[0]}") from error
    if not accounts_for(record, shard):
        raise ShardRefused("its record does not tell what became of each of its photos, once")
    if not is_settled(record):
        raise ShardRefused("its record names photos that were lost for a reason that may pass")
    return record


def _routed(shard: PhotoShard, photo_id: str) -> RoutedPhoto:
    return next(routed for routed in shard.photos if routed.photo.id == photo_id)

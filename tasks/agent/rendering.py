"""Renders the shards of a batch: each photo read, rendered and stored; a shard's record after its photos.

Photos of all shards overlap, so that no process waits for the network, yet shards are finished in order: what
was finished when a machine is lost can be taken. Render pools, one for each GPU, take photos in turn.
"""

import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final, Literal

from tasks.agent import store
from tasks.agent.errors import AgentError
from tasks.agent.inputs import mounted_photos, read_input
from tasks.agent.journal import Journal
from tasks.agent.stopping import Stop, Stopped
from tasks.domain.batches import BatchShard, BatchSpec, read_shard_record
from tasks.domain.errors import DocumentError
from tasks.domain.schemas import QuarantinedPhoto, RenderedPhoto, RenderedShard
from tasks.domain.shards import accounts_for, is_settled, shard_document
from tasks.photo_rendering import PHOTO_FAULTS, quarantined_photo, render_routed, rendered_photo
from tasks.photo_workers import PhotoWorkers, WorkersStopped

Stage = Literal["fetch", "render", "upload"]
Outcome = RenderedPhoto | QuarantinedPhoto | None
"""None: not done, because the agent stops."""

_MORE_THREADS: Final = 8  # that read and store while the others render; a transfer takes longer than a GPU
_LONGEST_RECORD: Final = 4 << 20  # bytes


class Progress:
    """Counts and times; safe to use from many threads."""

    def __init__(self) -> None:
        self.photos = 0
        self.shards = 0
        self.seconds: dict[Stage, float] = {"fetch": 0.0, "render": 0.0, "upload": 0.0}
        self._lock = Lock()

    @contextmanager
    def timed(self, stage: Stage) -> Iterator[None]:
        """Add the seconds of the block to a stage."""
        began = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self.seconds[stage] += time.monotonic() - began

    def count(self, *, photos: int = 0, shards: int = 0) -> None:
        """Add to what is done."""
        with self._lock:
            self.photos += photos
            self.shards += shards


class BatchRendering:
    """The work of one batch on the render pools of this machine."""

    def __init__(
        self,
        spec: BatchSpec,
        pools: Sequence[PhotoWorkers],
        *,
        input_root: Path,
        stop: Stop,
        progress: Progress,
        journal: Journal,
    ) -> None:
        self._spec = spec
        self._pools = pools
        self._stop = stop
        self._progress = progress
        self._journal = journal
        names = [f"{routed.photo.id}.jpg" for one in spec.shards for routed in one.shard.photos]
        self._mounted = mounted_photos(input_root, names)

    def run(self) -> tuple[RenderedShard, ...]:
        """Render until all is done or a stop is asked for; returns the shards that are finished."""
        threads = sum(pool.processes for pool in self._pools) + _MORE_THREADS
        finished: list[RenderedShard] = []
        with ThreadPoolExecutor(threads) as executor:
            begun = [(one, self._earlier(one) or self._begin(one, executor)) for one in self._spec.shards]
            for one, work in begun:
                record = work if isinstance(work, RenderedShard) else self._finished(one, work)
                if record is not None:
                    self._progress.count(shards=1)
                    finished.append(record)
        return tuple(finished)

    def _earlier(self, one: BatchShard) -> RenderedShard | None:
        """Read the record of a shard that was finished before this machine was started anew."""
        try:
            text = store.read_if_there(one.record.get, what="a shard's record", max_bytes=_LONGEST_RECORD)
            record = read_shard_record(text) if text is not None else None
        except (AgentError, DocumentError):  # rendered again, it meets the same bytes
            return None
        if record is None or not accounts_for(record, one.shard):
            return None
        self._progress.count(photos=len(one.shard.photos))
        return record

    def _begin(self, one: BatchShard, executor: ThreadPoolExecutor) -> "list[Future[Outcome]]":
        return [executor.submit(self._outcome, one, index) for index in range(len(one.shard.photos))]

    def _finished(self, one: BatchShard, work: "list[Future[Outcome]]") -> RenderedShard | None:
        outcomes = [future.result() for future in work]
        record = RenderedShard(
            digest=one.shard.digest,
            photos=tuple(photo for photo in outcomes if isinstance(photo, RenderedPhoto)),
            quarantined=tuple(photo for photo in outcomes if isinstance(photo, QuarantinedPhoto)),
        )
        for lost in record.quarantined:
            self._journal.say(f"{lost.file_name}: {lost.code}: {lost.reason}")
        if None in outcomes or not self._is_settled(record):
            return None
        with self._stopping_on_errors():
            store.create(one.record, shard_document(record), what=f"the record of shard {one.shard.index}")
            return record
        return None

    def _is_settled(self, record: RenderedShard) -> bool:
        if is_settled(record):
            return True
        changed = [photo for photo in record.quarantined if photo.code == "changed"]
        lost = (changed or record.quarantined)[0]
        self._stop.remember(
            "inputs_damaged" if changed else "failed", f"{lost.file_name} was lost: {lost.reason}"
        )
        return False

    def _outcome(self, one: BatchShard, index: int) -> Outcome:
        with self._stopping_on_errors():
            self._stop.check()
            outcome = self._photo(one, index)
            self._progress.count(photos=1)
            return outcome
        return None

    def _photo(self, one: BatchShard, index: int) -> RenderedPhoto | QuarantinedPhoto:
        routed, pool = one.shard.photos[index], self._pools[index % len(self._pools)]
        try:
            with self._progress.timed("fetch"):
                original = read_input(routed.photo, one.inputs[index], self._mounted)
            with self._progress.timed("render"):
                encoded = render_routed(routed, original, self._spec.engine, pool)
        except PHOTO_FAULTS as error:
            return quarantined_photo(routed, error)
        with self._progress.timed("upload"):
            store.create(one.outputs[index], encoded.jpeg, what=f"output {routed.photo.id!r}")
        return rendered_photo(routed, encoded)

    @contextmanager
    def _stopping_on_errors(self) -> Iterator[None]:
        """Turn whatever goes wrong in the block into a reason to stop; the block then gives nothing."""
        try:
            yield
        except (Stopped, WorkersStopped):
            pass
        except AgentError as error:
            self._stop.ask("store_refused", str(error))
        except Exception as error:  # the edge of a thread: the batch ends, its log tells why
            self._journal.say(traceback.format_exc())
            self._stop.ask("failed", f"{type(error).__name__}: {error}")

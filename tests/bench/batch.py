"""Times what a batch costs beyond rendering, without any provider: ``python -m tests.bench.batch``.

    here    the same shards rendered by this machine's own render processes, into the same store
    send    inputs, specification and start script into the store; sent again, it is found there
    agent   a fresh process, from its start to its manifest
    take    every photo verified, two of each shard rendered again and compared, all copied

Photos are those of ``tests.bench.drawing``; the store is a real S3 server on loopback.
"""

import argparse
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from infra.store.interface import ObjectStore
from infra.store.opening import open_store
from infra.store.seaweedfs import seaweedfs
from tasks.domain.schemas import RenderRequest
from tasks.inventory import inventory_of
from tasks.photo_workers import PhotoWorkers, open_photo_workers
from tasks.planning import engine_here, planned_run
from tasks.rendering import rendered_shard
from tests.bench.drawing import fill
from tests.remote_batch import run_agent, sent_batch
from tests.render_requests import request_for

T = TypeVar("T")


def main() -> None:
    """Print one line for each step: seconds in all, and milliseconds a photo."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.batch", description=main.__doc__)
    parser.add_argument("--photos", type=int, default=100, help="in shards of 25 (%(default)s)")
    photos: int = parser.parse_args().photos
    with tempfile.TemporaryDirectory(prefix="calibguard-bench-") as top:
        folder = fill(Path(top), count=photos)[0].parent
        with (
            seaweedfs(Path(top) / "s3", bucket="bench") as s3,
            open_photo_workers(processes=2, timeout_s=60, memory_mb=3072) as workers,
        ):
            store = open_store(f"s3://bench/{uuid.uuid4().hex}", s3=s3)
            _told("here", photos, lambda: _rendered_here(folder, workers, store))
            batch = _told("send", photos, lambda: sent_batch(_request(folder), store))
            status, output = _told("agent", photos, lambda: run_agent(batch))
            if status != 0:
                raise SystemExit(output)
            spent = batch.manifest()
            print(
                f"  of it, summed over photos that overlap: fetch {spent.fetch_s:.1f} s, "
                f"render {spent.render_s:.1f} s, upload {spent.upload_s:.1f} s"
            )
            outcome = _told("take", photos, lambda: batch.take(workers))
            if outcome.missing or outcome.refused:
                raise SystemExit(f"not all shards were taken: {outcome}")
            _told("send again", photos, lambda: sent_batch(_request(folder), store))
            print(f"specification: {len(store.read(batch.keys.spec)) / 1000:.0f} kB")


def _request(folder: Path) -> RenderRequest:
    return request_for(folder, "global_grid", "seed", shard_size=25)


def _rendered_here(folder: Path, workers: PhotoWorkers, store: ObjectStore) -> None:
    engine = engine_here("opencv", quality=95)
    plan = planned_run(
        inventory_of(folder), _request(folder), engine, run_id="here", created=datetime.now(UTC), store=store
    )
    for shard in plan.shards:
        rendered_shard(shard, engine, folder, workers, store)


def _told(step: str, photos: int, work: Callable[[], T]) -> T:
    began = time.monotonic()
    done = work()
    spent = time.monotonic() - began
    print(f"{step:12}{spent:8.2f} s{1000 * spent / photos:8.1f} ms a photo", flush=True)
    return done


if __name__ == "__main__":
    main()

"""A planned run whose shards go to an agent: a real process that has nothing but its environment."""

import os
import subprocess
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.store.interface import ObjectStore
from tasks.batch_taking import BatchOutcome, BatchReader
from tasks.batching import BatchTerms, SentBatch, send_batch
from tasks.domain.batches import AgentManifest, BatchSpec, read_manifest, read_spec
from tasks.domain.schemas import Engine, PhotoShard, RenderRequest
from tasks.inventory import inventory_of
from tasks.keys import BatchKeys
from tasks.photo_workers import PhotoWorkers
from tasks.planning import planned_run, remote_engine

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class RemoteBatch:
    """A batch in the store, and what it was made of."""

    sent: SentBatch
    shards: tuple[PhotoShard, ...]
    engine: Engine
    folder: Path
    store: ObjectStore

    @property
    def keys(self) -> BatchKeys:
        return self.sent.keys

    def spec(self) -> BatchSpec:
        return read_spec(self.store.read(self.keys.spec))

    def manifest(self) -> AgentManifest:
        return read_manifest(self.store.read(self.keys.manifest))

    def log(self) -> str:
        return self.store.read(self.keys.log).decode()

    def take(self, workers: PhotoWorkers) -> BatchOutcome:
        reader = BatchReader(
            self.keys,
            self.engine,
            folder=self.folder,
            workers=workers,
            store=self.store,
            nonce=uuid.uuid4().hex,
        )
        return reader.take(self.shards)

    def alter_spec(self, **changes: object) -> None:
        """Tell the agent something else."""
        changed = self.spec().model_copy(update=changes)
        self.store.delete(self.keys.spec)
        self.store.create(self.keys.spec, changed.model_dump_json().encode())


def sent_batch(
    request: RenderRequest, store: ObjectStore, *, engine: Engine | None = None, deadline_s: float = 600
) -> RemoteBatch:
    """Plan a run and send all its shards as one batch."""
    now, folder = datetime.now(UTC), Path(request.photos_folder)
    engine = engine or remote_engine("opencv", quality=95)
    plan = planned_run(inventory_of(folder), request, engine, run_id="run", created=now, store=store)
    terms = BatchTerms("none", now + timedelta(seconds=deadline_s), heartbeat_s=0.2)
    sent = send_batch(plan.shards, engine, terms, attempt=0, now=now, folder=folder, store=store)
    return RemoteBatch(sent, plan.shards, engine, folder, store)


def start_agent(
    spec_url: str, *arguments: str, environment: Mapping[str, str] | None = None, python: str = sys.executable
) -> "subprocess.Popen[str]":
    """Start the agent with an environment of its own."""
    return subprocess.Popen(
        [python, "-m", "tasks.agent", *arguments],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "CALIBGUARD_SPEC_URL": spec_url,
            **(environment or {}),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_agent(batch: RemoteBatch, *, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run the agent to its end: exit status and output."""
    agent = start_agent(batch.sent.spec_url, environment=environment)
    output, _ = agent.communicate(timeout=180)
    return agent.returncode, output

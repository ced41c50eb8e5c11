"""A Kaggle worker of this process on a real server, a fake Kaggle, and batches that act as they are told."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.states import Scheduled

from deployments.children import terminate
from infra.settings import load_settings
from infra.store.interface import ObjectStore
from infra.store.opening import configured_store
from infra.store.s3_connection import S3Credentials
from infra.workers.kaggle import KaggleWorker
from tests.fake_kaggle.running import running_fake_kaggle
from tests.fake_kaggle.service import TOKEN, FakeKaggle
from tests.faults.stores import environment
from tests.infra.workers.desk import QUICK, ROOT, Desk
from tests.infra.workers.scripted import ScriptedWorker
from tests.rented import FolderProvider

_AGENT = dedent(
    """
    import json, sys, time, urllib.request
    told = json.loads({told!r})
    def put(url, body, **headers):
        request = urllib.request.Request(url, data=body, method="PUT", headers=headers)
        urllib.request.urlopen(request, timeout=20).close()
    def beat(number):
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        put(told["heartbeat"], json.dumps({{"at": at, "photos": 9, "photos_done": number}}).encode())
    def goes_on():
        try:
            urllib.request.urlopen(told["control"], timeout=20).close()
        except urllib.error.HTTPError:
            return False
        return True
    def end(ok, reason, sentence):
        own = {{"digest": told["digest"], "attempt": 0}}
        word = json.dumps({{"ok": ok, "reason": reason, "sentence": sentence, **own}}).encode()
        put(told["manifest"], word, **told["headers"])
    """
)


@dataclass
class Bench:
    """What a test of the worker works with."""

    kaggle: FakeKaggle
    store: ObjectStore
    pool: str
    api_url: str

    def batch(self, script: str) -> str:
        """Store a batch whose kernel runs ``script`` after the agent's first words; gives its digest."""
        digest = uuid.uuid4().hex * 2
        prefix = f"batches/{digest}/0/"
        leave = self.store.presign_create(f"{prefix}manifest.json", expires_s=600)
        told = {
            "digest": digest,
            "heartbeat": self.store.presign_replace(f"{prefix}heartbeat.json", expires_s=600).url,
            "control": self.store.presign_get(f"{prefix}control", expires_s=600),
            "manifest": leave.url,
            "headers": dict(leave.headers),
        }
        self.store.create(f"{prefix}control", b"go on")
        agent = _AGENT.format(told=json.dumps(told)) + dedent(script)
        self.store.create(f"{prefix}start.py", agent.encode())
        self.store.create(f"{prefix}spec.json", b"{}")
        return digest

    def run(self, digest: str, *, minutes: float = 10) -> UUID:
        """Schedule a run of the batch on the pool."""
        parameters: dict[str, object] = {
            "batch": digest,
            "attempt": 0,
            "accelerator": "none",
            "deadline": (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(),
        }
        with get_client(sync_client=True) as client:
            flow = client.create_flow_from_name("render-batch")
            deployment = client.create_deployment(
                flow_id=flow, name=self.pool, work_pool_name=self.pool, enforce_parameter_schema=False
            )
            return client.create_flow_run_from_deployment(
                deployment, parameters=parameters, state=Scheduled()
            ).id

    @contextmanager
    def worker(self, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Run a worker as a user does; it is stopped at the end, and its words are kept."""
        command = [
            sys.executable,
            "-m",
            "prefect",
            "worker",
            "start",
            "--pool",
            self.pool,
            "--type",
            "kaggle",
        ]
        told = {
            "PYTHONPATH": str(ROOT),
            "PREFECT_API_URL": self.api_url,
            "PREFECT_WORKER_QUERY_SECONDS": "0.5",
            **environment,
        }
        with Path("worker.log").open("ab") as log:
            worker = subprocess.Popen(command, env={**os.environ, **told}, stdout=log, stderr=log)
            try:
                yield worker
            finally:
                terminate(worker)

    def await_state(self, run: UUID, *names: str, patience_s: float = 120) -> tuple[str, str]:
        """Wait until a run is in one of these states; gives its name and message."""
        until = time.monotonic() + patience_s
        with get_client(sync_client=True) as client:
            while time.monotonic() < until:
                state = client.read_flow_run(run).state
                if state is not None and state.name in names:
                    return state.name, state.message or ""
                time.sleep(0.2)
        raise AssertionError(f"still {state}; the worker says: {Path('worker.log').read_text()[-3000:]}")


@pytest.fixture
def worker_settings(
    tmp_path: Path, s3_server: S3Credentials, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store on S3 that settings name; workers look for what is left behind every second."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALIBGUARD_STORE_URL", f"s3://tests/{uuid.uuid4().hex}")
    monkeypatch.setenv("CALIBGUARD_REMOTE_REAP_S", "1")
    for name, value in environment(s3_server).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def desk(worker_settings: None, tmp_path: Path, prefect_api: str, s3_server: S3Credentials) -> Desk:
    """A pool whose machines are folders."""
    pool = make_pool("scripted", ScriptedWorker.get_default_base_job_template())
    machines = FolderProvider(tmp_path / "machines")
    secret = s3_server.secret_access_key.get_secret_value()
    return Desk(pool, configured_store(load_settings()), machines, prefect_api, secret)


@pytest.fixture
def bench(
    worker_settings: None, tmp_path: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    """A fake Kaggle and a pool of its kind, named by settings."""
    with running_fake_kaggle(tmp_path / "kaggle") as kaggle:
        monkeypatch.setenv("CALIBGUARD_KAGGLE_API_URL", kaggle.url)
        monkeypatch.setenv("CALIBGUARD_KAGGLE_API_TOKEN", TOKEN)
        pool = make_pool("kaggle", KaggleWorker.get_default_base_job_template())
        yield Bench(kaggle, configured_store(load_settings()), pool, prefect_api)


def make_pool(kind: str, template: dict[str, Any]) -> str:
    """Create a pool with little patience; gives its name."""
    name = f"{kind}-{uuid.uuid4().hex[:8]}"
    for variable, value in QUICK.items():
        template["variables"]["properties"][variable]["default"] = value
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=name, type=kind, base_job_template=template))
    return name

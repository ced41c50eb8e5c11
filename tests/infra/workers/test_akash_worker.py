"""The Akash worker on a real Prefect server and a fake Akash that runs what is leased."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from infra.workers.akash import AkashWorker
from tests.akash_cases import IMAGE
from tests.fake_akash.running import running_fake_akash
from tests.fake_akash.service import API_KEY
from tests.infra.workers.conftest import make_pool
from tests.infra.workers.desk import Desk
from tests.rented import Agent
from tests.waiting import ENDLESS

_TELLS = """
import json, os, urllib.request
with urllib.request.urlopen(os.environ["CALIBGUARD_SPEC_URL"], timeout=20) as answer:
    told = json.load(answer)
body = json.dumps(told["says"]).encode()
request = urllib.request.Request(told["put"], data=body, method="PUT", headers=told["headers"])
urllib.request.urlopen(request, timeout=20).close()
"""
AGENT = _TELLS + ENDLESS  # a container that ends is started again


def batch_that_says(desk: Desk, **members: object) -> Agent:
    """A batch whose container leaves this manifest."""
    agent = Agent(desk.store)
    _, digest, attempt, _ = agent.prefix.split("/")
    leave = desk.store.presign_create(f"{agent.prefix}manifest.json", expires_s=600)
    says = {"digest": digest, "attempt": int(attempt), **members}
    spec = {"put": leave.url, "headers": dict(leave.headers), "says": says}
    desk.store.create(f"{agent.prefix}spec.json", json.dumps(spec).encode())
    return agent


@pytest.mark.parametrize(("reason", "kind"), [("done", "COMPLETED"), ("failed", "FAILED")])
def test_a_run_is_a_lease_that_is_ended_and_paid_for(
    reason: str, kind: str, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = {"calibguard-agent": (sys.executable, "-c", AGENT)}
    with running_fake_akash(tmp_path / "akash", commands=commands) as akash:
        for name, value in {
            "AKASH_API_KEY": API_KEY,
            "CALIBGUARD_AKASH_URL": akash.url,
            "CALIBGUARD_AKASH_IMAGE": IMAGE,
            "CALIBGUARD_STATE_DIR": str(tmp_path / "state"),
        }.items():
            monkeypatch.setenv(name, value)
        desk = replace(desk, pool=make_pool("akash", AkashWorker.get_default_base_job_template()))
        run: UUID = desk.run(batch_that_says(desk, ok=reason == "done", reason=reason, sentence="as told"))
        desk.work(AkashWorker)
        assert desk.state(run).type.value == kind, desk.state(run).message
        assert (akash.deployments_alive(), akash.pids()) == ([], [])
    (record,) = desk.records.all_jobs()
    assert record.closed is not None
    assert record.closed.cost_usd is not None
    assert record.intent.most_usd is not None
    assert 0 <= record.closed.cost_usd < record.intent.most_usd

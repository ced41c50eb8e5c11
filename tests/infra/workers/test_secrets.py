"""Prefect gives a job its API key and auth string; nothing of it, and no key of the store, may leave."""

from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_KEY, temporary_settings

from tests.infra.workers.desk import Desk
from tests.infra.workers.scripted import ScriptedWorker
from tests.rented import words

AUTH, KEY, ENV = "canary:auth-string", "canary-api-key", "canary-of-the-environment"


def test_a_provider_and_the_records_are_given_no_secret(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    agent = desk.agent()
    run = desk.run(agent)
    monkeypatch.setenv("CANARY", ENV)
    seen: list[dict[str, str | None]] = []
    desk.machines.on_create = lambda _job: agent.finish()

    class Watched(ScriptedWorker):
        type = "scripted-and-watched"

        async def run(self, flow_run, configuration, task_status=None):  # type: ignore[no-untyped-def]
            seen.append(configuration.env)
            return await super().run(flow_run, configuration, task_status)

    with temporary_settings({PREFECT_API_AUTH_STRING: AUTH, PREFECT_API_KEY: KEY}):
        desk.work(Watched)
    assert desk.state(run).is_completed()
    assert seen == [{}]
    given = desk.machines.given()
    assert "X-Amz-Signature" in given  # the one credential that is meant to leave
    secret = desk.s3_secret
    for canary in (AUTH, KEY, ENV, secret, "PREFECT_API"):
        assert canary not in given
    kept = words(desk.store, "remote/")
    for canary in (AUTH, KEY, ENV, secret, "X-Amz-Signature"):
        assert canary not in kept

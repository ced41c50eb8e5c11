"""What the agent on this machine is told: as much as on any other, one URL."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.store.s3_connection import S3Credentials
from tasks.agent_here import AgentGone, run_agent_here
from tests.faults.stores import environment

# Python runs it before the agent, in the agent's own process.
NOTED = """
import json, os, pathlib, sys
if sys.orig_argv[1:3] == ["-m", "tasks.agent"]:
    pathlib.Path(__file__).with_name("seen.json").write_text(json.dumps(dict(os.environ)))
"""


def test_no_credential_but_presigned_urls_reaches_the_agent(
    s3_server: S3Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(NOTED)
    planted = {
        **environment(s3_server),
        **dict.fromkeys(("KAGGLE_API_TOKEN", "AKASH_API_KEY", "AWS_SECRET_ACCESS_KEY"), "canary"),
    }
    for name, value in planted.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CALIBGUARD_STORE_URL", f"s3://tests/{uuid.uuid4().hex}")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(AgentGone):  # there is no such batch, so it ends soon
        run_agent_here.fn("0" * 64, 0, datetime.now(UTC) + timedelta(minutes=1))
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert planted.keys() & seen.keys() == set()
    assert "X-Amz-Signature" in seen.pop("CALIBGUARD_SPEC_URL")
    assert s3_server.secret_access_key.get_secret_value() not in str(seen)

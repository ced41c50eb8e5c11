"""Runs the agent on this machine, as a provider would elsewhere: a process that knows one URL."""

import subprocess
import sys
from datetime import UTC, datetime

from infra.settings import child_environment
from tasks.adapters import run_store
from tasks.domain.batches import AgentManifest, read_manifest
from tasks.domain.errors import DomainError
from tasks.failures import step
from tasks.keys import BatchKeys

_PATIENCE_S = 600  # beyond the deadline; photos under way are finished


class AgentGone(DomainError):
    """The agent ended without a manifest."""


@step("run agent")
def run_agent_here(batch: str, attempt: int, deadline: datetime) -> AgentManifest:
    """Run the agent to its end; its output is the run's, and its manifest is the result.

    Raises:
        AgentGone: It ended without leaving a manifest.
    """
    store, keys = run_store(), BatchKeys(batch, attempt)
    left_s = max(0, int((deadline - datetime.now(UTC)).total_seconds())) + _PATIENCE_S
    spec_url = store.presign_get(keys.spec, expires_s=left_s)
    environment = child_environment({"CALIBGUARD_SPEC_URL": spec_url}, inherits="machine")
    command = [sys.executable, "-m", "tasks.agent"]
    status = subprocess.run(command, env=environment, timeout=left_s, check=False).returncode
    if store.head(keys.manifest) is None:
        raise AgentGone(f"the agent ended with status {status} and no manifest; its log tells why")
    return read_manifest(store.read(keys.manifest))

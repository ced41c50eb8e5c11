"""Tells what ran: the commit, the deployment with its parameters, the machine."""

import platform
import shlex
import subprocess
import sys
import time
from pathlib import Path

import httpx
from prefect import runtime

from tasks.domain.schemas import Provenance

_ROOT = Path(__file__).parent.parent
_ROOMS = ("deployments", "flows", "gpu", "infra", "tasks")
_OUTAGE_S = 120.0  # a server that was killed needs 10 s to answer again, on a loaded machine 100 s
_PAUSE_S = 1.0


def provenance_here() -> Provenance:
    """Describe the running flow or command; outside a git checkout the commit is None."""
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--", *_ROOMS)  # a new file is a new method, tracked or not
    deployment = _deployment_name()
    return Provenance(
        git_commit=commit,
        git_dirty=None if changes is None else bool(changes),
        command=f"{runtime.flow_run.flow_name}/{deployment}" if deployment else shlex.join(sys.argv),
        flow_run_id=str(runtime.flow_run.id or ""),
        parameters=dict(runtime.flow_run.parameters),
        python=platform.python_version(),
        platform=platform.platform(),
    )


def _deployment_name() -> str | None:
    """Ask the server, again while it is away: Prefect does so with a new client, which gives up at once."""
    deadline = time.monotonic() + _OUTAGE_S
    while True:
        try:
            name: str | None = runtime.deployment.name
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_S)
        else:
            return name


def _git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=_ROOT, capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()

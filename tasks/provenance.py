"""Tells what ran: the commit, the deployment with its parameters, the machine."""

import platform
import subprocess
import sys
from pathlib import Path

from prefect import runtime

from tasks.domain.schemas import Provenance

_HERE = Path(__file__).parent


def provenance_here() -> Provenance:
    """Describe the running flow; outside a git checkout the commit is None."""
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=no")
    deployment = runtime.deployment.name
    return Provenance(
        git_commit=commit,
        git_dirty=None if changes is None else bool(changes),
        command=f"{runtime.flow_run.flow_name}/{deployment}" if deployment else " ".join(sys.argv[:1]),
        flow_run_id=str(runtime.flow_run.id),
        parameters=dict(runtime.flow_run.parameters),
        python=platform.python_version(),
        platform=platform.platform(),
    )


def _git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=_HERE, capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()

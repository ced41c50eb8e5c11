"""Runs our own scoring portal over the demo's target set for as long as the demo lasts."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployments.children import end_with_parent, terminate
from deployments.stack import StackError
from infra.settings import Settings
from tasks.portal import PortalChoice, portal_command


@contextmanager
def portal_over(targets: Path, state: Path, settings: Settings) -> Iterator[str]:
    """Give the URL of a portal on a free port of this machine.

    Args:
        targets: Folder with originals and targets.
        state: Folder of the portal's jobs; what it prints lies beside it.
        settings: Say how many processes score.

    Raises:
        StackError: It does not come up.
    """
    state.mkdir(parents=True, exist_ok=True)
    log = state.with_name("portal.log")
    command = portal_command(PortalChoice(targets=targets, state=state, port=0), settings)
    with (
        log.open("ab") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            preexec_fn=end_with_parent,
        ) as portal,
    ):
        try:
            line = portal.stdout.readline() if portal.stdout else ""
            if not line.startswith("portal: "):
                raise StackError(f"the portal did not come up; its own words are in {str(log)!r}")
            yield line.removeprefix("portal: ").strip()
        finally:
            terminate(portal)

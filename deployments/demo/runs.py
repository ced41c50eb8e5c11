"""Starts deployment runs of the demo as its user would, and waits for their end."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.stack import Stack, StackError, stack_environment

_WATCH_S = 24 * 3600


@dataclass(frozen=True)
class Runner:
    """A stack, and what every run of the demo is told.

    Attributes:
        state: State folder of the stack.
        env: Settings of each run, over those of the machine.
    """

    state: Path
    stack: Stack
    env: Mapping[str, str]

    def run(self, deployment: str, parameters: Mapping[str, object]) -> FlowRun:
        """Run a deployment and watch it to its end.

        Raises:
            StackError: It was not accepted, or it ended otherwise than Completed; its own words say why.
        """
        tag = f"demo-{uuid4().hex}"
        words = ["deployment", "run", deployment, "--watch", "--watch-timeout", str(_WATCH_S), "--tag", tag]
        for name, value in parameters.items():
            words += ["--param", f"{name}={json.dumps(value)}"]
        words += ["--job-variable", f"env={json.dumps(dict(self.env))}"]
        print(f"prefect deployment run {deployment} --watch", flush=True)
        command = [sys.executable, "-m", "prefect", *words]
        subprocess.run(command, env=stack_environment(self.state, self.stack.port), check=False)
        return self._ended(tag)

    def _ended(self, tag: str) -> FlowRun:
        tagged = FlowRunFilter(tags=FlowRunFilterTags(all_=[tag]))
        with (
            temporary_settings({PREFECT_API_URL: self.stack.api_url}),
            get_client(sync_client=True) as client,
        ):
            runs = client.read_flow_runs(flow_run_filter=tagged)
        if not runs:
            raise StackError("the run was not accepted; its own words stand above")
        state = runs[0].state
        if state is None or not state.is_completed():
            raise StackError(str(state.message) if state else "the run never began")
        return runs[0]

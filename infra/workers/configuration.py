"""What a work pool may set about rented machines, and what of it reaches a flow run."""

from datetime import timedelta
from typing import Any

from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorkerResult
from pydantic import Field

from infra.remote.watch import Limits


class RemoteVariables(BaseVariables):
    """Variables of a pool's base job template; a deployment may override each."""

    poll_seconds: float = Field(
        default=20.0, gt=0, title="Poll", description="Seconds between two looks at a job; drawn around it."
    )
    start_minutes: float = Field(
        default=30.0, gt=0, title="Start", description="Minutes until the agent's first sign of life."
    )
    silence_minutes: float = Field(
        default=5.0, gt=0, title="Silence", description="Minutes without a sign of life: the machine is lost."
    )
    stop_seconds: float = Field(
        default=60.0, ge=0, title="Stop", description="Seconds that a cancelled agent has to end by itself."
    )
    last_word_seconds: float = Field(
        default=120.0,
        ge=0,
        title="Last word",
        description="Seconds for the agent's manifest, once the provider says that the job has ended.",
    )
    capacity_minutes: float = Field(
        default=10.0,
        ge=0,
        title="Capacity",
        description="Minutes to wait for a free machine before the run is Crashed and tried elsewhere.",
    )


class RemoteConfiguration(BaseJobConfiguration):
    """The same for one flow run. It has no environment: nothing of the worker's process leaves it."""

    poll_seconds: float = 20.0
    start_minutes: float = 30.0
    silence_minutes: float = 5.0
    stop_seconds: float = 60.0
    last_word_seconds: float = 120.0
    capacity_minutes: float = 10.0

    def prepare_for_flow_run(self, *arguments: Any, **named: Any) -> None:
        """Prepare as the base does, and drop the environment, which holds Prefect's API key by then."""
        super().prepare_for_flow_run(*arguments, **named)
        self.env = {}

    def limits(self) -> Limits:
        """Time limits of watching."""
        return Limits(
            poll=timedelta(seconds=self.poll_seconds),
            start=timedelta(minutes=self.start_minutes),
            silence=timedelta(minutes=self.silence_minutes),
            stop=timedelta(seconds=self.stop_seconds),
            last_word=timedelta(seconds=self.last_word_seconds),
        )


class RemoteResult(BaseWorkerResult):
    """Names the job. The run's state was set by the worker, so the status is always 0."""

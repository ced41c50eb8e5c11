"""What a work pool may set about rented machines, and what of a flow run reaches one.

The environment that Prefect prepares for a job holds its API key and auth string. A rented machine is told
one presigned URL and nothing else, so the list of variables that may leave is empty.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from prefect.client.schemas.objects import FlowRun
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorkerResult
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from infra.remote.renting import Order
from infra.remote.watching import Patience

_OF_NO_USE: Final = ("command", "env", "labels", "name")
"""Variables of every Prefect worker that mean nothing to a machine without Prefect."""


class RemoteVariables(BaseVariables):
    """Variables of a pool's base job template; a deployment may override each."""

    poll_seconds: float = Field(
        20.0, gt=0, title="Poll", description="Seconds between two looks at a job, give or take a fifth."
    )
    start_minutes: float = Field(
        15.0,
        gt=0,
        title="Start",
        description="Minutes until the first sign of a running machine's agent.",
    )
    silence_minutes: float = Field(
        5.0, gt=0, title="Silence", description="Minutes without a sign of life until a machine is lost."
    )
    last_word_seconds: float = Field(
        90.0,
        ge=0,
        title="Last word",
        description="Seconds for which a provider must say that a job has ended, without a manifest.",
    )
    stop_seconds: float = Field(
        60.0,
        ge=0,
        title="Stop",
        description="Seconds that the agent of a cancelled run has to stop.",
    )
    capacity_minutes: float = Field(
        15.0,
        ge=0,
        title="Capacity",
        description="Minutes to wait for a free machine before the run is Crashed and tried elsewhere.",
    )
    max_hours: float = Field(
        12.0,
        gt=0,
        title="Longest",
        description="Hours after which a machine is ended in any case.",
    )
    lease_seconds: float = Field(
        120.0, gt=0, title="Lease", description="Seconds after which the jobs of a dead worker are adopted."
    )

    @classmethod
    def model_json_schema(cls, *arguments: Any, **named: Any) -> dict[str, Any]:
        """Describe the variables, those of no use here left out."""
        schema = super().model_json_schema(*arguments, **named)
        for name in _OF_NO_USE:
            schema["properties"].pop(name, None)
        return schema


class BatchParameters(BaseModel):
    """What a flow run's parameters say of its batch, see ``flows.render_batch``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    batch: str = Field(pattern=r"^[0-9a-f]{64}$")
    attempt: int = Field(ge=0, le=999)
    accelerator: Literal["none", "cuda"]
    deadline: AwareDatetime


class RemoteConfiguration(BaseJobConfiguration):
    """The same for one flow run."""

    poll_seconds: float = 20.0
    start_minutes: float = 15.0
    silence_minutes: float = 5.0
    last_word_seconds: float = 90.0
    stop_seconds: float = 60.0
    capacity_minutes: float = 15.0
    max_hours: float = 12.0
    lease_seconds: float = 120.0

    @classmethod
    def json_template(cls) -> dict[str, Any]:
        """Template of a pool's jobs, without the variables that are of no use here."""
        return {name: text for name, text in super().json_template().items() if name not in _OF_NO_USE}

    def prepare_for_flow_run(self, *arguments: Any, **named: Any) -> None:
        """Prepare as every worker does, then drop the environment and the command."""
        super().prepare_for_flow_run(*arguments, **named)
        self.env = {}
        self.command = None

    def patience(self) -> Patience:
        """How long what is borne."""
        return Patience(
            poll_s=self.poll_seconds,
            start_s=60 * self.start_minutes,
            silence_s=60 * self.silence_minutes,
            settle_s=self.last_word_seconds,
            grace_s=self.stop_seconds,
            capacity_s=60 * self.capacity_minutes,
            lease_s=self.lease_seconds,
        )

    def order(self, flow_run: FlowRun) -> Order:
        """What a flow run asks for.

        Raises:
            ValidationError: Its parameters name no batch.
        """
        asked = BatchParameters.model_validate(flow_run.parameters)
        latest = datetime.now(UTC) + timedelta(hours=self.max_hours)
        prefix = f"batches/{asked.batch}/{asked.attempt}/"
        deadline = min(asked.deadline, latest)
        return Order(UUID(str(flow_run.id)), prefix, asked.accelerator, deadline, flow_run.flow_id)


class RemoteResult(BaseWorkerResult):
    """Names the job. The worker has put the run into its final state, so the status is always 0."""

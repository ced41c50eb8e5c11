"""What our Prefect workers have in common: a flow run is one batch on one rented machine.

The machine knows nothing of Prefect and gets none of the worker's environment: only one presigned URL. So the
worker says how the run is: Running at the first sign of life, and its end, by the agent's manifest. What a
dead worker left is found in the store; each worker looks for it at its start and every few minutes.
"""

import os
import random
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final, Literal
from uuid import UUID

import anyio
import anyio.abc
import anyio.to_thread
import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import InfrastructureNotAvailable, ObjectNotFound, PrefectException
from prefect.states import Cancelled, Completed, Crashed, Failed, Running
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorkerResult
from pydantic import Field

from infra.errors import AdapterError, AtCapacity, ObjectExists
from infra.remote.batch import Batch
from infra.remote.names import Kind, remote_name
from infra.remote.provider import Provider, RemoteJob
from infra.remote.reaping import Reaped, RunFate, reap
from infra.remote.records import Intent, Rental
from infra.remote.renting import Rent, adopt_job, run_job
from infra.remote.watch import Ending, Limits, Surroundings
from infra.settings import Settings, load_settings
from infra.store.interface import ObjectStore
from infra.store.opening import configured_store

_ATTEMPTS: Final = 20  # names that one flow run may use up: each is one machine asked for
_LEASE_S: Final = 120.0
_REAP_EVERY_S: Final = 300.0
_UNREACHABLE: Final = (httpx.HTTPError, PrefectException, OSError)


class RemoteVariables(BaseVariables):
    """What a work pool or deployment may set about rented machines."""

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


class RemoteJobConfiguration(BaseJobConfiguration):
    """The same, for one flow run. No environment: nothing of this process leaves it."""

    poll_seconds: float = Field(default=20.0)
    start_minutes: float = Field(default=30.0)
    silence_minutes: float = Field(default=5.0)
    stop_seconds: float = Field(default=60.0)
    last_word_seconds: float = Field(default=120.0)
    capacity_minutes: float = Field(default=10.0)

    def prepare_for_flow_run(self, *arguments: Any, **named: Any) -> None:
        """Prepare as the base does, then drop the environment that it copied Prefect's API key into."""
        super().prepare_for_flow_run(*arguments, **named)
        self.env = {}

    def limits(self) -> Limits:
        """The time limits of watching."""
        return Limits(
            poll=timedelta(seconds=self.poll_seconds),
            start=timedelta(minutes=self.start_minutes),
            silence=timedelta(minutes=self.silence_minutes),
            stop=timedelta(seconds=self.stop_seconds),
            last_word=timedelta(seconds=self.last_word_seconds),
        )


class RemoteJobResult(BaseWorkerResult):
    """The identifier is the job's name; the state was set here, so the status is always 0."""



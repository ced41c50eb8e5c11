"""Runbook page: render one batch of shards on a rented machine; ``render`` starts it, one run for each batch.

On a pool of rented machines this flow is a name only: the worker starts an agent there and reports how it
ends. On a pool of processes the body below runs, which starts the same agent here: the whole path can be
tried without a provider.
"""

from datetime import datetime
from typing import Literal

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.agent_here import run_agent_here
from tasks.failures import SENTENCES, log_sentences_only


@flow(name="render-batch", flow_run_name="batch {batch}:{attempt}", persist_result=False)
def render_batch(
    batch: str,
    attempt: int,
    accelerator: Literal["none", "cuda"],  # noqa: ARG001  read by workers that rent machines
    deadline: datetime,
) -> State[None]:
    """Render one batch that ``render`` has put into the store.

    Args:
        batch: Digest of the batch.
        attempt: Which attempt at it.
        accelerator: What the machine must have; ``cuda`` is an NVIDIA GPU.
        deadline: When the machine stops at the latest.
    """
    log_sentences_only()
    try:
        manifest = run_agent_here(batch, attempt, deadline)
    except SENTENCES as error:
        return Failed(message=str(error))
    message = f"{manifest.reason}: {manifest.sentence}"
    return Completed(message=message) if manifest.ok else Failed(message=message)

"""What a rented machine tells the agent through its environment; read here, and written only for children."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tasks.agent.errors import AgentError

_INPUT_ROOT: Final = "/kaggle/input"
_PORT: Final = 8080


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the agent finds itself.

    Attributes:
        spec_url: Presigned GET of the specification.
        max_lifetime_s: Seconds after which it stops, whatever the specification's deadline.
        input_root: Folder below which data sets may be mounted.
        token: What whoever asks for the status must bear; None: nobody may.
        port: Where the status is answered.
        container: What the host calls this machine.
    """

    spec_url: str = field(repr=False)
    max_lifetime_s: float | None
    input_root: Path
    token: str | None = field(repr=False)
    port: int
    container: str | None


def surroundings() -> Surroundings:
    """Read the environment.

    Raises:
        AgentError: There is no specification, or a number is none.
    """
    spec_url = os.environ.get("CALIBGUARD_SPEC_URL", "")
    if not spec_url.startswith(("http://", "https://")):
        raise AgentError("CALIBGUARD_SPEC_URL must hold the presigned URL of a batch's specification")
    lifetime = _positive("CALIBGUARD_MAX_LIFETIME_S")
    return Surroundings(
        spec_url=spec_url,
        max_lifetime_s=lifetime,
        input_root=Path(os.environ.get("CALIBGUARD_INPUT_ROOT") or _INPUT_ROOT),
        token=os.environ.get("CALIBGUARD_AGENT_TOKEN") or None,
        port=int(_positive("CALIBGUARD_STATUS_PORT") or _PORT),
        container=os.environ.get("KAGGLE_CONTAINER_NAME") or None,
    )


def see_one_gpu(index: int) -> None:
    """Hide all GPUs but one from this process, which has not asked for any yet."""
    shown = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    os.environ["CUDA_VISIBLE_DEVICES"] = shown[index] if shown else str(index)


def _positive(name: str) -> float | None:
    text = os.environ.get(name, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise AgentError(f"{name} must be a positive number, got {text[:40]!r}")
    return value

"""Write the stack definition of one lease: data in, YAML out.

The placement is named after the job, since that name goes on chain and is what can be found again. Everybody
can read it there, so it holds nothing else. The environment goes to the API and to the provider, who reads it
in clear: it holds leave for one batch and nothing that lasts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import yaml

from infra.akash.money import DENOM, cap_amount
from infra.errors import RemoteRefused

_SERVICE: Final = "gpu"
_PORT: Final = 8080
_PLACEMENT: Final = re.compile(r"[a-z0-9-]{1,32}")
_IMAGE: Final = re.compile(r"[a-z0-9][a-z0-9./_:-]*@sha256:[0-9a-f]{64}")
_MODEL: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
ALLOWED_ENVIRONMENT: Final = ("CALIBGUARD_SPEC_URL", "CALIBGUARD_AGENT_TOKEN", "CALIBGUARD_MAX_LIFETIME_S")


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a provider must have.

    Attributes:
        gpu_models: Any of them will do, in Akash's spelling; empty: no GPU.
        cpus: Threads of a CPU.
        memory: In Kubernetes' notation, as ``disk``.
    """

    gpu_models: tuple[str, ...]
    cpus: int = 4
    memory: str = "16Gi"
    disk: str = "20Gi"


@dataclass(frozen=True, slots=True)
class Stack:
    """One container on one lease.

    Attributes:
        name: Of the job; public.
        image: By its digest.
        environment: Of ``ALLOWED_ENVIRONMENT`` only; the provider reads it in clear.
    """

    name: str
    image: str
    command: tuple[str, ...]
    hardware: Hardware
    max_usd_per_hour: Decimal
    environment: Mapping[str, str] = field(repr=False)


def stack_sdl(stack: Stack) -> str:
    """Return the definition as YAML.

    Raises:
        RemoteRefused: The image is not named by its digest, or a name is none that the chain takes.
        ValueError: The environment holds a variable that has no business on a rented machine.
    """
    _require_sound(stack)
    return yaml.safe_dump(_tree(stack), sort_keys=False, default_flow_style=False, width=10_000)


def _require_sound(stack: Stack) -> None:
    if not _IMAGE.fullmatch(stack.image):
        raise RemoteRefused(
            f"the image of a lease is named by its digest, NAME@sha256:64 hex digits, got {stack.image!r}; a"
            " tag can be moved to other code; set CALIBGUARD_AKASH_IMAGE"
        )
    if not _PLACEMENT.fullmatch(stack.name):
        raise RemoteRefused(f"a placement is named in 1 to 32 of a-z, 0-9 and '-', got {stack.name!r}")
    for model in stack.hardware.gpu_models:
        if not _MODEL.fullmatch(model):
            raise RemoteRefused(f"a GPU model is a word such as 'rtx4090', got {model!r}")
    if strange := set(stack.environment) - set(ALLOWED_ENVIRONMENT):
        raise ValueError(f"a lease is given no variable but {ALLOWED_ENVIRONMENT}, got {sorted(strange)}")


def _tree(stack: Stack) -> dict[str, object]:
    price = {"denom": DENOM, "amount": cap_amount(stack.max_usd_per_hour)}
    return {
        "version": "2.0",
        "services": {
            _SERVICE: {
                "image": stack.image,
                "command": list(stack.command),
                "env": [f"{name}={value}" for name, value in sorted(stack.environment.items())],
                # The chain refuses a deployment that nobody can reach.
                "expose": [{"port": _PORT, "as": 80, "to": [{"global": True}]}],
            }
        },
        "profiles": {
            "compute": {_SERVICE: {"resources": _resources(stack.hardware)}},
            "placement": {stack.name: {"pricing": {_SERVICE: price}}},
        },
        "deployment": {_SERVICE: {stack.name: {"profile": _SERVICE, "count": 1}}},
    }


def _resources(hardware: Hardware) -> dict[str, object]:
    resources: dict[str, object] = {
        "cpu": {"units": hardware.cpus},
        "memory": {"size": hardware.memory},
        "storage": [{"size": hardware.disk}],
    }
    if hardware.gpu_models:
        models = [{"model": model} for model in hardware.gpu_models]
        resources["gpu"] = {"units": 1, "attributes": {"vendor": {"nvidia": models}}}
    return resources

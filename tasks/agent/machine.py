"""What this machine is, whether it is the one that was asked for, and the render processes it can bear.

A GPU has one render process, which sees that GPU alone: CUDA gives two processes on one GPU turns.
"""

import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from gpu.errors import BackendUnavailableError
from gpu.remap.cupy import Device, visible_devices
from gpu.render import engine_versions, limit_process
from tasks.agent.environment import see_one_gpu
from tasks.agent.errors import WrongAccelerator, WrongEngine
from tasks.domain.batches import BatchSpec, differing_versions
from tasks.photo_workers import PhotoWorkers, open_photo_workers

_OLDEST: Final = (7, 0)  # compute capability; the kernels are compiled for no GPU before Volta


@dataclass(frozen=True, slots=True)
class Machine:
    """What the agent runs on.

    Attributes:
        device: Names of its GPUs, or its kind of CPU.
        compute_capability: Of the weakest GPU; None without one.
        gpus: How many are used.
        versions: The engine's whole fingerprint.
    """

    device: str
    compute_capability: str | None
    gpus: int
    versions: dict[str, str]


def fitting_machine(spec: BatchSpec) -> Machine:
    """Describe this machine, if it fits the batch.

    Raises:
        WrongAccelerator: It has not the GPU that the batch needs.
        WrongEngine: Its code or libraries are not those of the run.
    """
    try:
        devices = usable_devices(visible_devices()) if spec.accelerator == "cuda" else ()
        versions = engine_versions(spec.engine.backend)
    except BackendUnavailableError as error:
        raise WrongAccelerator(str(error)) from error
    if differing := differing_versions(spec.engine, versions):
        raise WrongEngine(f"this machine has {', '.join(differing)}")
    if not devices:
        return Machine(platform.processor() or platform.machine(), None, 0, versions)
    weakest = min(device.compute_capability for device in devices)
    names = ", ".join(device.name for device in devices)
    return Machine(names, ".".join(map(str, weakest)), len(devices), versions)


def usable_devices(devices: Sequence[Device]) -> Sequence[Device]:
    """Give the GPUs back, if each is new enough.

    Raises:
        WrongAccelerator: One is not.
    """
    for device in devices:
        if device.compute_capability < _OLDEST:
            found, least = (".".join(map(str, pair)) for pair in (device.compute_capability, _OLDEST))
            raise WrongAccelerator(f"{device.name} has compute capability {found}; {least} is the least")
    return devices


@contextmanager
def open_render_pools(spec: BatchSpec, machine: Machine) -> Iterator[tuple[PhotoWorkers, ...]]:
    """Start one pool of render processes for each GPU, or one for all CPUs."""
    with ExitStack() as pools:
        if spec.engine.backend == "cupy":
            yield tuple(
                pools.enter_context(
                    open_photo_workers(
                        processes=1,
                        timeout_s=spec.photo_timeout_s,
                        memory_mb=None,  # CUDA reserves address space for all memory there is
                        prepare=partial(prepare_for_gpu, index),
                    )
                )
                for index in range(max(1, machine.gpus))
            )
        else:
            yield (
                pools.enter_context(
                    open_photo_workers(
                        processes=len(os.sched_getaffinity(0)),
                        timeout_s=spec.photo_timeout_s,
                        memory_mb=spec.photo_memory_mb,
                    )
                ),
            )


def prepare_for_gpu(index: int, memory_mb: int | None) -> None:
    """Prepare a render process that works on one GPU."""
    see_one_gpu(index)
    limit_process(memory_mb)

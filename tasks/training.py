"""Sends a training script's order to a rented machine, and takes what comes back.

Only URLs go out, each good for one object: the script itself is fetched by the machine from where the user
keeps it, and run only with the digest that is pinned here.
"""

import hashlib
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from infra.errors import DigestMismatch
from infra.store.interface import ObjectStore
from tasks.domain.batches import Accelerator
from tasks.domain.errors import DomainError
from tasks.domain.training import (
    FORMAT,
    TrainingManifest,
    TrainingSpec,
    read_training_manifest,
    training_digest,
)
from tasks.keys import BatchKeys
from tasks.leave import Leave

_GRACE_S: Final = 3600  # that URLs outlive the deadline: to upload what the script has left
_GO_ON: Final = b"go on\n"
_MOST_OUTPUT: Final = 512 << 20  # bytes; an honest machine sends 256 MiB of files and what a tar adds
_LONGEST_MANIFEST: Final = 1 << 20


class TrainingOutputTooLong(DomainError):
    """A machine left more than it may."""


class OutputUnusable(DomainError):
    """The folder for what a script leaves cannot be written."""


class TrainingNamesUsedUp(DomainError):
    """A script was run as often as an attempt has numbers."""


@dataclass(frozen=True, slots=True)
class TrainingOrder:
    """What is to be run.

    Attributes:
        script_url: Where the rented machine fetches it.
        deadline: When it is stopped at the latest.
    """

    script_url: str = field(repr=False)
    script_sha256: str
    deadline: datetime
    accelerator: Accelerator = "cuda"
    heartbeat_s: float = 15.0


def send_training(order: TrainingOrder, store: ObjectStore, *, now: datetime) -> BatchKeys:
    """Store what the machine needs, the specification last.

    Raises:
        PresignUnsupported: The store is a local folder.
    """
    keys = _free_keys(training_digest(order.script_sha256), store)
    expires_s = int((order.deadline - now).total_seconds()) + _GRACE_S
    spec = _spec(order, keys, Leave(store, expires_s))
    store.create(keys.control, _GO_ON)
    store.create(keys.spec, spec.model_dump_json().encode())
    return keys


def require_output(folder: Path) -> None:
    """Make the folder and try to write there, before a machine is paid for.

    Raises:
        OutputUnusable: It cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputUnusable(
            f"the output folder {folder} cannot be written ({error.strerror}); name another with --output"
        ) from error


def take_training(keys: BatchKeys, folder: Path, store: ObjectStore) -> tuple[Path, ...]:
    """Write output and log into a folder, the output only with the digest that the machine told.

    Raises:
        DigestMismatch: The output is other bytes.
        TrainingOutputTooLong: It is longer than is read into memory.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for key in (keys.output, keys.log):
        if (content := _read_at_most(key, store, most_bytes=_MOST_OUTPUT)) is None:
            continue
        if key == keys.output:
            _require_told(content, find_manifest(keys, store))
        path = folder / f"{keys.digest[:12]}_{keys.attempt}_{key.rpartition('/')[2]}"
        path.write_bytes(content)
        written.append(path)
    return tuple(written)


def find_manifest(keys: BatchKeys, store: ObjectStore) -> TrainingManifest | None:
    """Return what the machine said at its end; None where it said nothing."""
    text = _read_at_most(keys.manifest, store, most_bytes=_LONGEST_MANIFEST)
    return read_training_manifest(text) if text is not None else None


def end_training(keys: BatchKeys, store: ObjectStore) -> None:
    """Stop the machine, wherever it is, and remove its URLs; output, log and manifest stay."""
    store.delete(keys.control)
    store.delete(keys.spec)


def _read_at_most(key: str, store: ObjectStore, *, most_bytes: int) -> bytes | None:
    """Read what a machine left under a key, None where it left nothing; its leave knows no length."""
    found = store.head(key)
    if found is None:
        return None
    if found.size > most_bytes:
        raise TrainingOutputTooLong(
            f"{key!r} has {found.size} bytes, at most {most_bytes} are read; it stays there"
        )
    return store.read(key)


def _require_told(output: bytes, manifest: TrainingManifest | None) -> None:
    found = hashlib.sha256(output).hexdigest()
    told = manifest.output_sha256 if manifest else None
    if told is not None and told != found:
        raise DigestMismatch(
            f"the training's output should have SHA-256 {told} and has {found}; run it again"
        )


def _free_keys(digest: str, store: ObjectStore) -> BatchKeys:
    """The keys of the first attempt that has none yet."""
    top = f"batches/{digest}/"
    used = {int(found.key.removeprefix(top).partition("/")[0]) for found in store.list(top)}
    attempt = max(used, default=-1) + 1
    if attempt > 999:
        raise TrainingNamesUsedUp(f"{top!r} holds 1000 attempts at the same script; remove what is old")
    return BatchKeys(digest, attempt)


def _spec(order: TrainingOrder, keys: BatchKeys, leave: Leave) -> TrainingSpec:
    return TrainingSpec(
        format=FORMAT,
        digest=keys.digest,
        attempt=keys.attempt,
        script_url=order.script_url,
        script_sha256=order.script_sha256,
        accelerator=order.accelerator,
        deadline=order.deadline,
        heartbeat_s=order.heartbeat_s,
        control=leave.to_read(keys.control),
        heartbeat=leave.to_replace(keys.heartbeat),
        log=leave.to_replace(keys.log),
        output=leave.to_create(keys.output),
        manifest=leave.to_create(keys.manifest),
    )

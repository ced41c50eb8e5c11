"""What travels between this machine and a rented one that runs a training script.

The script is the user's own, fetched by the rented machine from where the user keeps it and run only if it
has the promised digest. It has no credential of ours; what it leaves in its output folder comes back as one
tar file. Keys and life signs are those of a batch, see ``tasks.domain.batches``.
"""

import hashlib
from typing import Final, Literal

from pydantic import AwareDatetime, Field

from tasks.domain.batches import Accelerator, Outlet, Place, Reason, SecretUrl, Words
from tasks.domain.schemas import Record, Sha256
from tasks.domain.strict_json import parse_record

FORMAT: Final = 1
_LONGEST: Final = 1 << 20  # bytes of either document


class TrainingSpec(Record):
    """Everything that the rented machine is told."""

    format: Literal[1]
    digest: Sha256
    """See ``training_digest``."""
    attempt: int = Field(ge=0)
    script_url: SecretUrl = Field(repr=False)
    """May hold a key of the user's, so it is in no repr and no log."""
    script_sha256: Sha256
    accelerator: Accelerator
    deadline: AwareDatetime
    """When the script is stopped at the latest; what it has left by then comes back all the same."""
    heartbeat_s: float = Field(gt=0)
    control: SecretUrl = Field(repr=False)
    heartbeat: Outlet
    log: Outlet
    output: Place
    """Where the tar file goes."""
    manifest: Place


class TrainingManifest(Record):
    """What the rented machine says at its end; a claim, but for the digests that are checked here."""

    format: Literal[1]
    digest: Sha256
    attempt: int
    ok: bool
    reason: Reason
    sentence: Words
    exit_status: int | None
    """Of the script; None where it did not run to its end."""
    output_sha256: Sha256 | None
    """Of the tar file; None where there is none."""
    output_bytes: int = Field(ge=0)
    started: AwareDatetime
    finished: AwareDatetime


def training_digest(script_sha256: str) -> str:
    """Content key of a training run: the same script is the same run, an attempt of it another number."""
    return hashlib.sha256(f"calibguard training {FORMAT}\n{script_sha256}\n".encode()).hexdigest()


def read_training_spec(text: bytes) -> TrainingSpec:
    """Parse a specification; DocumentError where it is none."""
    return parse_record(text, TrainingSpec, source="the training's specification", max_bytes=_LONGEST)


def read_training_manifest(text: bytes) -> TrainingManifest:
    """Parse what the rented machine said at its end; DocumentError where it is no such thing."""
    return parse_record(text, TrainingManifest, source="the training's manifest", max_bytes=_LONGEST)

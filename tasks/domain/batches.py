"""What travels between this machine and a rented one: the batch it is given, the word it gives back.

A batch is some shards of one run with leave to read each input and to create each output, and nothing else:
the rented machine has no credential beyond these URLs. What it says is a claim. It is parsed strictly here
and judged by ``tasks.batch_taking``, which believes no shard before it has looked at the photos.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from tasks.domain.schemas import Engine, PhotoShard, Record, RenderedShard, Sha256
from tasks.domain.strict_json import parse_record

Accelerator = Literal["none", "cuda"]
Reason = Literal[
    "done",
    "wrong_accelerator",
    "wrong_engine",
    "cancelled",
    "deadline",
    "inputs_damaged",
    "store_refused",
    "failed",
]
"""How an agent ended. Only ``done`` is a success; ``failed`` alone may be a defect of ours."""

ENDING: Final = frozenset[Reason]({"inputs_damaged", "failed"})
"""Reasons for which no other machine is tried: it would end the same there."""

FORMAT: Final = 1
_LONGEST_SPEC: Final = 32 << 20  # bytes; 1000 photos have about 2 million
_LONGEST_WORD: Final = 4 << 20  # bytes of a manifest or shard record; 1000 photos have 200,000
_LONGEST_TEXT: Final = 500  # characters of what a rented machine says in words

SecretUrl = Annotated[str, Field(pattern=r"^https?://")]
"""Presigned: a credential until it expires, so every field of it is kept out of the repr."""


def _printable(words: str) -> str:
    if not words.isprintable():
        raise ValueError("it holds characters that would command a terminal")
    return words


Words = Annotated[str, Field(max_length=_LONGEST_TEXT), AfterValidator(_printable)]
"""From a machine that is not trusted, on its way to a log."""


class Outlet(Record):
    """Leave to store one object again and again."""

    put: SecretUrl = Field(repr=False)


class Place(Record):
    """Leave to create one object, once, and to look at it."""

    put: SecretUrl = Field(repr=False)
    headers: dict[str, str]
    """Must be sent unchanged: they are signed."""
    get: SecretUrl = Field(repr=False)


class BatchShard(Record):
    """One shard of a batch, with leave to read its inputs and to create its outputs."""

    shard: PhotoShard
    inputs: tuple[SecretUrl, ...] = Field(repr=False)
    """Presigned GET of each photo, in the order of the shard."""
    outputs: tuple[Place, ...] = Field(repr=False)
    """Where each rendered photo goes, in the order of the shard."""
    record: Place
    """Where the shard's record goes, once all its photos are stored."""


class BatchSpec(Record):
    """Everything an agent is told."""

    format: Literal[1]
    digest: Sha256
    """See ``batch_digest``."""
    attempt: int = Field(ge=0)
    engine: Engine
    """Back end, quality, and the versions that the agent must share."""
    accelerator: Accelerator
    deadline: AwareDatetime
    """When the agent stops at the latest; what it has finished by then counts."""
    heartbeat_s: float = Field(gt=0)
    """Seconds between two signs of life, and between two looks at ``control``."""
    photo_timeout_s: float = Field(gt=0)
    """Seconds that one photo may take."""
    photo_memory_mb: int | None = Field(ge=256)
    """Address space in MiB of a render process on a CPU."""
    shards: tuple[BatchShard, ...] = Field(min_length=1)
    control: SecretUrl = Field(repr=False)
    """Presigned GET; while the object is there, the agent goes on."""
    heartbeat: Outlet
    log: Outlet
    manifest: Place


class Heartbeat(Record):
    """A sign of life."""

    format: Literal[1]
    digest: Sha256
    attempt: int
    at: AwareDatetime
    photos: int
    """Of all shards of the batch."""
    photos_done: int
    shards_done: int
    container: Words | None
    """What the host calls the machine; Kaggle's ends in the id of the session."""


class AgentManifest(Record):
    """What an agent says at its end; written last, so its presence means that no more will come."""

    format: Literal[1]
    digest: Sha256
    attempt: int
    ok: bool
    reason: Reason
    sentence: Words
    device: Words | None
    """Name of each GPU, or of the kind of CPU; None where it did not come to that."""
    compute_capability: Words | None
    """Of the weakest GPU, such as ``7.5``."""
    python: Words
    versions: dict[str, str]
    """The whole fingerprint of the engine; empty where it did not come to that."""
    code: Sha256
    """Digest of the agent's own files, see ``tasks.agent.sources``."""
    shards: tuple[RenderedShard, ...]
    """Those that were finished, as in their records."""
    fetch_s: float = Field(ge=0)
    """Summed over photos, which overlap."""
    render_s: float = Field(ge=0)
    upload_s: float = Field(ge=0)
    started: AwareDatetime
    finished: AwareDatetime


def batch_digest(shards: Iterable[PhotoShard]) -> str:
    """Content key of a batch: the same shards in the same order are the same batch."""
    lines = "".join(f"{shard.digest}\n" for shard in shards)
    return hashlib.sha256(f"calibguard batch {FORMAT}\n{lines}".encode()).hexdigest()


def cut_batches(shards: Sequence[PhotoShard], *, photos: int) -> tuple[tuple[PhotoShard, ...], ...]:
    """Group shards, in their order, into batches of at most ``photos`` photos; a larger shard stays alone."""
    if photos < 1:
        raise ValueError(f"photos must be 1 or more, got {photos}")
    batches: list[list[PhotoShard]] = []
    room = 0
    for shard in shards:
        if not batches or len(shard.photos) > room:
            batches.append([])
            room = photos
        batches[-1].append(shard)
        room -= len(shard.photos)
    return tuple(map(tuple, batches))


def differing_versions(wanted: Engine, found: dict[str, str]) -> tuple[str, ...]:
    """Say of each version that a batch states and a machine does not have what was wanted and found."""
    return tuple(
        f"{name} {found.get(name, 'unknown')!r} where {version!r} is wanted"
        for name, version in sorted(wanted.versions.items())
        if found.get(name) != version
    )


def read_spec(text: bytes) -> BatchSpec:
    """Parse a specification; DocumentError where it is none."""
    return parse_record(text, BatchSpec, source="the batch's specification", max_bytes=_LONGEST_SPEC)


def read_heartbeat(text: bytes) -> Heartbeat:
    """Parse a sign of life; DocumentError where it is none."""
    return parse_record(text, Heartbeat, source="the agent's heartbeat", max_bytes=_LONGEST_WORD)


def read_manifest(text: bytes) -> AgentManifest:
    """Parse what an agent said at its end; DocumentError where it is none."""
    return parse_record(text, AgentManifest, source="the agent's manifest", max_bytes=_LONGEST_WORD)


def read_shard_record(text: bytes) -> RenderedShard:
    """Parse what an agent said of one shard; DocumentError where it is no such thing."""
    return parse_record(text, RenderedShard, source="the agent's record of a shard", max_bytes=_LONGEST_WORD)

"""Look at one attempt at a batch from outside: what the agent says in the store, and how to stop it.

    <prefix>spec.json        what the agent is told
    <prefix>start.py         what a machine without the agent starts with
    <prefix>control          the agent stops once it is gone
    <prefix>heartbeat.json   replaced by the agent while it lives
    <prefix>manifest.json    the agent's last word

What an agent says is a claim; only its first words are read here. The controller judges the rest.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from infra.errors import ObjectMissing
from infra.store.interface import ObjectStore

_PREFIX: Final = re.compile(r"batches/[0-9a-f]{64}/[0-9]{1,3}/")
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e\xa0-\uffff]+")
_LONGEST_WORD: Final = 4 << 20  # bytes


class LastWord(BaseModel):
    """How an agent says that it ended."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    ok: bool
    reason: str = Field(max_length=40)
    sentence: str = Field(max_length=500)


class _Beat(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    at: AwareDatetime
    photos: int = Field(ge=0)
    photos_done: int = Field(ge=0)


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life.

    Attributes:
        version: Changes with every beat; the agent's own clock is not trusted for its age.
        progress: For people.
    """

    version: str
    progress: str


@dataclass(frozen=True, slots=True)
class Batch:
    """One attempt at a batch in the store."""

    store: ObjectStore
    prefix: str

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.prefix):
            raise ValueError(f"a batch is named batches/DIGEST/ATTEMPT/, got {self.prefix!r}")

    def spec_url(self, *, until: datetime, now: datetime) -> str:
        """Presign the specification for as long as the agent may take to fetch it.

        Raises:
            PresignUnsupported: The store is a folder of this machine.
            ObjectMissing: There is no such batch, or it has ended.
        """
        key = f"{self.prefix}spec.json"
        if self.store.head(key) is None:
            raise ObjectMissing(f"{self.store.url} has no {key!r}: the batch has ended or never began")
        return self.store.presign_get(key, expires_s=max(60, int((until - now).total_seconds())))

    def start_script(self) -> str:
        """Read what a machine without the agent starts with.

        Raises:
            ObjectMissing: There is no such batch, or it has ended.
        """
        return self.store.read(f"{self.prefix}start.py").decode()

    def last_word(self) -> LastWord | None:
        """What the agent said at its end; None until then. One that cannot be read is a failure."""
        try:
            text = self.store.read(f"{self.prefix}manifest.json")
        except ObjectMissing:
            return None
        try:
            word = LastWord.model_validate_json(text[:_LONGEST_WORD])
        except ValidationError as error:
            faults = error.error_count()
            return LastWord(ok=False, reason="failed", sentence=f"its manifest has {faults} faults")
        return word.model_copy(update={"sentence": printable(word.sentence)})

    def beat(self) -> Beat | None:
        """The last sign of life, None where there was none."""
        key = f"{self.prefix}heartbeat.json"
        found = self.store.head(key)
        if found is None:
            return None
        try:
            beat = _Beat.model_validate_json(self.store.read(key))
        except (ValidationError, ObjectMissing):
            return Beat(found.version, "")
        return Beat(found.version, f"{beat.photos_done} of {beat.photos} photos")

    def stop(self) -> None:
        """Tell the agent to stop; it leaves a manifest if it still can."""
        self.store.delete(f"{self.prefix}control")


def printable(text: str, *, longest: int = 200) -> str:
    """Make a stranger's words safe for a log or a terminal."""
    words = _UNPRINTABLE.sub(" ", text).strip()
    return words if len(words) <= longest else words[: longest - 1] + "…"

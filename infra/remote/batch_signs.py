"""What a rented machine leaves in the store: signs of life, and its last word.

The keys are those of ``tasks.keys.BatchKeys``. A machine is not trusted: its clock is not read, only whether
its heartbeat changes; its manifest must be of this batch and this attempt, and its words are escaped.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from infra.errors import RemoteRefused
from infra.portal.remote_text import quoted
from infra.portal.strict_json import parse_object
from infra.remote.outcomes import CAUSE_OF_REASON, Outcome
from infra.store.interface import ObjectStore

_PREFIX: Final = re.compile(r"batches/(?P<digest>[0-9a-f]{64})/(?P<attempt>[0-9]{1,6})/")
_LONGEST_MANIFEST: Final = 4 << 20  # bytes, as in tasks.domain.batches
_LONGEST_SPEC: Final = 32 << 20


@dataclass(frozen=True, slots=True)
class BatchTerms:
    """What a batch's specification says to whoever rents for it."""

    deadline: datetime
    accelerator: Literal["none", "cuda"]


@dataclass(frozen=True, slots=True)
class BatchSigns:
    """The objects of one attempt at a batch, seen from outside.

    Raises:
        RemoteRefused: The prefix is none of a batch.
    """

    store: ObjectStore
    prefix: str

    def __post_init__(self) -> None:
        if _PREFIX.fullmatch(self.prefix) is None:
            raise RemoteRefused(
                f"a batch lies under batches/DIGEST/ATTEMPT/, got {quoted(self.prefix)}; see render-batch"
            )

    @property
    def spec_key(self) -> str:
        """Key of what the agent is told."""
        return f"{self.prefix}spec.json"

    def terms(self) -> BatchTerms:
        """Read the specification.

        Raises:
            ObjectMissing: The batch was never sent, or is cleared.
            RemoteRefused: It says neither deadline nor accelerator.
        """
        try:
            members = parse_object(self._small(self.spec_key, _LONGEST_SPEC))
            deadline = datetime.fromisoformat(str(members.get("deadline")))
            accelerator = members.get("accelerator")
            if deadline.tzinfo is None or accelerator not in ("none", "cuda"):
                raise ValueError("deadline with a zone and accelerator are expected")
        except ValueError as error:
            raise RemoteRefused(f"{self.spec_key!r} is no specification of a batch: {error}") from error
        return BatchTerms(deadline, "cuda" if accelerator == "cuda" else "none")

    def beat(self) -> str | None:
        """Return a token that changes with every sign of life; None before the first."""
        found = self.store.head(f"{self.prefix}heartbeat.json")
        return found.version if found else None

    def last_word(self) -> Outcome | None:
        """Say how the agent ended; None where it has not.

        Raises:
            StoreError: The store cannot tell.
        """
        key = f"{self.prefix}manifest.json"
        if self.store.head(key) is None:
            return None
        try:
            return _outcome(parse_object(self._small(key, _LONGEST_MANIFEST)), self.prefix)
        except ValueError as error:
            return Outcome(
                "lost", f"{key!r} is no manifest of this batch: {error}; the machine is not trusted"
            )

    def call_off(self) -> None:
        """Make the agent stop at its next look; repeating it is harmless."""
        self.store.delete(f"{self.prefix}control")

    def _small(self, key: str, longest: int) -> bytes:
        found = self.store.head(key)
        if found is not None and found.size > longest:
            raise ValueError(f"it has {found.size} bytes, at most {longest} are read")
        return self.store.read(key)


def _outcome(members: dict[str, object], prefix: str) -> Outcome:
    own = f"batches/{members.get('digest')}/{members.get('attempt')}/"
    ok, reason = members.get("ok"), members.get("reason")
    if own != prefix:
        raise ValueError(f"it is of another one, {quoted(own)}")
    if not isinstance(ok, bool) or not isinstance(reason, str) or ok != (reason == "done"):
        raise ValueError("its members ok and reason do not agree")
    return Outcome(
        CAUSE_OF_REASON.get(reason, "bug"),
        f"the agent ended as {quoted(reason)}: {quoted(members.get('sentence'))}",
    )

"""One attempt at a batch, seen from outside: what the machine is told, and what it says in the store.

    <prefix>spec.json        what the agent is told
    <prefix>start.py         what a machine without the agent starts with
    <prefix>control          the agent stops once it is gone
    <prefix>heartbeat.json   replaced by the agent while it lives
    <prefix>manifest.json    the agent's last word

A machine is not trusted: its clock is not read, only whether
its heartbeat changes; its manifest must be of this batch and this attempt, and its words are escaped.
"""

import re
from dataclasses import dataclass
from typing import Final

from infra.errors import ObjectMissing, RemoteRefused
from infra.remote.outcomes import CAUSE_OF_REASON, Outcome
from infra.store.interface import ObjectStore
from infra.strict_json import parse_object
from infra.web.remote_text import quoted

_PREFIX: Final = re.compile(r"batches/(?P<digest>[0-9a-f]{64})/(?P<attempt>[0-9]{1,3})/")
_LONGEST_MANIFEST: Final = 4 << 20  # bytes, as in tasks.domain.batches


@dataclass(frozen=True, slots=True)
class Batch:
    """One attempt at a batch in the store.

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

    def spec_url(self, *, expires_s: int) -> str:
        """Presign the specification.

        Raises:
            PresignUnsupported: The store is a folder of this machine.
            ObjectMissing: There is no such batch, or it has ended.
        """
        key = f"{self.prefix}spec.json"
        if self.store.head(key) is None:
            raise ObjectMissing(f"{self.store.url} has no {key!r}: the batch has ended or was never sent")
        return self.store.presign_get(key, expires_s=expires_s)

    def start_script(self) -> str:
        """Read what a machine without the agent starts with; it holds credentials.

        Raises:
            ObjectMissing: There is no such batch, or it has ended.
        """
        return self.store.read(f"{self.prefix}start.py").decode()

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
            return _outcome(parse_object(self._manifest(key)), self.prefix)
        except ValueError as error:
            return Outcome(
                "lost", f"{key!r} is no manifest of this batch: {error}; the machine is not trusted"
            )

    def stop(self) -> None:
        """Make the agent stop at its next look; repeating it is harmless."""
        self.store.delete(f"{self.prefix}control")

    def _manifest(self, key: str) -> bytes:
        found = self.store.head(key)
        if found is not None and found.size > _LONGEST_MANIFEST:
            raise ValueError(f"it has {found.size} bytes, at most {_LONGEST_MANIFEST} are read")
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

"""Hold what a submission is told: where the portal is, who submits, what, and how long to wait."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pydantic import SecretStr

from infra.web.address import WebAddress, web_address

_JUDGE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Portal:
    """One portal and what it is trusted with."""

    url: str = field(repr=False)
    """``https://host/path``, or ``http://`` on loopback; may not hold user names or a query."""
    judge: str
    """Our own name for this judge, in lower case: flights are kept apart by it, whatever the portal's URL
    is today."""
    token: SecretStr | None = None
    """Sent to the portal itself, never to the host of an upload URL."""
    upload_hosts: frozenset[str] = frozenset()
    """``host`` or ``host:port`` that upload URLs may name besides the portal's own; exact, no patterns."""

    def __post_init__(self) -> None:
        if not _JUDGE.fullmatch(self.judge):
            raise ValueError(f"a judge's name is of a-z, 0-9, '-' and '_', got {self.judge!r}")
        _ = self.address

    @property
    def address(self) -> WebAddress:
        """The portal's URL, checked."""
        address = web_address(self.url)
        if address.query:
            raise ValueError(f"the portal's URL {address} has a query; give it without one")
        return address


@dataclass(frozen=True, slots=True)
class TeamIdentity:
    """Who submits, in the portal's own words."""

    team_name: str
    kaggle_username: str
    email: str
    github_repo: str


@dataclass(frozen=True)
class Archive:
    """The zip to be scored."""

    chunks: Callable[[], Iterator[bytes]]
    """Opens the zip anew: an upload that failed is repeated from the start."""
    size: int
    sha256: str
    """Of the zip's bytes, in hex; what is uploaded is held against it."""
    behaviour_digest: str
    """Names the flight: zips of equal digest are one artifact, whatever their file is called."""

    def __post_init__(self) -> None:
        if self.size <= 0:
            raise ValueError(f"a zip has at least one byte, got size={self.size}")
        for digest in (self.sha256, self.behaviour_digest):
            if not _DIGEST.fullmatch(digest):
                raise ValueError(f"a digest is a SHA-256 in lower-case hex, got {digest!r}")


@dataclass(frozen=True, slots=True)
class Patience:
    """Total times in seconds; each holds from the first byte sent to the last byte read."""

    request_s: float = 30.0
    """One exchange, uploads excepted."""
    upload_s: float = 1800.0
    """One upload; 570 MB take as long at 2.5 Mbit/s."""
    retry_s: float = 300.0
    """How long an upload or score request that did not come about is tried again."""
    scoring_s: float = 1800.0
    """How long a call waits for the scores. A scored run was seen to take 217 s."""
    poll_s: float = 3.0
    """Pause between two looks at a job."""
    lease_s: float = 60.0
    """After which the flight of a run that died may be taken over."""
    repeated_statuses: frozenset[int] = frozenset({429, 503})
    """Answers to the score request that are taken to mean that no job was created. Without 503, a portal
    that accepts and then answers 503 cannot cause a second job; such an answer is then ambiguous."""

    def __post_init__(self) -> None:
        if not self.repeated_statuses <= {429, 503}:
            raise ValueError("only 429 and 503 can mean that no job was created")

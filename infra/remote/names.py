"""Names of what we rent: the one thing that a provider keeps for us and lists back.

    cg-k-<20 hex digits of the flow run's id>-<attempt>     k: Kaggle, a: Akash

What does not parse as such a name is not ours and is never touched.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

Kind = Literal["kaggle", "akash"]

RUN_DIGITS: Final = 20
_LETTERS: Final[dict[Kind, str]] = {"kaggle": "k", "akash": "a"}
_NAME: Final = re.compile(r"cg-(?P<letter>[ka])-(?P<run>[0-9a-f]{20})-(?P<attempt>[0-9]{1,3})")


@dataclass(frozen=True, slots=True)
class RemoteName:
    """A name of ours, taken apart.

    Attributes:
        run: First 20 hex digits of the flow run's id.
        attempt: Number of the job within the flow run, from 0.
    """

    kind: Kind
    run: str
    attempt: int

    def __str__(self) -> str:
        return f"cg-{_LETTERS[self.kind]}-{self.run}-{self.attempt}"


def remote_name(kind: Kind, flow_run_id: UUID, attempt: int) -> RemoteName:
    """Name a job of a flow run."""
    if not 0 <= attempt <= 999:
        raise ValueError(f"attempt must be within 0..999, got {attempt}")
    return RemoteName(kind, run_digits(flow_run_id), attempt)


def run_digits(flow_run_id: UUID) -> str:
    """Return what the names of a flow run's jobs say of it."""
    return flow_run_id.hex[:RUN_DIGITS]


def parse_remote_name(text: str) -> RemoteName | None:
    """Take a name apart; None for one that is not ours."""
    match = _NAME.fullmatch(text)
    if match is None:
        return None
    kind = next(kind for kind, letter in _LETTERS.items() if letter == match["letter"])
    return RemoteName(kind, match["run"], int(match["attempt"]))

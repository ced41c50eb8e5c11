"""Say which judge scored: a record that the portal puts on every result and the client reads back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class JudgeIdentity:
    """Scores are comparable where all four are equal, and not otherwise."""

    name: str
    version: str
    metric_profile: str
    target_set_digest: str
    """SHA-256 in hex over names and contents of all originals and targets."""

    def __post_init__(self) -> None:
        for field in fields(self):
            word = getattr(self, field.name)
            if not isinstance(word, str) or not word.isprintable() or not 0 < len(word) <= _LONGEST:
                raise ValueError(f"a judge's {field.name} must be 1 to {_LONGEST} printable characters")
        if not _SHA256.fullmatch(self.target_set_digest):
            raise ValueError("a judge's target_set_digest must be a SHA-256 in lower-case hex")


def judge_from(members: Mapping[str, object]) -> JudgeIdentity:
    """Read a judge from a JSON object.

    Raises:
        ValueError: A member is missing, unknown or no usable text.
    """
    wanted = {field.name for field in fields(JudgeIdentity)}
    if set(members) != wanted:
        raise ValueError(f"a judge has exactly the members {sorted(wanted)}")
    return JudgeIdentity(**{name: _text(members[name]) for name in wanted})


def _text(member: object) -> str:
    if not isinstance(member, str):
        raise ValueError("a judge's members must be text")
    return member

"""What the fake Kaggle was asked, for assertions such as "no request body ever contains a secret"."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """One request as it came over the wire."""

    method: str
    """Last word of the RPC method's path, or ``logs``, ``file``, ``zip``, ``mcp``."""
    path: str
    body: bytes
    members: dict[str, object]
    """The body's JSON members; empty where it has none."""
    authorization: str
    headers: dict[str, str] = field(default_factory=dict)

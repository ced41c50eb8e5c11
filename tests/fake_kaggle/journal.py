"""What the fake Kaggle was asked, for assertions such as "no request body ever contains a secret"."""

import threading
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


class Journal:
    """Every request, in the order in which it came."""

    def __init__(self) -> None:
        self._asked: list[Asked] = []
        self._lock = threading.Lock()

    def note(self, asked: Asked) -> None:
        with self._lock:
            self._asked.append(asked)

    def all(self, method: str | None = None) -> list[Asked]:
        with self._lock:
            return [asked for asked in self._asked if method in (None, asked.method)]

    def methods(self) -> list[str]:
        return [asked.method for asked in self.all()]

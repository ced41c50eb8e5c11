"""What the fake Akash was asked, for assertions such as "no request body ever holds a secret"."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from tests.fake_akash.faults import Call


@dataclass(frozen=True)
class Asked:
    """One request as it came over the wire."""

    call: Call
    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class Journal:
    """Every request, in the order in which it came."""

    def __init__(self) -> None:
        self._asked: list[Asked] = []
        self._lock = threading.Lock()

    def note(self, asked: Asked) -> None:
        with self._lock:
            self._asked.append(asked)

    def all(self, call: Call | None = None) -> list[Asked]:
        with self._lock:
            return [asked for asked in self._asked if call in (None, asked.call)]

    def calls(self) -> list[Call]:
        return [asked.call for asked in self.all()]

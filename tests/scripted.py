"""What fakes of other systems share: a script of misbehaviour to come, and a journal of what was asked."""

import threading
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

F = TypeVar("F")
A = TypeVar("A")


class FaultScript(Generic[F]):
    """Faults that are still to come, in order; each is used up by the first call of its kind.

    Args:
        faults: To begin with.
        call_of: Names the call that a fault waits for.
    """

    def __init__(self, faults: Iterable[F], *, call_of: Callable[[F], str]) -> None:
        self._left = list(faults)
        self._call_of = call_of
        self._lock = threading.Lock()

    def add(self, *faults: F) -> None:
        with self._lock:
            self._left.extend(faults)

    def take(self, call: str) -> F | None:
        with self._lock:
            found = next((fault for fault in self._left if self._call_of(fault) == call), None)
            if found is not None:
                self._left.remove(found)
            return found

    def left(self) -> int:
        with self._lock:
            return len(self._left)


class Journal(Generic[A]):
    """Every request, in the order in which it came; ``call_of`` names its call."""

    def __init__(self, call_of: Callable[[A], str]) -> None:
        self._asked: list[A] = []
        self._call_of = call_of
        self._lock = threading.Lock()

    def note(self, asked: A) -> None:
        with self._lock:
            self._asked.append(asked)

    def all(self, call: str | None = None) -> list[A]:
        with self._lock:
            return [asked for asked in self._asked if call in (None, self._call_of(asked))]

    def calls(self) -> list[str]:
        return [self._call_of(asked) for asked in self.all()]

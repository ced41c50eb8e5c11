"""A store whose program is killed at a chosen call."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from infra.store.interface import ObjectStore

CALLS = {"create", "swap", "read", "head", "list"}
When = Literal["before", "after"]


class Killed(BaseException):
    """Nothing in a program outlives its kill, so no ``except Exception`` sees this."""


class DyingStore:
    """Passes calls on until the n-th, before or after which the program is dead for good."""

    def __init__(self, store: ObjectStore, *, at: int, when: When) -> None:
        self.calls: list[str] = []
        self._store = store
        self._at = at
        self._when = when

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return partial(self._call, name, found) if name in CALLS else found

    def _call(self, name: str, call: Callable[..., object], *arguments: object, **named: object) -> object:
        self.calls.append(name)
        if len(self.calls) > self._at or (len(self.calls) == self._at and self._when == "before"):
            raise Killed
        answer = call(*arguments, **named)
        if len(self.calls) == self._at:
            raise Killed
        return answer

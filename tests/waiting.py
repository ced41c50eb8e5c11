"""Waiting that ends: a test that waits for something that never comes must fail and say for what."""

import time
from collections.abc import Callable
from typing import Final

ENDLESS: Final = "import time; time.sleep(600)"
"""Source of a program that goes on until a test ends it."""


def wait_until(condition: Callable[[], object], *, within_s: float, what: str) -> None:
    """Return once the condition holds; AssertionError with ``what`` when it does not in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {within_s:g} s")
        time.sleep(0.05)

"""How the fake Kaggle is told to misbehave, call by call."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Act = Literal[
    "429_json",
    "429_html",
    "400",
    "500",
    "html",
    "denied",
    "reset_before",
    "reset_after",
    "hang_after",
    "cut",
    "answer",
]
"""``reset_before``: nothing was done; ``reset_after`` and ``hang_after``: it was, and nobody is told so.
``cut``: the answer breaks off in its middle, a stream after its first record.
``answer``: HTTP 200 with ``Fault.answer`` instead of doing anything."""

PASSING: Sequence[Act] = ("429_json", "429_html", "500", "html", "reset_before", "cut")
"""What a read that is tried again survives."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One misbehaviour, used up by the first call of its method.

    Attributes:
        method: Last word of the RPC method's path, such as ``SaveKernel``; ``logs``, ``file``, ``zip`` or
            ``mcp`` for the other paths.
        retry_after_s: Told with a 429.
        answer: Members of the answer, or its whole body as bytes.
    """

    method: str
    act: Act
    retry_after_s: int | None = None
    answer: object = None
    kind: str = "application/json"


def seeded_faults(seed: int, *, methods: Sequence[str], count: int) -> list[Fault]:
    """Draw passing faults, the same ones from an equal seed."""
    drawn = random.Random(seed)  # noqa: S311  no secret
    return [
        Fault(drawn.choice(methods), drawn.choice(PASSING), retry_after_s=drawn.choice([None, 0]))
        for _ in range(count)
    ]

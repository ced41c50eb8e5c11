"""Wait for the end of a session, and for nothing that only looks like it.

Kaggle's status lies both ways: it says RUNNING long after the end, fails at times, and flaps. So only the
words that mean an end count, twice in a row; any other word, any outage and any 400 mean to ask again, until
the deadline.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from infra.errors import RemoteAnswerInvalid, RemoteUnavailable
from infra.kaggle.answers import SessionStatus
from infra.kaggle.refusals import BadRequest, KernelGone

_JITTER: Final = 0.2  # of the pause, so that several who wait do not ask in step
GONE: Final = SessionStatus("GONE", "Kaggle has no such kernel any more")


@dataclass(frozen=True, slots=True)
class Watch:
    """How a session is waited for.

    Attributes:
        wait_s: Until when, from the beginning.
        poll_s: Pause between two questions, give or take a fifth.
        clock: Seconds that only grow.
    """

    wait_s: float
    poll_s: float = 30.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def await_end(
    ask: Callable[[], SessionStatus], watch: Watch, *, told: Callable[[str], None] = lambda _word: None
) -> SessionStatus | None:
    """Return the status that a session ended with, ``GONE`` for a kernel that vanished; None at the deadline.

    Args:
        ask: Asks Kaggle once.
        watch: How long and how often.
        told: Hears each word that differs from the one before.
    """
    deadline = watch.clock() + watch.wait_s
    last_end: SessionStatus | None = None
    last_word = ""
    while True:
        status = _asked(ask)
        if status.word != last_word:
            told(status.word)
            last_word = status.word
        ended = status == GONE or status.state == "ended"
        if ended and last_end is not None and last_end.word == status.word:
            return status
        last_end = status if ended else None
        left_s = deadline - watch.clock()
        if left_s <= 0:
            return None
        watch.sleep(min(left_s, watch.poll_s * random.uniform(1 - _JITTER, 1 + _JITTER)))  # noqa: S311


def _asked(ask: Callable[[], SessionStatus]) -> SessionStatus:
    """Ask once; what tells nothing is a word that is no end."""
    try:
        return ask()
    except KernelGone:
        return GONE
    except (RemoteUnavailable, RemoteAnswerInvalid, BadRequest):
        return SessionStatus("NO_ANSWER")

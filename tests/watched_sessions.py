"""Sequences of what Kaggle may say of a session, and a second reading of when that is an end."""

import random
from collections.abc import Callable, Sequence
from typing import Final

from infra.errors import RemoteAnswerInvalid, RemoteUnavailable
from infra.kaggle.answers import SessionStatus
from infra.kaggle.refusals import BadRequest, KernelGone
from infra.kaggle.watching import Watch, await_end

ENDS: Final = ("COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED")
GOES_ON: Final = ("QUEUED", "RUNNING", "CANCEL_REQUESTED", "NEW_SCRIPT", "COMPLETED", "FINISHED", "", "DONE")
ERRORS: Final[dict[str, Exception]] = {
    "503": RemoteUnavailable("503"),
    "400": BadRequest("400"),
    "shape": RemoteAnswerInvalid("shape"),
    "403": KernelGone("403"),
}
SAID: Final = (*ENDS, *GOES_ON, *ERRORS)
_WAIT_S: Final = 3600.0


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds

    def watch(self, wait_s: float = _WAIT_S, poll_s: float = 30.0) -> Watch:
        return Watch(wait_s, poll_s, clock=lambda: self.now, sleep=self.sleep)


def replayed(said: Sequence[str]) -> tuple[Callable[[], SessionStatus], list[str]]:
    """Answer one after the other, the last one for ever; and what was answered so far."""
    answered: list[str] = []

    def ask() -> SessionStatus:
        word = said[min(len(answered), len(said) - 1)]
        answered.append(word)
        if word in ERRORS:
            raise ERRORS[word]
        return SessionStatus(word)

    return ask, answered


def random_sequence(seed: int) -> list[str]:
    drawn = random.Random(seed)  # noqa: S311  no secret
    return drawn.choices(SAID, k=drawn.randint(1, 30))


def fault_of_waiting(said: Sequence[str]) -> str:
    """What is wrong with how the wait ends on this sequence; empty when nothing is."""
    ask, answered = replayed(said)
    time = FakeTime()
    ended = await_end(ask, time.watch())
    endless, ends = [*said, said[-1], said[-1]], {*ENDS, "403"}
    places = [i for i in range(1, len(endless)) if endless[i] in ends and endless[i] == endless[i - 1]]
    if not places:
        late = ended is None and time.now >= _WAIT_S
        return "" if late else f"ended with {ended} after {time.now:g} s, though nothing had ended"
    word = "GONE" if endless[places[0]] == "403" else endless[places[0]]
    if ended is None or ended.word != word or len(answered) != places[0] + 1:
        return f"{word} was to be seen at look {places[0] + 1}, found {ended} at look {len(answered)}"
    return ""

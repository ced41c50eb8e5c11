"""F14: nothing but an end, seen twice, ends the wait."""

from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from infra.errors import RemoteAnswerInvalid, RemoteDenied, RemoteUnavailable
from infra.kaggle.answers import SessionStatus
from infra.kaggle.refusals import BadRequest, KernelGone
from infra.kaggle.watching import GONE, Watch, await_end

ENDS = ("COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED")
GOES_ON = (
    "QUEUED",
    "RUNNING",
    "CANCEL_REQUESTED",
    "NEW_SCRIPT",
    "COMPLETED",
    "FINISHED",
    "",
    "DONE",
    "SUCCESS",
)
ERRORS: dict[str, Exception] = {
    "503": RemoteUnavailable("503"),
    "400": BadRequest("400"),
    "shape": RemoteAnswerInvalid("shape"),
    "403": KernelGone("403"),
}
_SEEN = st.sampled_from([*ENDS, *GOES_ON, *ERRORS])
_POLL_S = 30.0


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


def replayed(seen: Sequence[str]) -> tuple[Callable[[], SessionStatus], list[str]]:
    """Answer one after the other, the last one for ever; and what was answered so far."""
    answered: list[str] = []

    def ask() -> SessionStatus:
        word = seen[min(len(answered), len(seen) - 1)]
        answered.append(word)
        if word in ERRORS:
            raise ERRORS[word]
        return SessionStatus(word)

    return ask, answered


def first_end(seen: Sequence[str]) -> int | None:
    """The place of the second of the first two equal ends in a row."""
    endless = [*seen, seen[-1], seen[-1]]
    ends = {*ENDS, "403"}
    places = [i for i in range(1, len(endless)) if endless[i] in ends and endless[i] == endless[i - 1]]
    return places[0] if places else None


@settings(max_examples=500)
@given(seen=st.lists(_SEEN, min_size=1, max_size=30))
def test_no_sequence_of_states_ends_the_wait_early(seen: list[str]) -> None:
    ask, answered = replayed(seen)
    time = FakeTime()
    ended = await_end(ask, Watch(wait_s=3600, poll_s=_POLL_S, clock=lambda: time.now, sleep=time.sleep))
    expected = first_end(seen)
    if expected is None:
        assert ended is None
        assert time.now >= 3600
        return
    assert ended is not None
    assert len(answered) == expected + 1
    assert ended.word == ("GONE" if answered[-1] == "403" else answered[-1])


@given(word=st.text(max_size=20).filter(lambda word: word not in ENDS))
def test_no_other_word_is_an_end(word: str) -> None:
    ask, _ = replayed([word] if word not in ERRORS else ["RUNNING"])
    time = FakeTime()
    assert await_end(ask, Watch(600, 30, clock=lambda: time.now, sleep=time.sleep)) is None


def test_the_deadline_is_kept_to_the_pause() -> None:
    ask, answered = replayed(["RUNNING"])
    time = FakeTime()
    assert await_end(ask, Watch(100, 30, clock=lambda: time.now, sleep=time.sleep)) is None
    assert time.now == 100
    assert 4 <= len(answered) <= 7


def test_an_end_that_flaps_back_to_running_is_none() -> None:
    ask, answered = replayed(["COMPLETE", "RUNNING", "COMPLETE", "ERROR", "ERROR"])
    time = FakeTime()
    ended = await_end(ask, Watch(600, 30, clock=lambda: time.now, sleep=time.sleep))
    assert (ended, len(answered)) == (SessionStatus("ERROR"), 5)


def test_each_new_word_is_told_once() -> None:
    ask, _ = replayed(["QUEUED", "RUNNING", "RUNNING", "503", "403", "403"])
    time, words = FakeTime(), list[str]()
    watch = Watch(600, 30, clock=lambda: time.now, sleep=time.sleep)
    assert await_end(ask, watch, told=words.append) == GONE
    assert words == ["QUEUED", "RUNNING", "NO_ANSWER", "GONE"]


def test_denied_credentials_end_the_wait_with_an_error() -> None:
    def ask() -> SessionStatus:
        raise RemoteDenied("401")

    time = FakeTime()
    try:
        await_end(ask, Watch(600, 30, clock=lambda: time.now, sleep=time.sleep))
    except RemoteDenied:
        assert time.now == 0
    else:
        raise AssertionError("the wait went on")

"""F14: nothing but an end, seen twice, ends the wait."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.errors import RemoteDenied
from infra.kaggle.answers import SessionStatus, read_status
from infra.kaggle.watching import GONE, await_end
from tests.watched_sessions import ENDS, ERRORS, SAID, FakeTime, fault_of_waiting, replayed


@settings(max_examples=500)
@given(said=st.lists(st.sampled_from(SAID), min_size=1, max_size=30))
def test_no_sequence_of_states_ends_the_wait_early_or_late(said: list[str]) -> None:
    assert fault_of_waiting(said) == ""


@given(word=st.text(max_size=20).filter(lambda word: word not in ENDS and word not in ERRORS))
def test_no_other_word_is_an_end(word: str) -> None:
    ask, _ = replayed([word])
    assert await_end(ask, FakeTime().watch(600)) is None


@given(word=st.text(max_size=30) | st.sampled_from(ENDS).map(lambda word: f"NOT.{word}"))
def test_no_other_word_on_the_wire_is_an_end(word: str) -> None:
    is_end = word.strip().upper() in ENDS
    assert (read_status({"status": word}).state == "ended") is is_end


def test_the_deadline_is_kept_to_the_pause() -> None:
    ask, answered = replayed(["RUNNING"])
    time = FakeTime()
    assert await_end(ask, time.watch(100)) is None
    assert time.now == 100
    assert 4 <= len(answered) <= 7


def test_an_end_that_flaps_back_to_running_is_none() -> None:
    ask, answered = replayed(["COMPLETE", "RUNNING", "COMPLETE", "ERROR", "ERROR"])
    assert await_end(ask, FakeTime().watch()) == SessionStatus("ERROR")
    assert len(answered) == 5


def test_each_new_word_is_told_once() -> None:
    ask, _ = replayed(["QUEUED", "RUNNING", "RUNNING", "503", "403", "403"])
    words: list[str] = []
    assert await_end(ask, FakeTime().watch(), told=words.append) == GONE
    assert words == ["QUEUED", "RUNNING", "NO_ANSWER", "GONE"]


def test_denied_credentials_end_the_wait_with_an_error() -> None:
    def ask() -> SessionStatus:
        raise RemoteDenied("401")

    time = FakeTime()
    with pytest.raises(RemoteDenied):
        await_end(ask, time.watch())
    assert time.now == 0

"""Waiting ends for a reason and for no other: what a provider says is a hint."""

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.remote.outcomes import Outcome
from infra.remote.provider import Observed, RemoteState
from infra.remote.watching import Look, Patience, RunState, Watch

PATIENCE = Patience()
DONE = Outcome("done", "the agent ended")
DEADLINE = 1e9
WORDS: tuple[RemoteState, ...] = get_args(RemoteState)
NO_ENDS: tuple[RunState, ...] = ("live", "unknown", "foreign")


def look(at: float, state: RemoteState = "running", **more: Any) -> Look:
    return replace(Look(at, Observed(state)), **more)


def watched(*looks: Look, deadline: float = DEADLINE) -> list[Outcome | None]:
    watch = Watch(deadline, PATIENCE)
    return [watch.take(one) for one in looks]


pauses = st.floats(0.0, PATIENCE.silence_s * 0.99)


@settings(max_examples=500)
@given(
    st.lists(st.tuples(st.sampled_from(WORDS), pauses, st.booleans(), st.sampled_from(NO_ENDS)), max_size=40)
)
def test_nothing_that_a_provider_says_ends_a_job_whose_agent_lives(
    said: list[tuple[RemoteState, float, bool, RunState]],
) -> None:
    watch, at = Watch(DEADLINE, PATIENCE), 0.0
    assert watch.take(look(at, "queued", beat="first")) is None
    for number, (word, pause, store_answers, run) in enumerate(said):
        at += pause
        beat = f"beat {number}" if store_answers else None
        assert watch.take(look(at, word, beat=beat, store_answers=store_answers, run=run)) is None
    assert watch.take(look(at, "running", last_word=DONE)) == DONE


@settings(max_examples=500)
@given(st.lists(st.tuples(st.sampled_from(WORDS), st.floats(1.0, 400.0)), min_size=1, max_size=60))
def test_a_job_without_a_manifest_is_lost_only_after_a_steady_end_or_a_long_silence(
    said: list[tuple[RemoteState, float]],
) -> None:
    watch, at, looks = Watch(DEADLINE, PATIENCE), 0.0, []
    for word, pause in said:
        at += pause
        looks.append((at, word))
        outcome = watch.take(look(at, word))
        assert (outcome is not None) == (_steady_end(looks) or _long_silence(looks))
        if outcome is not None:
            assert outcome.cause == "lost"
            return


def _steady_end(looks: list[tuple[float, RemoteState]]) -> bool:
    """Three or more ends over ``settle_s``, the last word one of them, no word of life since the first."""
    lively = [index for index, (_, word) in enumerate(looks) if word in ("queued", "running")]
    since = looks[lively[-1] + 1 if lively else 0 :]
    ends = [at for at, word in since if word in ("ended", "gone")]
    return len(ends) >= 3 and since[-1][1] in ("ended", "gone") and ends[-1] - ends[0] >= PATIENCE.settle_s


def _long_silence(looks: list[tuple[float, RemoteState]]) -> bool:
    """No sign of life for ``start_s`` after the look before the first ``running``."""
    first = next((index for index, (_, word) in enumerate(looks) if word == "running"), None)
    if first is None or first == len(looks):
        return False
    began = looks[first - 1][0] if first else looks[0][0]
    return looks[-1][0] - began >= PATIENCE.start_s


def test_an_end_that_is_taken_back_starts_anew() -> None:
    ends = [look(at, "ended") for at in (0.0, 50.0)]
    assert (
        watched(*ends, look(60.0), look(70.0, "ended"), look(150.0, "ended"), look(159.0, "gone"))[-1] is None
    )


def test_a_manifest_is_believed_while_the_provider_says_running() -> None:
    assert watched(look(0.0), look(1.0, last_word=DONE)) == [None, DONE]


def test_silence_counts_from_the_last_sign_of_life() -> None:
    looks = [look(0.0, beat="a"), look(299.0, beat="a"), look(300.0, beat="a")]
    assert [outcome and outcome.cause for outcome in watched(*looks)] == [None, None, "lost"]


def test_silence_of_the_store_is_not_the_silence_of_the_agent() -> None:
    away = [look(at, store_answers=False) for at in (100.0, 900.0)]
    back = [look(1000.0, beat="a"), look(1290.0, beat="a")]
    assert watched(look(0.0, beat="a"), *away, *back) == [None] * 5


def test_a_machine_that_waits_in_a_queue_is_not_silent() -> None:
    assert watched(*(look(at, "queued") for at in (0.0, 5000.0, 50_000.0))) == [None] * 3


@pytest.mark.parametrize(
    ("run", "cause"), [("cancelling", "cancelled"), ("ended", "overtaken"), ("missing", "overtaken")]
)
def test_a_run_that_is_not_wanted_any_more_ends_its_job(run: RunState, cause: str) -> None:
    (outcome,) = watched(look(0.0, run=run))
    assert outcome is not None
    assert outcome.cause == cause


def test_a_worker_that_is_told_to_stop_ends_its_job() -> None:
    (outcome,) = watched(look(0.0, stopping=True))
    assert outcome is not None
    assert outcome.cause == "stopped"


def test_work_that_is_done_counts_though_the_run_is_being_cancelled() -> None:
    assert watched(look(0.0, run="cancelling", last_word=DONE)) == [DONE]


def test_an_agent_that_stopped_because_the_run_is_being_cancelled_is_not_lost() -> None:
    (outcome,) = watched(look(0.0, run="cancelling", last_word=Outcome("lost", "the agent was cancelled")))
    assert outcome is not None
    assert outcome.cause == "cancelled"


def test_after_the_deadline_the_agent_has_time_for_its_manifest() -> None:
    outcomes = watched(look(1000.0), look(1119.0), look(1120.0), deadline=1000.0)
    assert [outcome and outcome.cause for outcome in outcomes] == [None, None, "deadline"]

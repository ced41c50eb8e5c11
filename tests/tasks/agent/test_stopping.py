import pytest

from tasks.agent.stopping import Stop, Stopped


def test_the_first_reason_stands() -> None:
    stop = Stop()
    stop.ask("cancelled", "gone")
    stop.ask("failed", "later")
    assert stop.asked() == ("cancelled", "gone")
    with pytest.raises(Stopped):
        stop.check()


def test_the_earlier_of_two_moments_counts() -> None:
    stop = Stop()
    stop.after(-1)
    stop.after(3600)
    assert stop.asked() == ("deadline", "the time was up before all shards were finished")


def test_what_went_wrong_in_one_shard_stops_nothing_and_is_told_at_the_end() -> None:
    stop = Stop()
    stop.remember("inputs_damaged", "a.jpg")
    stop.remember("failed", "b.jpg")
    assert stop.asked() is None
    assert stop.verdict() == ("inputs_damaged", "a.jpg")

"""Waiting for Kaggle: whatever it says in whatever order, nothing but an end ends the wait."""

from collections.abc import Iterator

from tests.faults.verdict import Verdict
from tests.watched_sessions import fault_of_waiting, random_sequence


def waits(*, count: int, seed: int) -> Iterator[Verdict]:
    """Wait on random sequences of states, words that nobody knows, outages and 400s."""
    for number in range(count):
        said = random_sequence(seed + number)
        wrong = fault_of_waiting(said)
        yield Verdict("waits", f"sequence {seed + number} of {len(said)}", (wrong,) if wrong else ())

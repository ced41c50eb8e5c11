import pytest
from hypothesis import Phase, find, settings

from tasks.domain.gates.records import Track
from tests.gate_oracle import Case, cases, compare_with_oracle, expected


def test_gates_agree_with_a_second_reading_of_the_rules() -> None:
    compare_with_oracle(max_examples=1_000)


@pytest.mark.parametrize("track", ["heuristic", "model"])
@pytest.mark.parametrize("verdicts", [(False, False), (True, False), (True, True)])
def test_cases_reach_every_verdict(track: Track, verdicts: tuple[bool, bool]) -> None:
    def reached(case: Case) -> bool:
        _, advance, promote = expected(case)
        return case.track == track and (advance, promote) == verdicts

    unshrunk = settings(max_examples=5_000, database=None, derandomize=True, phases=[Phase.generate])
    assert reached(find(cases(), reached, settings=unshrunk))

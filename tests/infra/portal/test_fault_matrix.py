import pytest

from infra.store.local import LocalStore
from tests.infra.portal.fault_matrix import ALL, Scenario, wrongs


@pytest.mark.parametrize("scenario", ALL, ids=[scenario.name for scenario in ALL])
def test_a_fault_costs_at_most_its_own_run_and_never_a_second_job(
    scenario: Scenario, store: LocalStore
) -> None:
    assert wrongs(scenario, store) == []


def test_the_matrix_has_no_fewer_scenarios_than_the_aim() -> None:
    assert len(ALL) >= 111
    assert len({scenario.name for scenario in ALL}) == len(ALL)

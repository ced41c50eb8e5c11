import pytest

from infra.errors import SubmissionLost
from infra.portal.client.connection import Portal
from infra.portal.client.submission import submit
from infra.store.local import LocalStore
from tests.infra.portal.fake_judge import CSV, fake_judge, forever, status
from tests.infra.portal.fault_matrix import ALL, ARCHIVE, Scenario, wrongs
from tests.infra.portal.submissions import QUICK, TEAM


@pytest.mark.parametrize("scenario", ALL, ids=[scenario.name for scenario in ALL])
def test_a_fault_costs_at_most_its_own_run_and_never_a_second_job(
    scenario: Scenario, store: LocalStore
) -> None:
    assert wrongs(scenario, store) == []


def test_the_matrix_has_no_fewer_scenarios_than_the_aim() -> None:
    assert len(ALL) >= 111
    assert len({scenario.name for scenario in ALL}) == len(ALL)


def test_a_job_that_the_portal_lost_is_asked_for_again_or_resubmitted_on_record(store: LocalStore) -> None:
    with fake_judge({"poll": [forever(status(404))]}) as running:
        portal = Portal(running.url, judge="fake")
        for _ in range(2):
            with pytest.raises(SubmissionLost, match="resubmit explicitly"):
                submit(ARCHIVE, TEAM, portal=portal, store=store, patience=QUICK)
        assert len(running.jobs) == 1
        running.acts.clear()
        answer = submit(
            ARCHIVE, TEAM, portal=portal, store=store, patience=QUICK, resubmit="its state was wiped"
        )
        assert answer.csv == CSV.encode()
        assert len(running.jobs) == 2

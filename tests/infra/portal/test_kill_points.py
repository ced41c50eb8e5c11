from collections import Counter

import pytest

from infra.portal.client.connection import Portal
from infra.portal.client.submission import submit
from infra.store.local import LocalStore
from tests.infra.portal.dying_store import When
from tests.infra.portal.fake_judge import drop_after_commit, fake_judge
from tests.infra.portal.kill_points import ARCHIVE, kill_points, outcome
from tests.infra.portal.submissions import QUICK, TEAM
from tests.quick_folder import quick_folder


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_at_any_call_to_the_store_never_leads_to_a_second_score_request(when: When) -> None:
    with quick_folder() as top:
        found = list(kill_points(top, when))
    assert [wrong for point in found for wrong in point.wrongs] == []
    ends = Counter(point.later[0] for point in found)
    assert ends.keys() <= {"scored", "ambiguous"}
    assert ends.total() >= 15
    assert ends["ambiguous"] <= 0.2 * ends.total()  # the price of asking at most once


def test_an_ambiguous_submission_stays_so_until_it_is_resubmitted(store: LocalStore) -> None:
    with fake_judge({"post": [drop_after_commit]}) as running:
        assert outcome(running, store) == "ambiguous"
        assert outcome(running, store) == "ambiguous"
        portal = Portal(running.url, judge="fake")
        for _ in range(2):
            answer = submit(
                ARCHIVE, TEAM, portal=portal, store=store, patience=QUICK, resubmit="no job is listed"
            )
            assert answer.attempt.endswith("/attempts/002")
        assert outcome(running, store) == "scored"
        assert len(running.jobs) == 2

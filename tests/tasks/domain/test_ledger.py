import pytest

from tasks.domain.ledger import (
    UnknownSubmissionError,
    board,
    canonical_name,
    judges,
    shipped_history,
)
from tests.ledger_entries import PORTAL, entry, pointer, promotion

OTHER = PORTAL.model_copy(update={"metric_profile": "portal_loose"})


def test_the_imported_history_holds_twelve_scored_runs_of_eleven_behaviours_without_lineage() -> None:
    past = board(shipped_history(), None)
    assert (past.scored_runs, past.behaviours) == (12, 11)
    assert past.champion == past.best_ever == "submission_dim_bucket_microgrid"
    assert {row.lineage for row in past.rows} == {"absent"}
    assert [row.mean for row in past.rows] == [
        29.64,
        24.9984,
        24.9839,
        24.91,
        24.6893,
        24.0,
        21.21,
        18.89,
        18.1704,
        3.45,
        0.0,
    ]


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("v1", "submission_global_grid"),
        ("submission_heuristic.csv", "submission_global_grid"),
        ("v2", "submission_hough_proxy"),
        ("submission_v3.csv", "submission_laplacian_proxy"),
        ("submission_phase2.csv", "submission_nelder_per_image"),
        ("v4", "submission_dim_bucket_microgrid"),
        ("submission.csv", "submission_dim_bucket_microgrid_tuned_20260222"),
        ("safezero_v1", "zero_guard_v1_20260222_030358"),
        ("zero_guard_v2_20260222_030614", "zero_guard_v2_20260222_030614"),
        (
            "submission_calibguard_cycle1_safe_20260222_102221.zip",
            "submission_calibguard_cycle1_safe_20260222_102221",
        ),
        ("submission_calibguard_cycle1_safe_scored.csv", "submission_calibguard_cycle1_safe_20260222_102221"),
        ("v11_submission.csv", "v11_submission"),
    ],
)
def test_every_name_of_the_history_is_translated(alias: str, name: str) -> None:
    assert canonical_name(alias, shipped_history()) == name


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownSubmissionError, match="'v12'"):
        canonical_name("v12", shipped_history())


def test_the_best_ever_stays_when_a_lower_champion_follows() -> None:
    entries = [
        entry("scored", "a", 40.0),
        promotion("a", 1),
        entry("scored", "b", 39.5),
        promotion("b", 2, 39.5),
    ]
    now = board(entries, PORTAL)
    assert (now.champion, now.best_ever) == ("b", "a")
    assert [(row.name, row.status) for row in now.rows] == [("a", "advanced"), ("b", "champion")]


def test_the_champion_is_the_last_promoted_by_the_pointer_whatever_the_clocks_said() -> None:
    early, late = promotion("b", 2, at="2026-11-23T11:00:00+00:00"), promotion("a", 1)
    assert board([entry("scored", "a", 40.0), early, late], PORTAL).champion == "b"


@pytest.mark.parametrize(("event", "given"), [("promoted", None), ("scored", pointer("a", 1))])
def test_a_pointer_belongs_to_promotions_only(event: str, given: object) -> None:
    with pytest.raises(ValueError, match="a pointer belongs to a promotion"):
        entry(event, "a", 40.0, pointer=given)


def test_what_is_no_standing_leaves_status_and_scores_as_they_were() -> None:
    seen = [entry("scored", "a", 40.0), entry("rescored", "a", 41.0), entry("analysed", "a")]
    (row,) = board([*seen, entry("rendered", "a", judge=None), entry("pruned", "a", judge=None)], PORTAL).rows
    assert (row.status, row.mean) == ("scored", 40.0)


def test_runs_that_no_judge_has_seen_are_not_in_the_history() -> None:
    entries = [*shipped_history(), entry("rendered", "a", judge=None)]
    assert judges(entries) == (None,)
    assert "a" not in {row.name for row in board(entries, None).rows}
    assert canonical_name("a.zip", entries) == "a"


def test_a_rejection_keeps_its_reasons_and_the_score_it_was_given() -> None:
    (row,) = board(
        [entry("scored", "a", 12.0), entry("rejected", "a", reasons=("too many zeros",))], PORTAL
    ).rows
    assert (row.status, row.mean, row.reasons) == ("rejected", 12.0, ("too many zeros",))


def test_judges_are_never_mixed() -> None:
    entries = [entry("scored", "a", 40.0), entry("scored", "b", 90.0, judge=OTHER), *shipped_history()]
    assert judges(entries) == (PORTAL, OTHER, None)
    assert [row.name for row in board(entries, PORTAL).rows] == ["a"]
    assert board(entries, OTHER).best_ever == "b"


def test_two_names_of_one_behaviour_are_two_runs_and_one_behaviour() -> None:
    same = {"behaviour_digest": "1" * 64}
    entries = [entry("scored", "a", 25.0, **same), entry("scored", "b", 25.0, **same)]
    assert (board(entries, PORTAL).scored_runs, board(entries, PORTAL).behaviours) == (2, 1)


def test_a_submission_in_flight_is_on_the_board_without_a_score() -> None:
    (row,) = board([entry("submitted", "a", submission_sha256="2" * 64)], PORTAL).rows
    assert (row.status, row.mean, row.lineage) == ("running", None, "complete")

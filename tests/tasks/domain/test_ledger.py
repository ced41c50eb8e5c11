import pytest

from tasks.domain.ledger import (
    LedgerEntry,
    UnknownSubmissionError,
    board,
    canonical_name,
    judges,
    shipped_history,
)
from tasks.domain.score_schemas import Judge

PORTAL = Judge(name="portal", version="1", metric_profile="portal", target_set_digest="0" * 64)
OTHER = PORTAL.model_copy(update={"metric_profile": "portal_loose"})


def entry(event: str, name: str, mean: float | None = None, **more: object) -> LedgerEntry:
    return LedgerEntry.model_validate(
        {"event": event, "name": name, "at": "2026-11-23", "family": "f", "judge": PORTAL, "mean": mean}
        | more
    )


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
        entry("promoted", "a"),
        entry("scored", "b", 39.5),
        entry("promoted", "b"),
    ]
    now = board(entries, PORTAL)
    assert (now.champion, now.best_ever) == ("b", "a")
    assert [(row.name, row.status) for row in now.rows] == [("a", "advanced"), ("b", "champion")]


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

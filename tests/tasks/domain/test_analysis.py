import math
import statistics
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.analysis import (
    IncomparableScores,
    Rival,
    analyse_scores,
    bootstrap_intervals,
    score_units,
    statistics_of,
)
from tasks.domain.schemas import PhotoRef
from tasks.domain.score_schemas import GroupScores, Judge, PhotoScore, ScoreAnalysis
from tasks.domain.scored_csv import parse_scored_csv
from tests.scored_history import (
    JUDGE,
    as_csv,
    as_scores,
    calibguard_safe,
    history,
    photos,
    tuned,
    v11,
    zero_guard_v1,
    zero_guard_v2,
    zero_guard_v3,
)

PHOTOS = photos()
SMALL = tuple(
    PhotoRef(id=name, width=2048, height=height, size=1, sha256="0" * 64)
    for name, height in (("a_g1", 1367), ("a_g2", 1367), ("b_g1", 1360))
)


def analysed(
    hundredths: dict[str, int],
    *,
    photos: Sequence[PhotoRef] = PHOTOS,
    rivals: Sequence[Rival] = (),
    routes: dict[str, str] | None = None,
    seed: int = 1,
) -> ScoreAnalysis:
    return analyse_scores(
        as_scores(hundredths),
        name="mine",
        judge=JUDGE,
        csv_sha256="0" * 64,
        photos=photos,
        routes=routes or {},
        rivals=rivals,
        seed=seed,
    )


def champion(hundredths: dict[str, int], *, judge: Judge = JUDGE) -> Rival:
    return Rival(standing="champion", name="theirs", judge=judge, scores=as_scores(hundredths))


def group(analysis: ScoreAnalysis, key: str) -> GroupScores:
    return next(one for one in analysis.groups if one.key == key)


@pytest.mark.parametrize(
    ("hundredths", "mean", "median", "zero_rate"),
    [
        pytest.param(tuned(), "24.9984", 26.555, 0.159, id="tuned"),
        pytest.param(zero_guard_v1(), "24.9839", 26.53, 0.153, id="tab1 and tab4"),
        pytest.param(zero_guard_v2(), "24.9100", 26.47, 0.152, id="tab2"),
        pytest.param(zero_guard_v3(), "24.6893", 26.30, 0.159, id="tab3"),
        pytest.param(calibguard_safe(), "18.1704", 18.095, 0.166, id="calibguard safe"),
        pytest.param(v11(), "0.0000", 0.0, 1.0, id="v11"),
    ],
)
def test_recorded_figures_are_found_in_the_scored_csv(
    hundredths: dict[str, int], mean: str, median: float, zero_rate: float
) -> None:
    scores = parse_scored_csv(as_csv(hundredths), source="x", expected_ids=[photo.id for photo in PHOTOS])
    found = statistics_of(score_units([row.score for row in scores]))
    assert (f"{found.mean:.4f}", found.median, found.zero_rate) == (mean, median, zero_rate)


@pytest.mark.parametrize(
    ("bucket", "count", "mean", "zero_percent"),
    [
        ("standard", 467, "30.343", "8.35"),
        ("near_standard_short", 341, "22.640", "18.18"),
        ("near_standard_tall", 94, "23.890", "14.89"),
        ("moderate_crop", 68, "10.879", "27.94"),
        ("heavy_crop", 21, "0.633", "85.71"),
        ("portrait_cropped", 6, "5.620", "83.33"),
        ("portrait_standard", 3, "25.110", "66.67"),
    ],
)
def test_bucket_table_of_the_tuned_run_is_found(
    bucket: str, count: int, mean: str, zero_percent: str
) -> None:
    found = group(analysed(tuned()), bucket).statistics
    assert (found.photos, f"{found.mean:.3f}", f"{found.zero_rate:.2%}") == (count, mean, f"{zero_percent}%")


def test_deltas_say_what_a_policy_did_to_a_bucket() -> None:
    analysis = analysed(zero_guard_v3(), rivals=[champion(zero_guard_v1())])
    (delta,) = group(analysis, "moderate_crop").deltas
    assert (f"{delta.mean:.3f}", f"{delta.zero_rate:.4f}") == ("-4.333", "0.0882")
    assert delta.interval is not None
    assert delta.interval[0] < delta.mean < delta.interval[1]
    (untouched,) = group(analysis, "standard").deltas
    assert (untouched.mean, untouched.zero_rate, untouched.interval) == (0.0, 0.0, (0.0, 0.0))


def test_photos_that_gained_and_lost_are_listed_largest_first() -> None:
    own, theirs = {"a_g1": 500, "a_g2": 100, "b_g1": 300}, {"a_g1": 200, "a_g2": 450, "b_g1": 299}
    analysis = analysed(own, photos=SMALL, rivals=[champion(theirs)])
    assert analysis.better == (("a_g1", 3.0), ("b_g1", 0.01))
    assert analysis.worse == (("a_g2", -3.5),)


def test_without_a_champion_nothing_is_better_or_worse() -> None:
    analysis = analysed({"a_g1": 500, "a_g2": 100, "b_g1": 300}, photos=SMALL)
    assert (analysis.better, analysis.worse) == ((), ())


def test_every_photo_is_in_one_group_of_each_kind() -> None:
    routes = {photo.id: "dim_safe" if photo.height == 1367 else "parent_safe" for photo in PHOTOS}
    groups = analysed(tuned(), routes=routes).groups
    counts = {
        kind: sum(one.statistics.photos for one in groups if one.kind == kind)
        for kind in ("overall", "bucket", "dimension", "route", "listing")
    }
    assert set(counts.values()) == {1000}
    assert sum(one.kind == "listing" for one in groups) == 236
    assert [one.key for one in groups if one.kind == "route"] == ["dim_safe", "parent_safe"]


def test_single_listing_has_no_interval() -> None:
    analysis = analysed({"a_g1": 500, "a_g2": 100, "b_g1": 300}, photos=SMALL)
    assert group(analysis, "all").interval is not None
    assert group(analysis, "a").interval is None
    assert group(analysis, "standard").interval is None  # both photos are of listing a


def test_equal_seeds_give_equal_analyses_and_others_do_not() -> None:
    rival = champion(zero_guard_v1())
    assert analysed(tuned(), rivals=[rival]) == analysed(tuned(), rivals=[rival])
    assert analysed(tuned(), seed=1).groups[0].interval != analysed(tuned(), seed=2).groups[0].interval


def test_listings_are_drawn_whole() -> None:
    """Where listings are alike inside, only their number counts: the error of a mean of 20, not of 200."""
    rng = np.random.default_rng(5)
    of_listing = rng.normal(50, 10, size=20)
    listings = np.repeat(np.arange(20), 10)
    ((low, high),) = (  # one row
        interval or (math.nan, math.nan)
        for interval in bootstrap_intervals(
            score_units(np.repeat(of_listing, 10).tolist())[None], listings, seed=1
        )
    )
    expected = 2 * 1.96 * of_listing.std() / math.sqrt(20)
    assert high - low == pytest.approx(expected, rel=0.1)  # 2,000 resamples: 3 % noise, and the tails' shape


def test_scores_of_two_judges_are_not_compared() -> None:
    other = JUDGE.model_copy(update={"version": "2"})
    with pytest.raises(IncomparableScores, match=r"was scored by history 2 .*, not by history 1"):
        analysed(tuned(), rivals=[champion(tuned(), judge=other)])


@pytest.mark.parametrize("drop", ["photo", "rival", "route"])
def test_photos_that_differ_are_refused(drop: str) -> None:
    run = tuned()
    lacking = dict(list(run.items())[1:])
    with pytest.raises(
        IncomparableScores, match="of 999 photos, the scores of 1000; 1 ids differ: 'home000_g0000'"
    ):
        analysed(
            run,
            photos=PHOTOS[1:] if drop == "photo" else PHOTOS,
            rivals=[champion(lacking if drop == "rival" else run)],
            routes=dict.fromkeys(lacking if drop == "route" else run, "x"),
        )


def test_repeated_or_no_scores_are_refused() -> None:
    row = PhotoScore(image_id="a_g1", score=1.0)
    for scores in ([], [row, row]):
        with pytest.raises(IncomparableScores, match="one score for each of 1 or more photos"):
            analyse_scores(
                scores, name="x", judge=JUDGE, csv_sha256="0" * 64, photos=[], routes={}, rivals=[], seed=1
            )


def test_two_champions_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="at most one rival of each standing"):
        analysed(tuned(), rivals=[champion(tuned()), champion(tuned())])


@given(hundredths=st.lists(st.integers(0, 10_000), min_size=1, max_size=60))
def test_mean_and_median_are_those_of_exact_arithmetic(hundredths: list[int]) -> None:
    found = statistics_of(score_units([value / 100 for value in hundredths]))
    assert found.mean == float(Fraction(sum(hundredths), 100 * len(hundredths)))
    assert found.median == float(statistics.median(Fraction(value, 100) for value in hundredths))
    assert found.zero_rate == hundredths.count(0) / len(hundredths)
    assert (found.minimum, found.maximum) == (min(hundredths) / 100, max(hundredths) / 100)


@pytest.mark.parametrize(("name", "mean"), [(name, sum(run.values()) / 100_000) for name, run in history()])
def test_history_has_the_means_that_are_recorded(name: str, mean: float) -> None:
    recorded = [24.00, 3.45, 21.21, 18.89, 29.64, 25.00, 24.98, 24.98, 24.91, 24.69, 18.17, 0.00]
    at = [one for one, _ in history()].index(name)
    assert round(mean, 2) == recorded[at]

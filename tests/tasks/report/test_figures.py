import pytest

from tasks.domain.gates.decision import decide_promotion
from tasks.domain.gates.records import GateDecision, GatePolicy
from tasks.domain.score_schemas import GroupScores, ScoreAnalysis, ScoreDelta
from tasks.report import figures
from tests.gate_cases import BETTER, CHAMPION, JUDGE, Line, Table, analysis_of, evidence, statistics_of

CROPS_FAIL: Table = {**CHAMPION, "heavy_crop": Line(40, 13, 30_000)}


def decided(own: Table = BETTER) -> GateDecision:
    return decide_promotion(evidence(own), GatePolicy())


def group(mean: float, *, key: str = "a", zeros: int = 0, **more: object) -> GroupScores:
    line = Line(photos=10, zeros=zeros, hundredths=round(mean * 1000))
    return GroupScores.model_validate(
        {"kind": "bucket", "key": key, "statistics": statistics_of(line)} | more
    )


def analysis(*groups: GroupScores) -> ScoreAnalysis:
    return ScoreAnalysis(name="mine", judge=JUDGE, csv_sha256="0" * 64, groups=groups)


def delta(mean: float, interval: tuple[float, float] | None) -> ScoreDelta:
    return ScoreDelta(against="champion", name="theirs", mean=mean, zero_rate=0.0, interval=interval)


@pytest.mark.parametrize(
    ("decision", "word", "sentence"),
    [
        pytest.param(None, "Not decided yet", "the gates have not been asked", id="none"),
        pytest.param(decided(), "Promoted", "Every gate that applies is passed.", id="promoted"),
        pytest.param(decided(CHAMPION), "Advanced", "stays in play; 1 check stands", id="advanced"),
        pytest.param(
            decided(CROPS_FAIL),
            "Blocked",
            "6 checks stand against promotion.",
            id="blocked",
        ),
    ],
)
def test_the_verdict_is_the_decision_s(decision: GateDecision | None, word: str, sentence: str) -> None:
    verdict = figures.verdict_of(decision)
    assert verdict.word == word
    assert sentence in verdict.sentence


def test_outcomes_are_parted_without_losing_one() -> None:
    outcomes = decided(CROPS_FAIL).outcomes
    failed, passed, inapplicable = figures.sorted_out(outcomes)
    assert sorted(map(repr, [*failed, *passed, *inapplicable])) == sorted(map(repr, outcomes))
    assert not any(one.passed for one in failed)
    assert all(one.applicable for one in passed)
    assert not any(one.applicable for one in inapplicable)


def test_groups_begin_with_the_lowest_mean_and_then_with_more_zeros() -> None:
    groups = group(2.0, key="b", zeros=1), group(2.0, key="a"), group(1.0, key="c"), group(2.0, key="d")
    assert [one.key for one in figures.worst_first(analysis(*groups), "bucket")] == ["c", "b", "a", "d"]


def test_an_analysis_without_all_photos_is_refused() -> None:
    with pytest.raises(ValueError, match="'candidate' has no group of all photos"):
        figures.overall_of(analysis_of({}))


@pytest.mark.parametrize(
    ("interval", "direction"),
    [
        ((0.1, 2.0), "better"),
        ((-2.0, -0.1), "worse"),
        ((-0.1, 2.0), "unsure"),
        ((0.0, 0.0), "unsure"),
        (None, "unsure"),
    ],
)
def test_a_difference_counts_only_where_its_interval_leaves_out_zero(
    interval: tuple[float, float] | None, direction: str
) -> None:
    assert figures.direction_of(delta(1.0, interval)) == direction


@pytest.mark.parametrize(
    ("groups", "end"),
    [
        pytest.param([group(0.0)], 10.0, id="zeros only"),
        pytest.param([group(30.0)], 30.0, id="at a mark"),
        pytest.param([group(30.0, interval=(28.0, 31.0))], 40.0, id="whisker"),
        pytest.param([group(30.0, deltas=(delta(-25.0, None),))], 60.0, id="champion"),
        pytest.param([group(1.0), group(99.0, kind="listing")], 10.0, id="listings do not count"),
    ],
)
def test_the_scale_reaches_beyond_all_it_shows(groups: list[GroupScores], end: float) -> None:
    assert figures.scale_end(analysis(*groups)) == end


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (figures.signed(-4.6416), "\N{MINUS SIGN}4.64"),
        (figures.signed(0.5), "+0.50"),
        (figures.signed(-0.001), "0.00"),
        (figures.signed(-0.125, 4), "\N{MINUS SIGN}0.1250"),
        (figures.signed_percent(0.049), "+4.9"),
        (figures.percent(0.159), "15.9\N{NO-BREAK SPACE}%"),
        (figures.percent(None), "\N{EN DASH}"),
        (figures.points(26.555, 4), "26.5550"),
        (figures.points(None), "\N{EN DASH}"),
        (figures.figure(0.857142857), "0.857143"),
        (figures.figure(None), "\N{EN DASH}"),
        (figures.place(15.0, 40.0), "37.50%"),
    ],
)
def test_numbers_are_written_for_people(text: str, written: str) -> None:
    assert text == written

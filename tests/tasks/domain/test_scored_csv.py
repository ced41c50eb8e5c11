from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.errors import DocumentError
from tasks.domain.score_schemas import PhotoScore, ScoreSummary
from tasks.domain.scored_csv import MAX_BYTES, check_summary, parse_scored_csv, summary_problems

IDS = ("h1_g1", "h1_g2", "h2_g1")
GOOD = "image_id,score\nh1_g1,12.34\nh1_g2,0.00\nh2_g1,100\n"
SUMMARY = ScoreSummary(total_images=3, scored=3, missing=0, hard_fails=1, avg_score=0.3745)


def problems_of(text: str | bytes, *, ids: tuple[str, ...] = IDS) -> tuple[str, ...]:
    raw = text.encode() if isinstance(text, str) else text
    with pytest.raises(DocumentError) as refusal:
        parse_scored_csv(raw, source="scored.csv", expected_ids=ids)
    assert str(refusal.value).startswith("scored.csv has ")
    return refusal.value.problems


def read(text: str) -> tuple[PhotoScore, ...]:
    return parse_scored_csv(text.encode(), source="scored.csv", expected_ids=IDS)


def test_scores_are_read_sorted_by_id() -> None:
    shuffled = "image_id,score\nh2_g1,100\nh1_g2,0.00\nh1_g1,12.34\n"
    assert [(row.image_id, row.score) for row in read(shuffled)] == [
        ("h1_g1", 12.34),
        ("h1_g2", 0.0),
        ("h2_g1", 100.0),
    ]


def test_windows_line_ends_are_read_too() -> None:
    assert read(GOOD.replace("\n", "\r\n")) == read(GOOD)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is empty; the header 'image_id,score' and a row for each photo were expected"),
        (GOOD.replace("score", "value"), "row 1: the header must be 'image_id,score', got 'image_id,value'"),
        (
            GOOD.replace("score", "score,x"),
            "row 1: the header must be 'image_id,score', got 'image_id,score,x'",
        ),
        (
            "\N{ZERO WIDTH NO-BREAK SPACE}" + GOOD,
            "row 1: it begins with a byte order mark; plain UTF-8 was expected",
        ),
        (GOOD.replace("12.34", "12\0.34"), "row 2: it holds a NUL byte"),
        (GOOD.removesuffix("\n"), "row 4: its line does not end; the file was cut off, fetch it again"),
        (
            GOOD.replace("\n", "\r\n", 1),
            "its line ends are mixed, 1 CR and 4 LF; either LF or CRLF throughout was expected",
        ),
        (
            GOOD.replace("\n", "\r", 2),
            "its line ends are mixed, 2 CR and 2 LF; either LF or CRLF throughout was expected",
        ),
        (GOOD.encode() + b"\xff,1\n", "row 5: it is no UTF-8 at byte 48"),
        (GOOD.encode("utf-16"), "row 1: it is no UTF-8 at byte 0"),
        (GOOD + "\n", "row 5: it is blank; a photo's id and score were expected"),
        (GOOD + "h9_g9,1\n", "row 5: 'h9_g9' is none of the 3 submitted photos"),
        (GOOD + "h1_g2,1\n", "'h1_g2' has 2 scores, in rows 3, 5"),
        (GOOD.replace("h1_g2,0.00\n", ""), "it lacks 1 of 3 photos: 'h1_g2'"),
        (GOOD.replace("h1_g2", "H1_g2"), "row 3: 'H1_g2' is none of the 3 submitted photos"),
        (GOOD.replace("h1_g2", "=1+1"), "row 3: id '=1+1' is a spreadsheet formula, no photo's id"),
        (GOOD.replace("h1_g2", "@cmd"), "row 3: id '@cmd' is a spreadsheet formula, no photo's id"),
        (GOOD.replace("h1_g2", '"h1_g2"'), "row 3: id '\"h1_g2\"' is quoted; plain ids were expected"),
        (GOOD.replace("h1_g2", " h1_g2"), "row 3: ' h1_g2' is none of the 3 submitted photos"),
        (GOOD.replace("h1_g2", "\x1b[2J"), "row 3: '\\x1b[2J' is none of the 3 submitted photos"),
    ],
)
def test_defect_is_told_with_its_row(text: str | bytes, problem: str) -> None:
    assert problem in problems_of(text)


@pytest.mark.parametrize(
    "score",
    [
        "nan",
        "NaN",
        "inf",
        "-inf",
        "Infinity",
        "-0.01",
        "-0",
        "+1",
        "1e1",
        "1e999",
        "",
        " 1",
        "1 ",
        "12.",
        ".5",
        "0x10",
        "1_0",
        "\uff11\uff12",
        "None",
        '"12.34"',
        "=1+1",
        "12.3456789",
        "1234",
        "true",
    ],
)
def test_what_is_no_plain_decimal_is_no_score(score: str) -> None:
    problems = problems_of(GOOD.replace("12.34", score))
    assert problems == (
        f"row 2: score of 'h1_g1' is {score!a}; a number from 0 to 100 such as 24.99 was expected",
    )


def test_score_of_exactly_100_is_read_and_more_is_refused() -> None:
    assert read(GOOD.replace("12.34", "100.00"))[0].score == 100.0
    assert problems_of(GOOD.replace("12.34", "100.01")) == ("row 2: score of 'h1_g1' is 100.01, above 100",)


def test_decimal_comma_is_refused_as_a_third_cell() -> None:
    (problem, *_) = problems_of(GOOD.replace("12.34", "12,34"))
    assert problem == (
        "row 2: 2 cells were expected, got 3: 'h1_g1,12,34'; scores have a decimal point and no separators"
    )


def test_all_problems_are_told_at_once() -> None:
    assert problems_of("image_id;score\nh1_g1,nan\nx,1\n") == (
        "row 1: the header must be 'image_id,score', got 'image_id;score'",
        "row 2: score of 'h1_g1' is 'nan'; a number from 0 to 100 such as 24.99 was expected",
        "row 3: 'x' is none of the 3 submitted photos",
        "it lacks 2 of 3 photos: 'h1_g2', 'h2_g1'",
    )


def test_many_missing_photos_are_counted() -> None:
    ids = tuple(f"p{number}" for number in range(8))
    assert problems_of("image_id,score\n", ids=ids) == (
        "it lacks 8 of 8 photos: 'p0', 'p1', 'p2', 'p3', 'p4' and 3 more",
    )


def test_flood_of_bytes_is_refused_unread() -> None:
    assert problems_of(b"x" * (MAX_BYTES + 1)) == (
        f"it has {MAX_BYTES + 1} bytes; at most {MAX_BYTES} are read",
    )


def test_flood_of_rows_is_refused_with_one_sentence() -> None:
    assert problems_of("image_id,score\n" + "\n" * 100_000) == (
        "it has 100000 rows; 3 photos were submitted",
    )


@given(hundredths=st.lists(st.integers(0, 10_000), min_size=1, max_size=30))
def test_written_scores_are_read_back(hundredths: list[int]) -> None:
    ids = [f"p_g{number:02d}" for number in range(len(hundredths))]
    rows = [f"{name},{value / 100:.2f}\n" for name, value in zip(ids, hundredths, strict=True)]
    scores = parse_scored_csv("".join(["image_id,score\n", *rows]).encode(), source="x", expected_ids=ids)
    assert [row.score for row in scores] == [value / 100 for value in hundredths]


@given(junk=st.binary(max_size=80), cut=st.integers(0, len(GOOD)))
def test_junk_is_refused_with_sentences(junk: bytes, cut: int) -> None:
    raw = GOOD.encode()[:cut] + junk
    try:
        scores = parse_scored_csv(raw, source="scored.csv", expected_ids=IDS)
        told = " ".join(row.image_id for row in scores)
    except DocumentError as refusal:
        told = str(refusal)
    assert told.isascii()  # remote text can steer no terminal


def test_summary_that_fits_is_accepted() -> None:
    check_summary(read(GOOD), SUMMARY, source="summary")


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("total_images", 4, "total_images is 4, but the CSV has 3 rows"),
        ("scored", 2, "scored is 2, but the CSV has 3 rows"),
        ("missing", 1, "missing is 1; 0 was expected, every photo must be scored"),
        ("hard_fails", 2, "hard_fails is 2, but only 1 rows have score 0"),
        (
            "avg_score",
            0.25,
            "avg_score is 0.25, but the CSV's mean divided by 100 is 0.374467; they differ by more than 0.01",
        ),
    ],
)
def test_summary_that_contradicts_its_csv_is_refused(field: str, value: float, problem: str) -> None:
    changed = SUMMARY.model_copy(update={field: value})
    assert summary_problems(read(GOOD), changed) == (problem,)
    with pytest.raises(DocumentError, match="summary has 1 problem"):
        check_summary(read(GOOD), changed, source="summary")


@pytest.mark.parametrize(
    ("avg_score", "fits"), [(0.51, True), (0.49, True), (0.5101, False), (0.4899, False)]
)
def test_mean_may_differ_by_exactly_one_hundredth(avg_score: float, fits: bool) -> None:
    scores = [PhotoScore(image_id="a", score=50.0)]
    summary = ScoreSummary(total_images=1, scored=1, missing=0, hard_fails=0, avg_score=avg_score)
    assert (summary_problems(scores, summary) == ()) is fits


@given(hundredths=st.integers(0, 10_000), off=st.integers(-20_000, 20_000))
def test_tolerance_is_that_of_the_written_decimals(hundredths: int, off: int) -> None:
    avg = round(hundredths / 10_000 + off / 1_000_000, 6)
    if not 0.0 <= avg <= 1.0:
        return
    summary = ScoreSummary(total_images=1, scored=1, missing=0, hard_fails=0, avg_score=avg)
    fits = abs(Fraction(str(avg)) - Fraction(hundredths, 10_000)) <= Fraction(1, 100)
    assert (summary_problems([PhotoScore(image_id="a", score=hundredths / 100)], summary) == ()) is fits

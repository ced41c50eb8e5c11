"""Sums over cells that were made by hand."""

from xml.etree import ElementTree

import pytest

from tasks.domain.schemas import PhotoRef
from tests.bench.quality.charts import calibration_chart, error_chart
from tests.bench.quality.scoring import Cell
from tests.bench.quality.standings import Standing, coverage_90, standings_of, table_lines

SVG = "{http://www.w3.org/2000/svg}"


def cell(number: int, score: float | None, *, rms: float | None = None, bound: float | None = None) -> Cell:
    photo = PhotoRef(id=f"home{number // 2}_g{number}", width=320, height=214, size=1, sha256="0" * 64)
    scores = None if score is None else (score, score / 2, score + 1)
    return Cell(photo, "a test", "by_hand", scores, rms, bound, None if score is None else 0.25)


def standing(*cells: Cell) -> Standing:
    return standings_of({"method": cells}, {"method": 0.5}, seed=1)[0]


def drawn(chart: str | None, shape: str) -> int:
    assert chart is not None
    return len(ElementTree.fromstring(chart).findall(f"{SVG}{shape}"))  # noqa: S314  our own text


def test_a_photo_without_an_output_scores_zero_and_is_counted() -> None:
    found = standing(cell(0, 60.0), cell(1, None), cell(2, 30.0))
    assert (found.mean, found.median, found.failed) == (30.0, 30.0, 1)
    assert found.zero_rate == pytest.approx(1 / 3)


def test_each_edge_tolerance_has_a_mean_of_its_own() -> None:
    found = standing(cell(0, 60.0), cell(1, 20.0))
    assert (found.mean_exact, found.mean, found.mean_loose) == (20.0, 40.0, 41.0)


def test_time_before_rendering_is_added_to_that_of_rendering() -> None:
    assert standing(cell(0, 60.0), cell(1, None)).seconds_per_photo == 0.75


def test_errors_are_summed_up_over_the_photos_that_have_one() -> None:
    found = standing(cell(0, 1.0, rms=1.0), cell(1, 1.0), cell(2, 1.0, rms=3.0))
    assert found.rms_px_median == 2.0
    assert found.rms_px_p90 == pytest.approx(2.8)  # nine tenths of the way from 1 to 3


def test_the_worst_mean_and_the_worst_photos_come_first() -> None:
    poor, good = (cell(0, 9.0, rms=1.0), cell(1, 5.0)), (cell(0, 50.0), cell(1, 70.0))
    found = standings_of({"good": good, "poor": poor}, {}, seed=1)
    assert [each.method for each in found] == ["poor", "good"]
    assert [photo.score for photo in found[0].worst] == [5.0, 9.0]
    assert table_lines(found)[2].startswith("| poor | 7.00 |")


def test_the_interval_is_over_listings_and_one_listing_has_none() -> None:
    assert standing(cell(0, 40.0), cell(1, 60.0)).interval is None
    several = standing(cell(0, 0.0), cell(2, 90.0), cell(4, 60.0)).interval
    assert several is not None
    assert several[0] < 50.0 < several[1]


def test_coverage_is_the_share_of_errors_below_their_bounds() -> None:
    cells = [cell(number, 1.0, rms=error, bound=2.0) for number, error in enumerate((0.0, 1.9, 2.0, 2.1))]
    assert coverage_90([*cells, cell(5, 1.0, rms=7.0), cell(6, 1.0, bound=7.0)]) == 0.75


def test_coverage_says_how_many_photos_had_a_bound_where_not_all_had() -> None:
    bounded, unbounded = cell(0, 1.0, rms=1.0, bound=2.0), cell(1, 1.0, rms=9.0)
    assert "| 100 (of 1) |" in table_lines([standing(bounded, unbounded)])[2]
    assert "| 100 |" in table_lines([standing(bounded)])[2]


def test_a_method_that_tells_no_bound_has_no_coverage() -> None:
    assert standing(cell(0, 1.0, rms=1.0)).coverage_90 is None


def test_the_error_chart_has_a_dot_for_each_photo_but_none_of_the_exact_warp() -> None:
    cells = {"one <&>": [cell(0, 1.0, rms=0.3), cell(1, 1.0)], "exact warp": [cell(0, 1.0, rms=0.0)]}
    assert drawn(error_chart(cells, ["one <&>", "exact warp"]), "circle") == 1


def test_the_calibration_chart_has_a_dot_for_each_bound() -> None:
    cells = {"one": [cell(0, 1.0, rms=0.3, bound=0.2), cell(1, 1.0, rms=30.0, bound=0.5), cell(2, 1.0)]}
    assert drawn(calibration_chart(cells), "circle") == 2


def test_without_truth_there_is_no_chart() -> None:
    assert error_chart({"one": [cell(0, 1.0)]}, ["one"]) is None
    assert calibration_chart({"one": [cell(0, 1.0, rms=1.0)]}) is None

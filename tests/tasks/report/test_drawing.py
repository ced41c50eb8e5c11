import numpy as np
import pytest

from gpu.plumb_line.moved_lines import MovedLine
from tasks.report import drawing


def moved(before: float, after: float) -> MovedLine:
    return MovedLine(np.zeros((2, 2)), np.zeros((2, 2)), before, after)


@pytest.mark.parametrize(
    ("bow", "tone"), [(0.0, "straight"), (0.5, "straight"), (0.51, "bowed"), (1.5, "bowed"), (1.51, "bent")]
)
def test_an_edge_is_as_straight_as_the_legend_says(bow: float, tone: str) -> None:
    assert drawing.tone_of(bow) == tone


def test_places_are_written_to_the_pixel() -> None:
    assert drawing.photo_points(np.array([[0.4, 1366.6], [2047.0, -0.2]])) == "0,1367 2047,0"


def test_the_median_edge_is_told_before_and_after() -> None:
    assert drawing.median_bows([moved(3.0, 0.5), moved(1.0, 0.1), moved(2.0, 9.0)]) == (2.0, 0.5)


def test_routes_are_written_with_their_photos() -> None:
    assert drawing.route_counts((("x", 3), ("y", 1))) == "x 3, y 1"

"""Places of what the report draws as lines, the fan on its scale and edges over photos, and their words.

Points are those of SVG; which colour or width a line has, the style sheet says.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

from gpu.plumb_line.moved_lines import Array, MovedLine
from tasks.report.curves import FAN_RADII
from tasks.report.fan import CurveFan, FanCurve

_MOST_MARKS: Final = 8
_LEAST_SPAN_PX: Final = 1.0
_STRAIGHT_PX: Final = 0.5  # edges of rooms keep 0.27 px under the true curve, see straightness._WORLD
_BENT_PX: Final = 1.5  # a judgement: what an eye finds on a photo of 2048 px

Tone = Literal["straight", "bowed", "bent"]


@dataclass(frozen=True, slots=True)
class FanScale:
    """The vertical scale of a fan, in pixels: it begins and ends at marks, and 0 is one of them."""

    marks: tuple[float, ...]
    """From the lowest up."""

    def from_top(self, displacement: float) -> float:
        """Give how far below the top a displacement lies, in percent of the height."""
        low, high = self.marks[0], self.marks[-1]
        return 100 * (high - displacement) / (high - low)


def fan_scale(fan: CurveFan) -> FanScale:
    """Choose a scale that shows every line whole."""
    shown = [place for curve in (*fan.groups, *fan.chosen) for place in curve.displacement]
    low, high = min(0.0, *shown), max(0.0, *shown)
    high = max(high, low + _LEAST_SPAN_PX)
    step = _round_step((high - low) / _MOST_MARKS)
    return FanScale(tuple(step * mark for mark in range(math.floor(low / step), math.ceil(high / step) + 1)))


def fan_points(curve: FanCurve, scale: FanScale) -> str:
    """Write a line of the fan as points of a square of 100."""
    places = zip(FAN_RADII, curve.displacement, strict=True)
    return " ".join(f"{100 * radius:g},{scale.from_top(place):.2f}" for radius, place in places)


def at_radius(curve: FanCurve, radius: float) -> float:
    """Give the displacement at one of ``FAN_RADII``, in pixels."""
    return curve.displacement[FAN_RADII.index(radius)]


def photo_points(places: Array) -> str:
    """Write places of a photo as points, to the pixel."""
    return " ".join(f"{round(u)},{round(v)}" for u, v in places)


def tone_of(bow: float) -> Tone:
    """Tell how straight an edge is, by its RMS distance from a straight line in pixels."""
    if bow <= _STRAIGHT_PX:
        return "straight"
    return "bowed" if bow <= _BENT_PX else "bent"


def median_bows(lines: Sequence[MovedLine]) -> tuple[float, float]:
    """Give the median bow of one or more edges, before and after, in pixels."""
    return median(line.bow_before for line in lines), median(line.bow_after for line in lines)


def route_counts(routes: Iterable[tuple[str, int]]) -> str:
    """Write routes with their photos on one line."""
    return ", ".join(f"{route} {photos}" for route, photos in routes)


def _round_step(least: float) -> float:
    """Give the least of 1, 2, 5, 10, 20, ... times a power of ten that is not below."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * digit for digit in (1.0, 2.0, 5.0, 10.0) if power * digit >= least * (1 - 1e-9))

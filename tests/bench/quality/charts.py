"""The comparison's two charts, as SVG: error by method, and how well their bounds were kept.

Both are made of the same few shapes on logarithmic scales in pixels. What is drawn was computed elsewhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import log
from statistics import median
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from tests.bench.quality.scoring import EXACT, Cell

_MARKS: Final = tuple(step * 10.0**power for power in range(-2, 6) for step in (1, 2, 5))
"""In pixels; errors below the first are drawn there."""
_NAMES, _ROW, _PLOT, _EDGE = 280, 22, 560, 44  # of the picture, in its own pixels
_STYLE: Final = (
    "svg{background:#fff;font:12px system-ui,sans-serif}text{fill:#222}.grid{stroke:#ddd}"
    ".dot{fill:#2b6cb0;fill-opacity:.45}.middle{stroke:#c53030;stroke-width:2.5}"
    ".limit{stroke:#718096;stroke-dasharray:4 3}"
)


def error_chart(cells: Mapping[str, Sequence[Cell]], order: Iterable[str]) -> str | None:
    """Draw each photo's error as a dot in its method's row, and the medians; None without any truth.

    Args:
        cells: Of each method.
        order: The methods' names, from top to bottom.
    """
    errors = {name: _errors(cells[name]) for name in order if name != EXACT}
    rows = {name: found for name, found in errors.items() if found}
    if not rows:
        return None
    scale = _Scale(found for row in rows.values() for found in row)
    svg = _canvas(_NAMES + _PLOT + _EDGE, _ROW * len(rows) + 2 * _EDGE, "RMS error of the warp, px")
    bottom = _EDGE + _ROW * len(rows)
    for mark in scale.marks:
        x = _NAMES + _PLOT * scale.place(mark)
        _line(svg, "grid", x, _EDGE, x, bottom)
        _text(svg, x, bottom + 18, f"{mark:g}", "middle")
    for number, (name, found) in enumerate(rows.items()):
        y = _EDGE + _ROW * (number + 0.5)
        _text(svg, _NAMES - 10, y + 4, name, "end")
        for error in found:
            _dot(svg, _NAMES + _PLOT * scale.place(error), y)
        x = _NAMES + _PLOT * scale.place(median(found))
        _line(svg, "middle", x, y - 8, x, y + 8)
    return _written(svg)


def calibration_chart(cells: Mapping[str, Sequence[Cell]]) -> str | None:
    """Draw true errors over their 90 % bounds: one dot in ten belongs above the line. None without bounds."""
    points = [
        (cell.bound_px, cell.rms_px)
        for row in cells.values()
        for cell in row
        if cell.bound_px is not None and cell.rms_px is not None
    ]
    if not points:
        return None
    scale = _Scale(error for point in points for error in point)
    svg = _canvas(_PLOT + 2 * _EDGE, _PLOT + 2 * _EDGE, "true RMS error over its 90 % bound, px")
    for mark in scale.marks:
        at = _EDGE + _PLOT * scale.place(mark)
        down = 2 * _EDGE + _PLOT - at
        _line(svg, "grid", at, _EDGE, at, _EDGE + _PLOT)
        _line(svg, "grid", _EDGE, down, _EDGE + _PLOT, down)
        _text(svg, at, _EDGE + _PLOT + 18, f"{mark:g}", "middle")
        _text(svg, _EDGE - 6, down + 4, f"{mark:g}", "end")
    _line(svg, "limit", *_place(scale, scale.least, scale.least), *_place(scale, scale.most, scale.most))
    for bound, error in points:
        _dot(svg, *_place(scale, bound, error))
    return _written(svg)


class _Scale:
    """A logarithmic scale that begins and ends at a mark, beyond all that it shows."""

    def __init__(self, shown: Iterable[float]) -> None:
        values = [max(value, _MARKS[0]) for value in shown]
        first = max(place for place, mark in enumerate(_MARKS[:-1]) if mark <= min(values))
        last = min(place for place, mark in enumerate(_MARKS) if mark > max(values))
        self.marks = _MARKS[first : last + 1]
        self.least, self.most = self.marks[0], self.marks[-1]

    def place(self, value: float) -> float:
        """Give where a value lies, 0 to 1."""
        return log(max(value, self.least) / self.least) / log(self.most / self.least)


def _errors(cells: Iterable[Cell]) -> list[float]:
    return [cell.rms_px for cell in cells if cell.rms_px is not None]


def _place(scale: _Scale, bound: float, error: float) -> tuple[float, float]:
    return _EDGE + _PLOT * scale.place(bound), _EDGE + _PLOT * (1 - scale.place(error))


def _canvas(width: float, height: float, title: str) -> Element:
    svg = Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width:g} {height:g}")
    SubElement(svg, "title").text = title
    SubElement(svg, "style").text = _STYLE
    _text(svg, width / 2, 24, title, "middle")
    return svg


def _line(svg: Element, style: str, x1: float, y1: float, x2: float, y2: float) -> None:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    SubElement(svg, "line", {"class": style}, **{name: f"{value:.1f}" for name, value in ends.items()})


def _dot(svg: Element, x: float, y: float) -> None:
    SubElement(svg, "circle", {"class": "dot"}, cx=f"{x:.1f}", cy=f"{y:.1f}", r="3.5")


def _text(svg: Element, x: float, y: float, text: str, anchor: str) -> None:
    SubElement(svg, "text", {"text-anchor": anchor}, x=f"{x:.1f}", y=f"{y:.1f}").text = text


def _written(svg: Element) -> str:
    indent(svg)
    return tostring(svg, encoding="unicode") + "\n"

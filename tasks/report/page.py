"""Writes the report of a scored run as one HTML document that needs nothing else.

Pictures are inside as data URIs, style and script too, and the document's own policy forbids everything
from elsewhere. Texts are escaped; equal content gives equal bytes.
"""

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from tasks.report import drawing, figures
from tasks.report.content import ReportContent
from tasks.warps import warp_text


def report_page(content: ReportContent) -> bytes:
    """Write the report in UTF-8."""
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            content=content,
            overall=figures.overall_of(content.analysis),
            verdict=figures.verdict_of(content.decision),
            blocked=figures.blocked_buckets(content.decision),
            scale_end=figures.scale_end(content.analysis),
        )
    )
    return page.encode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tasks.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    makers = (
        figures.sorted_out,
        figures.worst_first,
        figures.delta_of,
        figures.direction_of,
        figures.champion_mean,
        figures.place,
        figures.stage_name,
        figures.points,
        figures.signed,
        figures.percent,
        figures.signed_percent,
        figures.figure,
        drawing.fan_scale,
        drawing.fan_points,
        drawing.at_radius,
        drawing.photo_points,
        drawing.tone_of,
        drawing.median_bows,
        drawing.route_counts,
        warp_text,
        data_uri,
    )
    environment.filters |= {maker.__name__: maker for maker in makers}
    environment.globals["script_digest"] = _script_digest()
    return environment


def data_uri(jpeg: bytes) -> str:
    """Write a JPEG as an address that holds the picture itself."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _script_digest() -> str:
    """Digest the one script that the document's policy lets run."""
    script = files("tasks.report").joinpath("report.js").read_bytes()
    return base64.b64encode(hashlib.sha256(script).digest()).decode()

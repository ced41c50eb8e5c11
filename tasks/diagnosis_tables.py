"""Shows a diagnosis as tables, in Prefect's UI and for the command line; every title begins with "proxy"."""

from prefect.artifacts import create_table_artifact

from tasks.domain.diagnosis import Diagnosis, PairDiagnosis, ProxyGroup
from tasks.reporting import best_effort

Row = dict[str, str]

PARTS = ("edge", "line", "gradient", "SSIM", "pixel")
"""Columns of the five parts of the similarity."""
_LISTED = 20  # worst photos shown; the record holds all


@best_effort
def publish_diagnosis(diagnosis: Diagnosis) -> None:
    """Show the groups and the worst photos in Prefect's UI."""
    title = headline(diagnosis)
    create_table_artifact(group_rows(diagnosis), key="diagnose-groups", description=title)
    create_table_artifact(worst_rows(diagnosis), key="diagnose-worst", description=f"{title}; worst first")


def headline(diagnosis: Diagnosis) -> str:
    """Say what was diagnosed on what, and that it is proxy."""
    request = diagnosis.request
    evenly = request.sample is not None and request.sample_per != "all"
    drawn = f", at most {request.sample} of each {request.sample_per}" if evenly else ""
    return (
        f"proxy: {request.method} {request.variant} on {len(diagnosis.photos)} of {diagnosis.found} pairs"
        f"{drawn}, metric {request.metric_profile}"
    )


def outcome(diagnosis: Diagnosis) -> str:
    """Say in one sentence how the method fared, overall."""
    overall = diagnosis.groups[0]
    return (
        f"{headline(diagnosis)}: mean proxy score {overall.proxy_score.mean:.2f} (left alone 0), "
        f"{overall.worsened} worsened, {len(diagnosis.quarantined)} quarantined"
    )


def group_rows(diagnosis: Diagnosis) -> list[Row]:
    """Write a row for each group; in brackets the figure of the photos left alone."""
    return [_group_row(group) for group in diagnosis.groups]


def worst_rows(diagnosis: Diagnosis) -> list[Row]:
    """Write a row for each of the worst photos."""
    return [_photo_row(photo) for photo in diagnosis.photos[:_LISTED]]


def _group_row(group: ProxyGroup) -> Row:
    output, identity, score = group.output, group.identity, group.proxy_score
    interval = f"{group.interval[0]:.1f} to {group.interval[1]:.1f}" if group.interval else ""
    return {
        "by": group.kind,
        "group": group.key,
        "pairs": str(score.photos),
        "proxy score": f"{score.mean:.2f}",
        "95 %": interval,
        "median": f"{score.median:.2f}",
        "zeros": f"{100 * score.zero_rate:.1f} %",
        "worsened": str(group.worsened),
        "hard fails": str(group.hard_fails),
        "similarity": f"{output.similarity:.4f} ({identity.similarity:.4f})",
        "edge": f"{output.edge:.3f} ({identity.edge:.3f})",
        "line": f"{output.line:.3f} ({identity.line:.3f})",
        "gradient": f"{output.gradient:.3f} ({identity.gradient:.3f})",
        "SSIM": f"{output.ssim:.3f} ({identity.ssim:.3f})",
        "pixel": f"{output.pixel:.3f} ({identity.pixel:.3f})",
        "MAE": f"{output.mae:.2f} ({identity.mae:.2f})",
        "PSNR": f"{_decibels(output.psnr)} ({_decibels(identity.psnr)})",
    }


def _photo_row(photo: PairDiagnosis) -> Row:
    return {
        "pair": photo.id,
        "size": f"{photo.width}x{photo.height}",
        "route": photo.route,
        "proxy score": f"{photo.proxy_score:.2f}",
        "gain": f"{photo.gain:+.4f}",
        "hard fail": photo.hard_fail or "",
        "similarity": f"{photo.output.similarity:.4f} ({photo.identity.similarity:.4f})",
        "MAE": f"{photo.output.mae:.2f} ({photo.identity.mae:.2f})",
    }


def _decibels(value: float | None) -> str:
    return "equal" if value is None else f"{value:.1f}"

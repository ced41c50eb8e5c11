"""The judge's metric as the scorers of our own portal: one name for each profile and mode.

``infra.portal.server`` imports a scorer by its name (``tasks.portal.scorer_name``) and calls it with three
JPEGs' bytes, in a process that never loads Prefect. Pixels are taken as stored, orientation is not applied.
Nothing is kept between calls: a target's features take 50 MB.
"""

from functools import partial

import cv2

from gpu.jpeg.codec import Plane, decode_bgr
from gpu.jpeg.header import read_header
from gpu.jpeg.rejection import PhotoRejected
from gpu.metric.profile import PROFILES, MetricProfile
from gpu.metric.score import PhotoMetrics, ScoreMode, score_photo
from infra.errors import TargetSetUnusable


def _score(
    profile: MetricProfile, mode: ScoreMode, output: bytes, original: bytes, target: bytes
) -> dict[str, object]:
    """Score one photo as ``infra.portal.server.photo_scoring`` asks for it.

    Raises:
        TargetSetUnusable: Original or target is damaged, or they differ in size.
        PhotoRejected: A ``ValueError``: the output is damaged or of another size.
    """
    cv2.setNumThreads(1)  # photos are scored side by side, one process each
    wanted, start = _of_target_set("target", target), _of_target_set("original", original)
    if wanted.shape != start.shape:
        raise TargetSetUnusable(
            f"original and target must have one size, found {_size(start)} and {_size(wanted)}"
        )
    return _told(score_photo(_output(output, like=wanted), start, wanted, profile, mode=mode))


def _of_target_set(name: str, photo: bytes) -> Plane:
    try:
        return decode_bgr(photo, read_header(photo))
    except PhotoRejected as rejection:
        raise TargetSetUnusable(f"its {name} is unusable: {rejection}") from rejection


def _output(photo: bytes, *, like: Plane) -> Plane:
    header = read_header(photo)
    if (header.height, header.width) != like.shape[:2]:  # before a stranger's huge photo is decoded
        raise PhotoRejected(
            "wrong_output",
            f"expected {_size(like)} pixels as the target has, found {header.width}x{header.height}",
        )
    return decode_bgr(photo, header)


def _told(found: PhotoMetrics) -> dict[str, object]:
    return {
        "score": found.score,
        "hard_fail": found.hard_fail is not None,
        "metrics": {
            "edge_similarity": found.output.edge,
            "line_straightness": found.output.line,
            "gradient_orientation": found.output.gradient,
            "ssim": found.output.ssim,
            "l1_pixel_diff": 1.0 - found.output.pixel,
            "max_regional_diff": found.regional_difference,
            "gt_edge_density": found.target_edge_density,
        },
    }


def _size(photo: Plane) -> str:
    return f"{photo.shape[1]}x{photo.shape[0]}"


portal = partial(_score, PROFILES["portal"], "improvement")
portal_plain = partial(_score, PROFILES["portal"], "plain")
portal_exact = partial(_score, PROFILES["portal_exact"], "improvement")
portal_exact_plain = partial(_score, PROFILES["portal_exact"], "plain")
portal_loose = partial(_score, PROFILES["portal_loose"], "improvement")
portal_loose_plain = partial(_score, PROFILES["portal_loose"], "plain")

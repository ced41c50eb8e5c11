"""Renders one photo under many warps and scores each output, in a worker process.

What depends on the photo and its target alone is measured once. The metric profiles must differ in their edge
tolerance only, so all other parts of an output are measured once as well. Bytes in, numbers out.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gpu.jpeg.codec import decode_bgr
from gpu.jpeg.header import read_header
from gpu.metric.edges import EdgeMap, edge_pyramid, edge_similarity
from gpu.metric.pixels import Pixels, grey_levels
from gpu.metric.profile import MetricProfile
from gpu.metric.score import Parts, PhotoFeatures, photo_features, score_output, scored_parts, similarity_to
from gpu.radial_map import RadialMap
from gpu.remap.backend import Border
from gpu.render import RenderJob, render_photo

QUALITY = 95


@dataclass(frozen=True, slots=True)
class PanelWarp:
    """What to do with the photo; ``mapping`` None leaves it as it is."""

    mapping: RadialMap | None
    border: Border


@dataclass(frozen=True, slots=True)
class PanelJob:
    """One photo, what it should become, and the warps to try on it.

    Attributes:
        profiles: One or more, equal but for name and edge tolerance.
    """

    original: bytes
    target: bytes
    warps: tuple[PanelWarp, ...]
    profiles: tuple[MetricProfile, ...]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What came of one warp.

    Attributes:
        scores: Under each profile, 0 to 100.
        seconds: CPU time of rendering, decoding and encoding included.
    """

    scores: tuple[float, ...]
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """A photo's target, with the edges and the original's parts under each profile."""

    features: PhotoFeatures
    profiles: tuple[MetricProfile, ...]
    edges: tuple[tuple[EdgeMap, ...], ...]
    original: tuple[Parts, ...]


def judge_panel(job: PanelJob) -> tuple[Opinion, ...]:
    """Render and score the photo under each warp.

    Raises:
        PhotoRejected: The photo or its target is damaged or of a kind that is not accepted.
        ValueError: They are not of one size.
    """
    judged = _judged(job)
    return tuple(_opinion(job, warp, judged) for warp in job.warps)


def _judged(job: PanelJob) -> _Judged:
    features = photo_features(_decoded(job.target), job.profiles[0])
    grey = grey_levels(features.pixels)
    edges = tuple(edge_pyramid(grey, profile) for profile in job.profiles)
    original = _decoded(job.original)
    parts = similarity_to(features, original)
    return _Judged(features, job.profiles, edges, _under_each(parts, original, edges, job.profiles))


def _opinion(job: PanelJob, warp: PanelWarp, judged: _Judged) -> Opinion:
    started = time.process_time()
    jpeg = render_photo(
        RenderJob(
            photo=job.original,
            mapping=warp.mapping,
            interpolation="cubic",
            border=warp.border,
            quality=QUALITY,
            backend="opencv",
        )
    ).jpeg
    seconds = time.process_time() - started
    return Opinion(_scores(_decoded(jpeg), judged), seconds)


def _scores(output: Pixels, judged: _Judged) -> tuple[float, ...]:
    """Score an output under the first profile, and under the others by what differs there."""
    first = score_output(output, judged.features, original=judged.original[0])
    parts = _under_each(first.output, output, judged.edges, judged.profiles)
    return tuple(
        scored_parts(
            part,
            original=original,
            regional_difference=first.regional_difference,
            target_edge_density=first.target_edge_density,
            profile=profile,
        ).score
        for part, original, profile in zip(parts, judged.original, judged.profiles, strict=True)
    )


def _under_each(
    parts: Parts,
    photo: Pixels,
    target_edges: Sequence[tuple[EdgeMap, ...]],
    profiles: Sequence[MetricProfile],
) -> tuple[Parts, ...]:
    """Give a photo's parts under each profile from those under the first."""
    grey = grey_levels(photo)
    others = [
        replace(parts, edge=edge_similarity(edge_pyramid(grey, profile), edges))
        for profile, edges in zip(profiles[1:], target_edges[1:], strict=True)
    ]
    return (parts, *others)


def _decoded(jpeg: bytes) -> Pixels:
    return decode_bgr(jpeg, read_header(jpeg))

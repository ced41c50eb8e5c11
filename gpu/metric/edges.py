"""Edges at several scales, and how well the edges of two photos meet.

Knows grey levels in and similarity out; which direction an edge has is the business of
``gpu.metric.orientation``.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from gpu.metric.pixels import Pixels
from gpu.metric.profile import MetricProfile


@dataclass(frozen=True, slots=True, eq=False)
class EdgeMap:
    """Edges at one scale, (H, W) uint8 of 0 and 255.

    Attributes:
        edges: One pixel wide, as Canny leaves them.
        reach: All pixels within the tolerance of an edge.
    """

    edges: Pixels
    reach: Pixels


def edge_pyramid(grey: Pixels, profile: MetricProfile) -> tuple[EdgeMap, ...]:
    """Find the edges at each scale of the profile, the full size first."""
    side = 2 * profile.edge_tolerance + 1
    neighbourhood = np.ones((side, side), np.uint8)
    found = [cv2.Canny(_scaled(grey, scale), *profile.canny_thresholds) for scale in profile.edge_scales]
    return tuple(
        EdgeMap(np.asarray(edges, np.uint8), np.asarray(cv2.dilate(edges, neighbourhood), np.uint8))
        for edges in found
    )


def edge_similarity(a: tuple[EdgeMap, ...], b: tuple[EdgeMap, ...]) -> float:
    """Average over the scales the F1 of edges that have a partner within the tolerance."""
    return sum(map(_f1, a, b)) / len(a)


def edge_density(edges: EdgeMap) -> float:
    """Give the share of the pixels that are edges."""
    return cv2.countNonZero(edges.edges) / edges.edges.size


def _f1(a: EdgeMap, b: EdgeMap) -> float:
    """Combine precision and recall; without any edge on both sides 1, on one side 0."""
    count_a, count_b = cv2.countNonZero(a.edges), cv2.countNonZero(b.edges)
    if not (count_a and count_b):
        return float(count_a == count_b)
    precision = cv2.countNonZero(cv2.bitwise_and(a.edges, b.reach)) / count_a
    recall = cv2.countNonZero(cv2.bitwise_and(b.edges, a.reach)) / count_b
    return 2.0 * precision * recall / (precision + recall) if precision + recall else 0.0


def _scaled(grey: Pixels, scale: float) -> Pixels:
    if scale == 1.0:
        return grey
    # By factor and not by size: 1367 rows become whole 2x2 means and a last row of 2x1, not 1.9985x2 ones.
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)

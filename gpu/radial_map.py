"""The sampling map of a radial warp, as few numbers that every remap back end can evaluate.

It knows no lens convention: ``gpu.lens_curve`` and ``gpu.legacy`` build it, the back ends in
``gpu.remap`` evaluate it. Whether such a map folds over is a property of these numbers alone, so
that is answered here, exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, inf
from sys import float_info

import numpy as np

from gpu.coordinates import ImageSize

Point = tuple[float, float]

FARTHEST_RADIUS = 1000.0  # no frame reaches and no branch is followed farther out than this


@dataclass(frozen=True, slots=True)
class RadialMap:
    """Where each pixel of a corrected plane reads in the original plane of the same size.

    With ``p = ((u - out_centre[0]) / out_scale[0], (v - out_centre[1]) / out_scale[1])`` and
    ``r = |p|`` the place to read is ``src_centre + src_scale * p * f(r)``, where
    ``f(r) = sum(factors[i] * r**i)``.

    Attributes:
        out_centre: (u, v) in pixels of the corrected plane.
        out_scale: Pixels per unit of p, along u and v.
        src_centre: (u, v) in pixels of the original plane.
        src_scale: Pixels per unit of p * f, along u and v.
        factors: Coefficients of f by power of r, one to seven of them.
    """

    out_centre: Point
    out_scale: Point
    src_centre: Point
    src_scale: Point
    factors: tuple[float, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.factors) <= 7:
            raise ValueError(f"a radial map has 1 to 7 factors, got {len(self.factors)}")

    def on_subsampled_plane(self, horizontal: int, vertical: int) -> "RadialMap":
        """Give the same map in the pixels of a chroma plane that is subsampled by these factors.

        JPEG chroma samples sit in the middle of the luma samples they stand for, so chroma pixel
        ``j`` lies at luma coordinate ``j * horizontal + (horizontal - 1) / 2``.
        """
        steps = (horizontal, vertical)

        def centre(point: Point) -> Point:
            u, v = ((x - (s - 1) / 2) / s for x, s in zip(point, steps, strict=True))
            return u, v

        def scale(point: Point) -> Point:
            u, v = (x / s for x, s in zip(point, steps, strict=True))
            return u, v

        return RadialMap(
            out_centre=centre(self.out_centre),
            out_scale=scale(self.out_scale),
            src_centre=centre(self.src_centre),
            src_scale=scale(self.src_scale),
            factors=self.factors,
        )

    def farthest_radius(self, size: ImageSize) -> float:
        """Give the radius |p| of the pixel of a corrected plane of this size that lies farthest out."""
        u, v = (
            max(abs(centre), abs(length - 1 - centre)) / scale
            for centre, length, scale in zip(
                self.out_centre, (size.width, size.height), self.out_scale, strict=True
            )
        )
        return hypot(u, v)


def fold_radius(factors: Sequence[float]) -> float:
    """Give the least radius at which ``r * f(r)`` stops growing, infinity if it never does.

    The slope keeps its sign between the roots of its polynomial, so one evaluation in each gap
    decides; the real parts of complex roots split a gap needlessly and harmlessly, which spares a
    tolerance on "real". A slope that only touches zero does not fold.
    """
    slope = np.polynomial.Polynomial(_felt([(power + 1) * factor for power, factor in enumerate(factors)]))
    turns = sorted({float(root) for root in slope.roots().real if root > 0.0})
    edges = [0.0, *turns]
    inner = [0.5 * (near + far) for near, far in zip(edges, turns, strict=False)]
    probes = [*inner, 2.0 * edges[-1] + 1.0]
    return next((edge for edge, probe in zip(edges, probes, strict=True) if slope(probe) <= 0.0), inf)


def _felt(coefficients: list[float]) -> list[float]:
    """Drop the highest powers that float64 cannot feel up to ``FARTHEST_RADIUS``: roots would overflow."""
    largest = max(map(abs, coefficients))
    kept = len(coefficients)
    while (
        kept > 1
        and abs(coefficients[kept - 1]) * FARTHEST_RADIUS ** (kept - 1) <= float_info.epsilon * largest
    ):
        kept -= 1
    return coefficients[:kept]

"""The sampling map of a radial warp, as few numbers that every remap back end can evaluate.

It knows no lens convention: ``gpu.lens_curve`` and ``gpu.legacy`` build it, the back ends in
``gpu.remap`` evaluate it.
"""

from dataclasses import dataclass

Point = tuple[float, float]


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

"""Turns a routed warp into the sampling map that render processes evaluate, or into a line to read."""

from gpu.coordinates import ImageSize
from gpu.legacy import legacy_radial_map
from gpu.lens_curve import LensCurve
from gpu.radial_map import RadialMap
from tasks.domain.schemas import CurveWarp, IdentityWarp, LegacyWarp, Warp


def radial_map_of(warp: Warp, size: ImageSize) -> RadialMap | None:
    """Build the map of a warp for one photo size; None leaves the photo untouched."""
    match warp:
        case IdentityWarp():
            return None
        case LegacyWarp():
            return legacy_radial_map(warp.k1, warp.k2, warp.alpha, size)
        case CurveWarp():
            return LensCurve(factors=warp.factors, centre_shift=warp.centre_shift).radial_map(size)


def warp_text(warp: Warp) -> str:
    """Write a warp's numbers on one line."""
    values = warp.model_dump(exclude={"kind"})
    return " ".join([warp.kind, *(f"{name}={value}" for name, value in values.items())])

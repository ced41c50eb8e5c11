"""The CPU back end: ``cv2.remap`` fed with strips of the map, so memory grows by two planes only.

Linear and cubic follow float maps exactly since OpenCV 5; its Lanczos still rounds coordinates to
1/32 px: up to 8 grey levels against ``gpu.remap.reference`` on white noise, 1.1 on average. Its cubic
mirrors once only and reads beside the plane where a map leaves that range, so such maps are mirrored
here first. The number of OpenCV's threads is the caller's: a worker process sets it, importing this
module does not.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import cv2
import numpy as np

from gpu.coordinates import ImageSize
from gpu.radial_map import RadialMap
from gpu.remap.backend import Border, Interpolation, Plane, checked_size
from gpu.remap.strip_map import MapArray, Strip, map_strips

LONGEST_SIDE = 32766  # cv2.remap holds coordinates in signed 16-bit integers

_CACHED_PIXELS = 4_000_000  # a larger photo's map is cheaper to compute again than to hold
# Luma and chroma of four curves, 112 MB at 2048x1367: with the sizes of the user's test set in random order
# two processes find 78 % of their maps kept, 50 % with two curves. A new map costs 12 of 55 ms per photo.
_CACHED_MAPS = 8

_CUBIC_TAPS = 4

_INTERPOLATIONS = {
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "lanczos4": cv2.INTER_LANCZOS4,
}
_BORDERS = {
    "constant": cv2.BORDER_CONSTANT,
    "reflect": cv2.BORDER_REFLECT,
    "replicate": cv2.BORDER_REPLICATE,
}


class OpenCvRemap:
    """Remap on the CPU."""

    name = "opencv"
    version = f"opencv {cv2.__version__}"

    def remap(
        self,
        planes: Sequence[Plane],
        mapping: RadialMap,
        *,
        interpolation: Interpolation,
        border: Border,
        fill: Sequence[int],
    ) -> list[Plane]:
        """Resample planes as ``RemapBackend.remap`` says; a side may have 32766 pixels at most."""
        size = checked_size(planes, fill)
        if max(size.width, size.height) > LONGEST_SIDE:
            raise ValueError(f"OpenCV remaps planes of up to {LONGEST_SIDE} px a side, got {size}")
        sources = [np.ascontiguousarray(plane) for plane in planes]  # else OpenCV copies them for each strip
        strips = _strips(mapping, size)
        if (interpolation, border) == ("cubic", "reflect") and _leaves_first_mirror(mapping, size):
            sources = [_at_least_two_wide(plane) for plane in sources]
            strips = (_mirrored(strip, size) for strip in strips)
        remapped = [np.empty(plane.shape, dtype=np.uint8) for plane in planes]
        for strip in strips:
            for source, target, level in zip(sources, remapped, fill, strict=True):
                cv2.remap(
                    source,
                    strip.map_x,
                    strip.map_y,
                    _INTERPOLATIONS[interpolation],
                    dst=target[strip.rows],
                    borderMode=_BORDERS[border],
                    borderValue=(level,),
                )
        return remapped


def _strips(mapping: RadialMap, size: ImageSize) -> Iterable[Strip]:
    if size.width * size.height <= _CACHED_PIXELS:
        return (_whole_map(mapping, size),)
    return map_strips(mapping, size)


@lru_cache(maxsize=_CACHED_MAPS)
def _whole_map(mapping: RadialMap, size: ImageSize) -> Strip:
    """Keep the map of a small photo: its neighbours in a shard often share lens and size."""
    map_x, map_y = np.empty((2, size.height, size.width), dtype=np.float32)
    for strip in map_strips(mapping, size):
        map_x[strip.rows], map_y[strip.rows] = strip.map_x, strip.map_y
    return Strip(slice(0, size.height), map_x, map_y)


def _leaves_first_mirror(mapping: RadialMap, size: ImageSize) -> bool:
    """Tell whether taps may lie more than one plane outside; errs on the side of yes."""
    farthest = mapping.farthest_radius(size)
    reach = sum(abs(factor) * farthest ** (power + 1) for power, factor in enumerate(mapping.factors))
    return any(
        centre - scale * reach < _CUBIC_TAPS - length or centre + scale * reach > 2 * length - _CUBIC_TAPS
        for centre, scale, length in zip(
            mapping.src_centre, mapping.src_scale, (size.width, size.height), strict=True
        )
    )


def _mirrored(strip: Strip, size: ImageSize) -> Strip:
    """Move each place to its mirror image within the plane: the same sample, as the kernel is even."""

    def mirror(places: MapArray, length: int) -> MapArray:
        period = np.float32(2 * length)
        folded: MapArray = np.remainder(places + np.float32(0.5), period)
        mirrored: MapArray = np.minimum(folded, period - folded) - np.float32(0.5)
        return mirrored

    return Strip(strip.rows, mirror(strip.map_x, size.width), mirror(strip.map_y, size.height))


def _at_least_two_wide(plane: Plane) -> Plane:
    """Repeat a lone row or column, which is its own mirror image, so that single mirroring stays inside."""
    height, width = plane.shape
    return np.pad(plane, ((0, int(height == 1)), (0, int(width == 1))), mode="edge")

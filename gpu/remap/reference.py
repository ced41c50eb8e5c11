"""The definition of every remap mode, in float64 and without any speed.

Back ends are held against this; nothing renders with it. Each output pixel is the weighted sum of the
taps round the place it reads, separable in x and y; weights add up to 1; taps outside follow the
border; the sum is rounded half to even and clipped.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from gpu.coordinates import ImageSize
from gpu.radial_map import RadialMap
from gpu.remap.backend import Border, Interpolation, Plane, checked_size

Samples = NDArray[np.float64]
Indices = NDArray[np.int64]


def reference_map(mapping: RadialMap, size: ImageSize) -> tuple[Samples, Samples]:
    """Evaluate the map as ``RadialMap`` states it: two (H, W) arrays in pixels."""
    x = (np.arange(size.width) - mapping.out_centre[0]) / mapping.out_scale[0]
    y = ((np.arange(size.height) - mapping.out_centre[1]) / mapping.out_scale[1])[:, None]
    scale = np.polynomial.polynomial.polyval(np.hypot(x, y), mapping.factors)
    return (
        mapping.src_centre[0] + mapping.src_scale[0] * x * scale,
        mapping.src_centre[1] + mapping.src_scale[1] * y * scale,
    )


def reference_remap(
    planes: Sequence[Plane],
    mapping: RadialMap,
    *,
    interpolation: Interpolation,
    border: Border,
    fill: Sequence[int],
) -> list[Plane]:
    """Resample planes exactly; see ``gpu.remap.backend.RemapBackend.remap``."""
    map_x, map_y = reference_map(mapping, checked_size(planes, fill))
    return [
        np.clip(np.rint(_sample(plane, map_x, map_y, interpolation, border, level)), 0, 255).astype(np.uint8)
        for plane, level in zip(planes, fill, strict=True)
    ]


def _sample(
    plane: Plane, map_x: Samples, map_y: Samples, interpolation: Interpolation, border: Border, level: int
) -> Samples:
    kernel, half = _KERNELS[interpolation]
    offsets = range(1 - half, half + 1)
    left, top = np.floor(map_x).astype(np.int64), np.floor(map_y).astype(np.int64)
    weights_x = _weights(kernel, map_x - left, offsets)
    weights_y = _weights(kernel, map_y - top, offsets)
    total = np.zeros(map_x.shape)
    for dy, weight_y in zip(offsets, weights_y, strict=True):
        for dx, weight_x in zip(offsets, weights_x, strict=True):
            total += weight_y * weight_x * _tap(plane, top + dy, left + dx, border, level)
    return total


def _weights(kernel: Callable[[Samples], Samples], fraction: Samples, offsets: range) -> list[Samples]:
    raw = [kernel(offset - fraction) for offset in offsets]
    total = np.sum(raw, axis=0)
    return [weight / total for weight in raw]


def _tap(plane: Plane, row: Indices, column: Indices, border: Border, level: int) -> Samples:
    height, width = plane.shape
    values = plane[_inside(row, height, border), _inside(column, width, border)].astype(np.float64)
    if border != "constant":
        return values
    outside = (row < 0) | (row >= height) | (column < 0) | (column >= width)
    return np.where(outside, float(level), values)


def _inside(index: Indices, length: int, border: Border) -> Indices:
    if border == "reflect":
        folded = index % (2 * length)
        return np.minimum(folded, 2 * length - 1 - folded)
    return np.clip(index, 0, length - 1)


def _linear(distance: Samples) -> Samples:
    return np.maximum(0.0, 1.0 - np.abs(distance))


def _cubic(distance: Samples) -> Samples:
    """Keys, "Cubic convolution interpolation", IEEE ASSP 29(6), 1981, with OpenCV's a = -0.75."""
    a, t = -0.75, np.abs(distance)
    near = ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0
    far = ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a
    return np.where(t <= 1.0, near, np.where(t < 2.0, far, 0.0))


def _lanczos4(distance: Samples) -> Samples:
    """Sinc windowed by the central lobe of a sinc four times as wide."""
    return np.where(np.abs(distance) < 4.0, np.sinc(distance) * np.sinc(distance / 4.0), 0.0)


_KERNELS: dict[str, tuple[Callable[[Samples], Samples], int]] = {
    "linear": (_linear, 1),
    "cubic": (_cubic, 2),
    "lanczos4": (_lanczos4, 4),
}

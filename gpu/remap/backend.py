"""What a remap back end is; ``gpu.remap.opening`` is the door to them.

A back end resamples 8-bit planes through a ``RadialMap``. It does not know colour, JPEG or lenses, and
it never stands in for another: asking for one that cannot run here is an error, because two back
ends differ in the last grey level and a rendered shard records which one drew it.
"""

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gpu.coordinates import ImageSize
from gpu.radial_map import RadialMap

Plane: TypeAlias = NDArray[np.uint8]
Interpolation: TypeAlias = Literal["linear", "cubic", "lanczos4"]
Border: TypeAlias = Literal["constant", "reflect", "replicate"]
BackendName: TypeAlias = Literal["opencv", "cupy"]


class RemapBackend(Protocol):
    """Something that resamples planes; see ``gpu.remap.reference`` for the exact definition of each mode."""

    @property
    def name(self) -> str:
        """The name that ``open_backend`` knows."""

    @property
    def version(self) -> str:
        """Names and versions of the libraries whose arithmetic shapes the pixels."""

    def remap(
        self,
        planes: Sequence[Plane],
        mapping: RadialMap,
        *,
        interpolation: Interpolation,
        border: Border,
        fill: Sequence[int],
    ) -> list[Plane]:
        """Resample planes of one photo that share one size and one map.

        Args:
            planes: (H, W) each, all of one size: Y alone, or Cb and Cr together.
            mapping: In the pixels of these planes.
            interpolation: ``cubic`` is Keys' kernel with a = -0.75, ``lanczos4`` has 8x8 taps.
            border: What lies outside: ``fill``, the plane mirrored with its edge pixels repeated
                (``cba|abc|cba``), or the nearest edge pixel.
            fill: Grey level outside each plane; used by ``constant`` only.

        Returns:
            New planes in the order given, rounded half to even and clipped to 0..255.

        Raises:
            ValueError: No planes, unequal sizes, other types than uint8, or not one fill per plane.
        """


def checked_size(planes: Sequence[Plane], fill: Sequence[int]) -> ImageSize:
    """Give the one size of the planes, or say what is wrong with them."""
    if not planes:
        raise ValueError("remap needs at least one plane, got none")
    found = [f"{plane.dtype}{list(plane.shape)}" for plane in planes]
    if any(plane.dtype != np.uint8 or plane.ndim != 2 for plane in planes) or len(set(found)) > 1:
        raise ValueError(f"planes must be uint8 arrays of one shape (H, W), got {', '.join(found)}")
    if len(fill) != len(planes) or not all(0 <= level <= 255 for level in fill):
        raise ValueError(f"{len(planes)} planes need as many fill levels within 0..255, got {list(fill)}")
    height, width = planes[0].shape
    return ImageSize(width, height)

"""Warps of all sorts as displacements of one frame, so that they can be drawn together and compared.

The frame is that of the training set's commonest size, 2048x1367. A warp is carried to it as a lens is:
zoomed as far beyond filling the frame as it was on its own photo. A legacy warp counts with the mean of its
two scales, and the shift of a centre does not count.
"""

from contextlib import suppress
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gpu.coordinates import ImageSize
from gpu.curve_space import FRAME
from gpu.errors import LensModelError
from gpu.filling import carried
from gpu.lens_curve import LensCurve
from tasks.domain.schemas import RoutedPhoto
from tasks.warps import radial_map_of

Array = NDArray[np.float64]

FAN_RADII: Final = tuple(i / 32 for i in range(33))
"""In half diagonals, from the centre to the corner."""


def curve_on_frame(routed: RoutedPhoto) -> LensCurve:
    """Give the curve of a photo's warp on the frame; one that folds in the frame's corner as on its photo."""
    size = ImageSize(routed.photo.width, routed.photo.height)
    mapping = radial_map_of(routed.warp, size)
    if mapping is None:
        return LensCurve((1.0,))
    source = (mapping.src_scale[0] * mapping.src_scale[1]) ** 0.5 / size.half_diagonal
    scale = size.half_diagonal / (mapping.out_scale[0] * mapping.out_scale[1]) ** 0.5
    curve = LensCurve(
        tuple(source * factor * scale ** (power + 1) for power, factor in enumerate(mapping.factors))
    )
    with suppress(LensModelError):
        return carried(curve, size, FRAME)
    return curve


def displacement_px(curve: LensCurve, radii: ArrayLike) -> Array:
    """Give how much farther out than it shows it the corrected photo reads each radius, in pixels."""
    shown = np.asarray(radii, np.float64)
    return np.asarray((curve.distort(shown) - shown) * FRAME.half_diagonal)

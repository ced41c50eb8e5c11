"""The long edges of a photo before and after a warp: where they run, where they go, how straight they are.

For people to look at; nothing is estimated or decided from them. An edge need not be straight in the world:
an arch stays bowed under the best of warps.
"""

from dataclasses import dataclass

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from gpu.plumb_line.chains import find_chains
from gpu.plumb_line.guards import off_line
from gpu.radial_map import RadialMap

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MovedLine:
    """One edge of a photo.

    Attributes:
        before: (J, 2) places in pixels of the original, in order along the edge.
        after: (K, 2) the same in the corrected photo, without those that left its frame.
        bow_before: RMS distance in pixels of the places from their best straight line.
        bow_after: Likewise in the corrected photo, of the places that the warp reaches.
    """

    before: Array
    after: Array
    bow_before: float
    bow_after: float


def moved_lines(jpeg: bytes, mapping: RadialMap | None) -> tuple[MovedLine, ...]:
    """Find the long edges of a photo that was decoded strictly before, and move them; the longest first.

    Args:
        jpeg: The original.
        mapping: What the photo was warped by; None left it as it is.
    """
    luma = np.asarray(simplejpeg.decode_jpeg(jpeg, "GRAY"), np.uint8)[..., 0]
    chains = find_chains(luma)
    centre = (np.array([chains.size.width, chains.size.height]) - 1) / 2
    return tuple(
        _moved(places[seen] * chains.size.half_diagonal + centre, mapping, chains.size)
        for places, seen in zip(chains.places, chains.seen, strict=True)
    )


def corrected_places(places: Array, mapping: RadialMap) -> Array:
    """Give the places of the corrected photo, (J, 2) in pixels, that read these of the original.

    NaN where the warp reads nowhere near: beyond its fold.
    """
    source = (places - mapping.src_centre) / mapping.src_scale
    radii = np.hypot(*source.T)
    reached = LensCurve(mapping.factors).invert(radii).radii
    growth = np.where(radii > 0.0, reached / np.maximum(radii, 1e-12), 1.0 / mapping.factors[0])
    return np.asarray(source * growth[:, None] * mapping.out_scale + mapping.out_centre)


def _moved(before: Array, mapping: RadialMap | None, size: ImageSize) -> MovedLine:
    if mapping is None:
        bow = off_line(before)
        return MovedLine(before, before, bow, bow)
    after = corrected_places(before, mapping)
    after = after[np.isfinite(after).all(axis=1)]
    inside = np.all((after >= -0.5) & (after <= np.array([size.width, size.height]) - 0.5), axis=1)
    return MovedLine(before, after[inside], off_line(before), off_line(after) if len(after) else 0.0)

"""What a correction leaves of the frame: how far inside the original's edge the target's edge is read.

An editor that corrects a lens zooms until no empty border is left and not farther: the corrected frame
touches the original's edge from inside. Read from inside everywhere, it was enlarged as well. Reading
outside is impossible; where the inverse warp reads inside, the roles are exchanged, whatever the sign of the
curve.
"""

import numpy as np

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from gpu.pair_fit.model import Array

_PLACES = 33  # along each side


def forward_gap(curve: LensCurve, size: ImageSize, *, content: ImageSize) -> float:
    """Give the least distance in pixels from what the target's edge reads to the original's edge.

    Negative where it reads outside. The shift of the curve is left out; ``content`` is the photo without
    bars.
    """
    edge, radii = _edge(size, content)
    return _gap(edge * (curve.distort(radii) / radii), content)


def inverse_gap(curve: LensCurve, size: ImageSize, *, content: ImageSize) -> float:
    """Give ``forward_gap`` of the inverse warp; minus infinity where the curve never reaches the edge."""
    edge, radii = _edge(size, content)
    inversion = curve.invert(radii)
    return _gap(edge * (inversion.radii / radii), content) if inversion.converged.all() else -np.inf


def _edge(size: ImageSize, content: ImageSize) -> tuple[Array, Array]:
    """Give the outermost pixel centres from the middle, (2, N) in pixels, and their radii, (N,)."""
    along = np.linspace(-1.0, 1.0, _PLACES)
    one = np.ones_like(along)
    square = np.hstack([[along, one], [along, -one], [one, along], [-one, along]])
    edge = square * [[(content.width - 1) / 2], [(content.height - 1) / 2]]
    return edge, np.hypot(*edge) / size.half_diagonal


def _gap(read: Array, content: ImageSize) -> float:
    return float(np.min([[(content.width - 1) / 2], [(content.height - 1) / 2]] - np.abs(read)))

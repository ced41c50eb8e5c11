"""The zoom that keeps a corrected photo free of empty borders, and curves carried to other frames.

Lines in a photo cannot tell its zoom. Those who correct photos zoom until no border stays empty, hardly
farther; so a curve is carried from one frame to another with its shape and with what it is zoomed *beyond*
filling, and nothing is ever stretched.
"""

import numpy as np
from numpy.typing import NDArray

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.lens_curve import LensCurve

_PLACES = 33  # radii of the border


def filling_zoom(curve: LensCurve, size: ImageSize) -> float:
    """Give the magnification by which a corrected photo must grow, or may shrink, so that it just fills.

    1 where the curve fills the frame to the pixel; ``curve.zoomed`` takes it. A place of the border is read
    at its own angle, so it stays inside exactly where its radius does not grow.

    Raises:
        LensModelError: The curve never reaches the corner of a frame of this size.
    """
    border = border_radii(size)
    if not border.size:  # a single pixel
        return 1.0
    inversion = curve.invert(border)
    if not inversion.converged.all():
        raise LensModelError(
            f"factors {curve.factors} fold before they reach the corner of a photo of {size}; refit or route "
            "to another curve"
        )
    return float((border / inversion.radii).max())


def border_radii(size: ImageSize) -> NDArray[np.float64]:
    """Give radii of the border in half diagonals, from the middle of the long side to the corner.

    Those of 0, which a frame one pixel wide has, are left out.
    """
    inner = (size.short_side - 1) / 2
    outer = np.hypot(size.width - 1, size.height - 1) / 2
    border = np.linspace(inner, outer, _PLACES) / size.half_diagonal
    return np.asarray(border[border > 0.0])


def carried(curve: LensCurve, made_for: ImageSize, size: ImageSize) -> LensCurve:
    """Give the curve of the same lens for a frame of another shape, filled as much as before.

    Raises:
        LensModelError: As ``filling_zoom``.
    """
    if made_for == size:
        return curve
    return curve.zoomed(filling_zoom(curve, size) / filling_zoom(curve, made_for))

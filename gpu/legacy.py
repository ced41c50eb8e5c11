"""The runbook's first convention for (k1, k2, alpha), kept as it is together with its known defect.

Camera matrix with fx = fy = width (also for portraits) and the principal point at (W / 2, H / 2), half
a pixel off the photo's centre; OpenCV Brown (k1, k2, 0, 0, 0); the corrected photo's camera from
``cv2.getOptimalNewCameraMatrix``.

The defect: that function fits a rectangle to the undistorted frame with one focal length for each
side, so the corrected photo is **stretched along x against y**. Measured at 2048x1366 and alpha 0:
k1 = -0.10 leaves fx 1.5 % short of fy, which puts the right edge 15.5 px from where one zoom would put
it. The coefficients in use lie near a ridge where the defect vanishes: for (-0.17, 0.35) it is 0.007 px.
``aspect_defect`` measures it for any row. New methods use ``gpu.lens_curve``, which cannot have it.
"""

from dataclasses import dataclass
from math import hypot, isfinite

import cv2
import numpy as np

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.radial_map import RadialMap, fold_radius


@dataclass(frozen=True, slots=True)
class AspectDefect:
    """How far a legacy row departs from one isotropic zoom.

    Attributes:
        stretch: fx / fy - 1 of the corrected photo's camera; negative is narrower than true.
        edge_shift: Where that puts a point on the right edge, in pixels along u against one zoom fy.
    """

    stretch: float
    edge_shift: float


def legacy_radial_map(k1: float, k2: float, alpha: float, size: ImageSize) -> RadialMap:
    """Build the sampling map that ``cv2.initUndistortRectifyMap`` would fill for this row.

    Rounded to float32 it is that function's own map but for one value in a million, which differs by one
    step: OpenCV adds up its rays along each row. The rendered photo is the same.

    Args:
        k1: Brown coefficient of r^2, r in photo widths.
        k2: Brown coefficient of r^4.
        alpha: 0 zooms until no empty pixel remains, 1 keeps every pixel of the original.
        size: Of the original and of the corrected photo.

    Raises:
        LensModelError: Coefficients not finite, alpha outside 0..1, or the map folds inside the frame.
    """
    _check_row(k1, k2, alpha)
    factors = (1.0, 0.0, k1, 0.0, k2)
    _check_reach(factors, size)
    width, height = size.width, size.height
    camera = np.array([[width, 0.0, width / 2], [0.0, width, height / 2], [0.0, 0.0, 1.0]])
    distortion = np.array([k1, k2, 0.0, 0.0, 0.0])
    new, _ = cv2.getOptimalNewCameraMatrix(camera, distortion, (width, height), alpha, (width, height))
    if not (np.isfinite(new).all() and new[0, 0] > 0.0 and new[1, 1] > 0.0):
        raise LensModelError(f"{_row(factors)} leaves no frame to fit at {size}; refit or route to identity")
    mapping = RadialMap(
        out_centre=(float(new[0, 2]), float(new[1, 2])),
        out_scale=(float(new[0, 0]), float(new[1, 1])),
        src_centre=(width / 2, height / 2),
        src_scale=(float(width), float(width)),
        factors=factors,
    )
    _check_fold(factors, mapping.farthest_radius(size), size)
    return mapping


def aspect_defect(k1: float, k2: float, alpha: float, size: ImageSize) -> AspectDefect:
    """Measure how much the legacy camera stretches x against y; see the module's account of it."""
    fx, fy = legacy_radial_map(k1, k2, alpha, size).out_scale
    stretch = fx / fy - 1.0
    return AspectDefect(stretch=stretch, edge_shift=stretch * size.width / 2)


def _check_row(k1: float, k2: float, alpha: float) -> None:
    if not (isfinite(k1) and isfinite(k2)):
        raise LensModelError(f"k1 and k2 must be finite, got k1={k1!r}, k2={k2!r}")
    if not 0.0 <= alpha <= 1.0:
        raise LensModelError(f"alpha must lie within 0..1, got {alpha!r}")


def _check_reach(factors: tuple[float, ...], size: ImageSize) -> None:
    """Refuse a row whose branch ends before the original's corner: OpenCV would invert it to nonsense."""
    fold, corner = fold_radius(factors), hypot(size.width, size.height) / 2 / size.width
    if fold * float(np.polynomial.polynomial.polyval(fold, factors)) < corner:
        _check_fold(factors, fold, size)


def _check_fold(factors: tuple[float, ...], farthest: float, size: ImageSize) -> None:
    fold = fold_radius(factors)
    if fold <= farthest:
        radius = fold * size.width / size.half_diagonal
        raise LensModelError(
            f"{_row(factors)} folds the map of a photo of {size} at radius {radius:.2f} of the half "
            "diagonal; refit or route to identity"
        )


def _row(factors: tuple[float, ...]) -> str:
    return f"k1={factors[2]:g}, k2={factors[4]:g}"

"""Exact exchange between the lens curve and OpenCV's Brown model with fx = fy = width.

OpenCV distorts ``x (1 + k1 r^2 + k2 r^4 + k3 r^6)``, r in units of the focal length, which the
runbook sets to the photo's width. The principal point is the centre of the outermost pixel centres,
((W - 1) / 2, (H - 1) / 2): the half pixel of the legacy methods belongs to ``gpu.legacy`` alone.
Tangential, rational and thin-prism terms are refused, and so are curves with odd powers, because they
have no exact Brown form.
"""

from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.lens_curve import LensCurve


@dataclass(frozen=True, slots=True)
class BrownLens:
    """Brown-Conrady radial distortion of a camera whose focal length is the photo's width.

    Attributes:
        k1: Coefficient of r^2, r in photo widths.
        k2: Coefficient of r^4.
        k3: Coefficient of r^6.
        zoom: Isotropic magnification of the corrected photo: its focal length over the width.
        centre_shift: Principal point off the photo's centre, in half diagonals.
    """

    k1: float
    k2: float = 0.0
    k3: float = 0.0
    zoom: float = 1.0
    centre_shift: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if not (isfinite(self.zoom) and self.zoom > 0.0):
            raise LensModelError(f"a zoom is a positive number, got {self.zoom!r}")

    @property
    def distortion(self) -> NDArray[np.float64]:
        """OpenCV's (k1, k2, p1, p2, k3)."""
        return np.array([self.k1, self.k2, 0.0, 0.0, self.k3])

    def camera_matrix(self, size: ImageSize) -> NDArray[np.float64]:
        """Give OpenCV's matrix of the camera that took the original, in pixels."""
        u, v = (shift * size.half_diagonal for shift in self.centre_shift)
        return _camera_matrix(size.width, (size.width - 1) / 2 + u, (size.height - 1) / 2 + v)

    def new_camera_matrix(self, size: ImageSize) -> NDArray[np.float64]:
        """Give OpenCV's matrix of the camera that would have taken the corrected photo, in pixels."""
        return _camera_matrix(self.zoom * size.width, (size.width - 1) / 2, (size.height - 1) / 2)


def curve_from_brown(lens: BrownLens, size: ImageSize) -> LensCurve:
    """Write the lens as a curve; the size fixes the ratio of width to half diagonal, not a scale."""
    unit = size.half_diagonal / size.width
    factors = (1.0, 0.0, lens.k1 * unit**2, 0.0, lens.k2 * unit**4, 0.0, lens.k3 * unit**6)
    return LensCurve(factors, lens.centre_shift).zoomed(lens.zoom)


def brown_from_curve(curve: LensCurve, size: ImageSize) -> BrownLens:
    """Write the curve as a Brown lens with a zoom.

    Raises:
        LensModelError: The curve has odd powers or starts at no positive scale; fit one instead.
    """
    if any(curve.factors[1::2]):
        raise LensModelError(f"factors {curve.factors} have odd powers, which a Brown lens cannot express")
    if curve.factors[0] <= 0.0:
        raise LensModelError(f"factors {curve.factors} start at a scale that is not positive")
    zoom = 1.0 / curve.factors[0]
    unit = size.half_diagonal / size.width
    unzoomed = curve.zoomed(1.0 / zoom).factors
    k1, k2, k3 = (unzoomed[n] / unit**n if n < len(unzoomed) else 0.0 for n in (2, 4, 6))
    return BrownLens(k1, k2, k3, zoom=zoom, centre_shift=curve.centre_shift)


def _camera_matrix(focal: float, u: float, v: float) -> NDArray[np.float64]:
    return np.array([[focal, 0.0, u], [0.0, focal, v], [0.0, 0.0, 1.0]])

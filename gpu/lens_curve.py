"""The lens curve: one radial polynomial with one isotropic zoom, and every question asked of it.

``r_src = r * f(r)`` with ``f(r) = sum(factors[i] * r**i)``; both radii are measured from the lens
axis in units of half the photo's diagonal, so one curve serves every resolution of a photo. Other
conventions are translated in ``gpu.brown`` and ``gpu.lensfun``. Nothing here resamples pixels, and
nothing here stretches x against y: zoom is ``factors[0]``, the same along both.
"""

from dataclasses import dataclass, replace
from math import isfinite

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.radial_map import FARTHEST_RADIUS, RadialMap, fold_radius

Radii = NDArray[np.float64]

_MOST_FACTORS = 7
_MOST_STEPS = 100  # bisection alone halves any float64 bracket to nothing in fewer
_TOLERANCE = 1e-12  # of the source radius: 1e-9 px on a photo of 2048 px


@dataclass(frozen=True, slots=True)
class Inversion:
    """Radii that a curve takes to given source radii, each with its verdict.

    Attributes:
        radii: In half diagonals; NaN where not converged, so that an ignored verdict still shows.
        residuals: ``distort(radius) - source radius`` of the last step, NaN where none was possible.
        converged: True where the residual is within 1e-12 of the source radius (or of 1, if less).
    """

    radii: Radii
    residuals: Radii
    converged: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LensCurve:
    """A radial warp of a photo, valid for every resolution of it.

    Attributes:
        factors: Coefficients of f by power of r, one to seven; ``factors[0]`` is 1 / zoom for a lens
            whose own curve starts at 1.
        centre_shift: Where the lens axis meets the original, off its centre, along u and v in half
            diagonals. The corrected photo is centred on the axis.
    """

    factors: tuple[float, ...]
    centre_shift: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if not 1 <= len(self.factors) <= _MOST_FACTORS:
            raise LensModelError(f"a lens curve has 1 to {_MOST_FACTORS} factors, got {len(self.factors)}")
        if not all(map(isfinite, (*self.factors, *self.centre_shift))):
            raise LensModelError(f"a lens curve is made of finite numbers, got {self!r}")

    def radial_map(self, size: ImageSize) -> RadialMap:
        """Give the sampling map for a photo of this size, the centre at ((W - 1) / 2, (H - 1) / 2)."""
        unit = size.half_diagonal
        u, v = (size.width - 1) / 2, (size.height - 1) / 2
        return RadialMap(
            out_centre=(u, v),
            out_scale=(unit, unit),
            src_centre=(u + unit * self.centre_shift[0], v + unit * self.centre_shift[1]),
            src_scale=(unit, unit),
            factors=self.factors,
        )

    def distort(self, radii: ArrayLike) -> Radii:
        """Give the radius in the original for each radius in the corrected photo."""
        r = np.asarray(radii, dtype=np.float64)
        return r * np.polynomial.polynomial.polyval(r, self.factors)

    def slope(self, radii: ArrayLike) -> Radii:
        """Give the derivative of ``distort``: the local radial scale."""
        growth = [(power + 1) * factor for power, factor in enumerate(self.factors)]
        return np.asarray(np.polynomial.polynomial.polyval(np.asarray(radii, dtype=np.float64), growth))

    def invert(self, source_radii: ArrayLike) -> Inversion:
        """Find the radius in the corrected photo for each radius in the original.

        Newton steps inside a bracket that shrinks with every step, so the search cannot leave the
        branch that starts at the centre. A radius that is negative, not finite, or beyond the fold (or
        1000 half diagonals) has no answer and is reported as not converged.
        """
        target = np.asarray(source_radii, dtype=np.float64)
        finite = np.where(np.isfinite(target) & (target >= 0.0), target, 0.0)
        reach = min(fold_radius(self.factors), FARTHEST_RADIUS)
        answerable = (finite == target) & (target <= self.distort(reach))
        radii = self._search(np.where(answerable, finite, 0.0), reach)
        residuals = np.where(answerable, self.distort(radii) - finite, np.nan)
        converged = np.abs(residuals) <= _TOLERANCE * np.maximum(1.0, finite)
        return Inversion(np.where(converged, radii, np.nan), residuals, converged)

    def check_monotone(self, size: ImageSize) -> None:
        """Make sure that the map grows outwards over the whole corrected photo.

        Raises:
            LensModelError: It folds inside the frame; the message names the radius.
        """
        fold, corner = fold_radius(self.factors), self.radial_map(size).farthest_radius(size)
        if fold <= corner:
            raise LensModelError(
                f"factors {self.factors} fold the map at radius {fold:.2f} of the half diagonal, and a photo "
                f"of {size} reaches out to {corner:.2f}; refit or route to identity"
            )

    def zoomed(self, factor: float) -> "LensCurve":
        """Magnify the corrected photo about its centre; factor > 1 shows less of the scene."""
        if not (isfinite(factor) and factor > 0.0):
            raise LensModelError(f"a zoom is a positive number, got {factor!r}")
        factors = tuple(value / factor ** (power + 1) for power, value in enumerate(self.factors))
        return replace(self, factors=factors)

    def _search(self, target: Radii, reach: float) -> Radii:
        low, high = np.zeros_like(target), np.full_like(target, reach)
        radii = np.minimum(target, reach)
        for _ in range(_MOST_STEPS):
            residuals = self.distort(radii) - target
            if np.all(np.abs(residuals) <= 0.1 * _TOLERANCE * np.maximum(1.0, target)):
                break
            low = np.where(residuals < 0.0, radii, low)
            high = np.where(residuals > 0.0, radii, high)
            slopes = self.slope(radii)
            newton = radii - residuals / np.where(slopes > 0.0, slopes, np.inf)
            inside = (newton > low) & (newton < high) & (slopes > 0.0)
            radii = np.where(inside, newton, 0.5 * (low + high))
        return radii

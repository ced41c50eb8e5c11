"""How far the lenses that a prior makes likely lie from a curve, before any line is seen.

Each component of the prior stands as eight curves: two standard deviations to either side along three axes of
its shape, and along the zoom. Each fills the frame for itself, because lenses lie too far apart for errors
that are linear round one of them, as ``gpu.plumb_line.prior`` has them; these came out twice too large.

Source:
    Arasaratnam and Haykin, "Cubature Kalman filters", IEEE Transactions on Automatic Control 54(6), 2009.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.filling import border_radii
from gpu.lens_curve import LensCurve
from gpu.plumb_line.prior import CurvePrior
from gpu.plumb_line.shape import Array, frame_radii, growth, undistort

_BOUND: Final = 0.9  # share of the probability
_RADII: Final = 64  # as many parts of the frame of one area


@dataclass(frozen=True, slots=True, eq=False)
class LikelyCurves:
    """Curves of a prior's components.

    Attributes:
        radii: (P,) places of the corrected photo in half diagonals, each for an equal part of the frame.
        sources: (K, 8, P) where each curve reads them; not a number where it folds.
        half_diagonal: Of the frame in pixels.
    """

    radii: Array
    sources: Array
    half_diagonal: float

    def errors_px(self, curve: LensCurve, weights: Array) -> tuple[float, float]:
        """Give the RMS distance over the frame to be expected of a curve, and the one that holds 0.9.

        Args:
            curve: Zoomed for the frame.
            weights: (K,), probability of each component.

        Raises:
            LensModelError: All curves fold.
        """
        squares = np.square(self.sources - curve.distort(self.radii)).mean(axis=2)
        whole = np.isfinite(squares) & (weights[:, None] > 0.0)
        if not whole.any():
            raise LensModelError("no likely curve reaches the corner of the frame without folding")
        distances = np.sqrt(squares[whole]) * self.half_diagonal
        shares = np.broadcast_to(weights[:, None], squares.shape)[whole]
        order = np.argsort(distances, kind="stable")
        reached = np.cumsum(shares[order]) >= _BOUND * shares.sum()
        return float(shares @ distances / shares.sum()), float(distances[order][int(reached.argmax())])


def likely_curves(prior: CurvePrior, size: ImageSize) -> LikelyCurves:
    """Draw a prior's components for photos of this size."""
    axes = 2.0 * np.linalg.cholesky(prior.covariances).transpose(0, 2, 1)  # (K, axis, 3)
    still = np.zeros_like(axes[:, :1])
    thetas = prior.means[:, None] + np.concatenate([axes, -axes, still, still], axis=1)
    surplus = prior.surplus + 2.0 * prior.surplus_sigma * np.array([0.0] * 6 + [1.0, -1.0])
    radii = np.quantile(frame_radii(size), (np.arange(_RADII) + 0.5) / _RADII)
    border = border_radii(size)
    inner, _, arrived = undistort(thetas, border, prior.powers)
    zoom = (border / inner).max(axis=-1) * np.exp(surplus)
    sources, _ = growth(thetas, radii / zoom[..., None], prior.powers)
    sources[~arrived.all(axis=-1)] = np.nan
    return LikelyCurves(radii, sources, size.half_diagonal)

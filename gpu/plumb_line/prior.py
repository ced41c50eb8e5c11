"""What is known of lens curves before a photo is looked at: a mixture over shapes, and the rule for zoom.

Narrow components stand for lens profiles that may be met again, broad ones for lenses like them. What a lens
shows at one focal length is drawn from a component; each photo then strays from it by ``wiggle``, because
focus varies, and by ``focal`` where it was taken at another focal length. The zoom follows the shape by the
rule of ``zoom``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from gpu.plumb_line.gaussians import Mixture
from gpu.plumb_line.shape import EVEN_POWERS, Array, Powers, frame_radii, growth, to_lens_curve
from gpu.plumb_line.zoom import ZoomRule

_NORMAL_90 = 1.2815515655446004  # quantile of the standard normal at 0.9


@dataclass(frozen=True, slots=True)
class LineTrust:
    """How far lines are to be trusted; ``trust`` asks photos whose curves are known.

    Attributes:
        overcount: Factor on all standard deviations: chains are not independent, one bent beam has two edges.
        scene_bow_px: RMS over the frame of what a scene's own bow makes the lines say, whatever their number.
        width: Factor on expected errors and bounds, for scenes that miss by more than Gaussians do.
    """

    overcount: float = 1.5
    scene_bow_px: float = 0.7
    width: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class CurvePrior:
    """Gaussian mixture over theta = (a1, a2, a3) of ``shape``, K components.

    Attributes:
        weights: (K,), sum 1.
        means: (K, 3).
        covariances: (K, 3, 3), of a lens round the mean.
        narrow: (K,), whether a component is a profile that an estimate may be snapped to.
        wiggle: (3, 3), of a photo round its lens at one focal length.
        focal: (3, 3), of the difference between two photos of one lens at different focal lengths.
        zoom_rule: What zoom goes with a shape.
        powers: Of r, by coefficient of theta.
        trust: How far lines are to be trusted.
    """

    weights: Array
    means: Array
    covariances: Array
    narrow: NDArray[np.bool_]
    wiggle: Array
    focal: Array
    zoom_rule: ZoomRule
    powers: Powers = EVEN_POWERS
    trust: LineTrust = LineTrust()

    def __post_init__(self) -> None:
        count = len(self.weights)
        shapes = (self.means.shape, self.covariances.shape, self.narrow.shape, self.wiggle.shape)
        if shapes != ((count, 3), (count, 3, 3), (count,), (3, 3)) or count == 0:
            raise ValueError(
                f"a prior of K = {count} has arrays (K, 3), (K, 3, 3), (K,), (3, 3), got {shapes}"
            )
        if not np.isclose(self.weights.sum(), 1.0) or (self.weights < 0.0).any():
            raise ValueError(f"weights are 0 or more and sum to 1, got a sum of {self.weights.sum()!r}")

    @property
    def mixture(self) -> Mixture:
        """What lenses are like."""
        return Mixture(self.weights, self.means, self.covariances)

    @property
    def mean(self) -> Array:
        """(3,) of the whole mixture."""
        return np.asarray(self.weights @ self.means)

    def zoom(self, theta: Array, size: ImageSize) -> float:
        """Give z by the rule, for a photo of this size."""
        return float(np.exp(self.zoom_rule.log_zoom(theta, size, self.powers)))

    def curve(self, theta: Array, size: ImageSize) -> LensCurve:
        """Give the lens curve of a shape with the zoom of the rule."""
        return to_lens_curve(theta, self.zoom(theta, size), self.powers)

    def pixel_metric(self, theta: Array, size: ImageSize) -> tuple[Array, float]:
        """Give M and v with ``mean square px = dtheta M dtheta + v`` near a shape, averaged over the frame.

        ``src = g(z |x|)``, so ``d src/d ai = (z |x|)^(ni + 1)`` and ``d src/d log z = z |x| g'(z |x|)``; the
        rule moves log z along with theta. v is what the rule's sigma adds. Both are in square pixels.
        """
        y = self.zoom(theta, size) * frame_radii(size)
        _, slope = growth(theta, y, self.powers)
        zooming = y * slope
        fields = np.stack([y ** (power + 1) for power in self.powers], axis=1)
        fields += zooming[:, None] * self.zoom_rule.gradient(theta, size, self.powers)
        unit = size.half_diagonal**2
        return unit * fields.T @ fields / len(y), unit * self.zoom_rule.sigma**2 * float(np.mean(zooming**2))


def expected_px(metric: tuple[Array, float], covariance: Array) -> float:
    """Give the expected RMS distance over the frame in pixels of a shape of this covariance."""
    return float(np.sqrt(max(np.trace(metric[0] @ covariance) + metric[1], 0.0)))


def bound_px(metric: tuple[Array, float], covariance: Array) -> float:
    """Give the 0.9 quantile of the RMS distance.

    Its square is a weighted sum of squared normals with the eigenvalues of ``M C`` and the zoom's share as
    weights; a chi-square with the same mean and variance (Satterthwaite) stands for it, and its quantile is
    Wilson and Hilferty's.
    """
    product = metric[0] @ covariance
    mean = float(np.trace(product)) + metric[1]
    square = float(np.trace(product @ product)) + metric[1] ** 2
    if mean <= 0.0:
        return 0.0
    spread = 2.0 / 9.0 * square / mean**2
    return float(np.sqrt(mean * (1.0 - spread + _NORMAL_90 * np.sqrt(spread)) ** 3))

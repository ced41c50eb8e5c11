"""What is known of lens curves before a photo is looked at: a mixture over shapes, and how photos are zoomed.

Narrow components stand for lens profiles that may be met again, broad ones for lenses like them. What a lens
shows at one focal length is drawn from a component; each photo then strays from it by ``wiggle``, because
focus varies, and by ``focal`` where it was taken at another focal length. Lines cannot see zoom: a corrected
photo is zoomed until it fills its frame, and by ``surplus`` beyond, see ``gpu.filling``.
"""

from bisect import bisect_left
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from gpu.coordinates import ImageSize
from gpu.filling import filling_zoom
from gpu.lens_curve import LensCurve
from gpu.plumb_line.gaussians import Mixture
from gpu.plumb_line.shape import EVEN_POWERS, Array, Powers, frame_radii, growth, to_lens_curve

_NORMAL = NormalDist()
_UNLIKELY = 1e-4  # of the likeliest component: what it may be wrong by
_TINY = 1e-12  # square pixels, and of their spread
_STEPS = np.geomspace(1e-3, 10.0, 2000)  # of the farthest component's distance: half a percent each
_STEP = 1e-5  # of theta: 0.01 px, far above what filling_zoom is exact to


@dataclass(frozen=True, slots=True)
class LineTrust:
    """How far lines are to be trusted; ``trust`` asks photos whose curves are known.

    Attributes:
        overcount: Factor on all standard deviations: chains are not independent, one bent beam has two edges.
        scene_bow_px: RMS over the frame of what a scene's own bow makes the lines say, whatever their number.
        wiggle_px: RMS over the frame by which photos at one focal length differ.
        together: Probability that two photos of a listing have one curve, before they are looked at.
        bowed: Probability that the scenes of a listing are bowed themselves, see ``bowed_scenes``.
        width: Factor on expected errors and bounds of a photo by itself, for scenes that miss by more than
            Gaussians do.
        pooled_width: The same of photos that siblings tell something of: they may show one scene and its bow.
    """

    overcount: float = 2.0
    scene_bow_px: float = 0.2
    wiggle_px: float = 0.2
    together: float = 0.1
    bowed: float = 0.3
    width: float = 1.2
    pooled_width: float = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class CurvePrior:
    """Gaussian mixture over theta = (a1, a2, a3) of ``shape``, K components.

    Attributes:
        weights: (K,), sum 1.
        means: (K, 3).
        covariances: (K, 3, 3), of a lens round the mean.
        narrow: (K,), whether a component is a profile that an estimate may be snapped to.
        pixel: (3, 3), covariance of theta that is 1 px RMS over the frame.
        focal: (3, 3), of the difference between two photos of one lens at different focal lengths.
        surplus: By which the logarithm of the zoom exceeds that of the one which just fills the frame.
        surplus_sigma: Standard deviation round it.
        powers: Of r, by coefficient of theta.
        trust: How far lines are to be trusted.
    """

    weights: Array
    means: Array
    covariances: Array
    narrow: NDArray[np.bool_]
    pixel: Array
    focal: Array
    surplus: float = 0.0
    surplus_sigma: float = 0.0
    powers: Powers = EVEN_POWERS
    trust: LineTrust = LineTrust()

    def __post_init__(self) -> None:
        count = len(self.weights)
        shapes = (self.means.shape, self.covariances.shape, self.narrow.shape, self.pixel.shape)
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
    def metric(self) -> Array:
        """(3, 3), the mean square in pixels of theta, zoom left free: the inverse of what ``pixel`` says."""
        return np.asarray(np.linalg.inv(3.0 * self.pixel))

    @property
    def wiggle(self) -> Array:
        """(3, 3), of a photo round its lens at one focal length."""
        return np.asarray(self.trust.wiggle_px**2 * self.pixel)

    def curve(self, theta: Array, size: ImageSize) -> LensCurve:
        """Give the lens curve of a shape, zoomed by the rule for a photo of this size.

        Raises:
            LensModelError: It folds before it reaches the corner.
        """
        unzoomed = to_lens_curve(theta, 1.0, self.powers)
        return unzoomed.zoomed(filling_zoom(unzoomed, size) * float(np.exp(self.surplus)))

    def pixel_metric(self, theta: Array, size: ImageSize) -> tuple[Array, float]:
        """Give M and v with ``mean square px = dtheta M dtheta + v`` near a shape, averaged over the frame.

        ``src = g(z |x|)``, so ``d src/d ai = (z |x|)^(ni + 1)`` and ``d src/d log z = z |x| g'(z |x|)``;
        filling moves log z along with theta. v is what the surplus' spread adds. Both are in square pixels.

        Raises:
            LensModelError: As ``curve``.
        """
        y = np.exp(self._log_zoom(theta, size)) * frame_radii(size)
        _, slope = growth(theta, y, self.powers)
        zooming = y * slope
        fields = np.stack([y ** (power + 1) for power in self.powers], axis=1)
        steps = _STEP * np.eye(3)
        along = [self._log_zoom(theta + step, size) - self._log_zoom(theta - step, size) for step in steps]
        fields += zooming[:, None] * np.array(along) / (2.0 * _STEP)
        unit = size.half_diagonal**2
        return unit * fields.T @ fields / len(y), unit * self.surplus_sigma**2 * float(np.mean(zooming**2))

    def _log_zoom(self, theta: Array, size: ImageSize) -> float:
        """Give log z of ``src = g(z |x|)``: the less, the more the photo grows."""
        unzoomed = to_lens_curve(theta, 1.0, self.powers)
        return -float(np.log(filling_zoom(unzoomed, size))) - self.surplus


def expected_px(metric: tuple[Array, float], posterior: Mixture, theta: Array) -> float:
    """Give the RMS distance over the frame in pixels that is to be expected of a shape from the true one.

    The mean over the components of what each expects: one that is far off and unlikely counts for little.
    """
    squares = posterior.mean_squares(theta, metric[0]) + metric[1]
    return float(posterior.weights @ np.sqrt(squares))


def bound_px(metric: tuple[Array, float], posterior: Mixture, theta: Array) -> float:
    """Give the 0.9 quantile of the RMS distance of a shape from the one that the posterior speaks of.

    Under one component its square is a weighted sum of squared normals, the zoom's among them; a chi-square
    of the same mean and variance (Satterthwaite) stands for it, and Wilson and Hilferty's cube root for that.
    """
    likely = posterior.weights > _UNLIKELY * posterior.weights.max()
    weights, apart = posterior.weights[likely], posterior.means[likely] - theta
    products = metric[0] @ posterior.covariances[likely]
    means = np.maximum(posterior.mean_squares(theta, metric[0])[likely] + metric[1], _TINY)
    squares = np.einsum("kij,kji->k", products, products) + metric[1] ** 2
    squares += 2.0 * np.einsum("ki,kij,jl,kl->k", apart, products, metric[0], apart)
    spread = np.maximum(2.0 / 9.0 * squares / means**2, _TINY)

    def share_below(px: float) -> float:
        places = (np.cbrt(px**2 / means) - 1.0 + spread) / np.sqrt(spread)
        return float(weights @ [_NORMAL.cdf(place) for place in places] / weights.sum())

    tried = np.sqrt(means.max()) * _STEPS
    return float(tried[bisect_left(tried[:-1], 0.9, key=share_below)])

"""Exact exchange between the lens curve and the distortion models of the Lensfun database.

Lensfun's models give the distorted radius from the undistorted one, the direction in which rendering
asks, so no inverse is needed:

    ptlens   r_d = r (a r^3 + b r^2 + c r + 1 - a - b - c)
    poly3    r_d = r (1 - k1 + k1 r^2)
    poly5    r_d = r (1 + k1 r^2 + k2 r^4)

r is 1 at half the short side of the *calibration* photo, between the outermost pixel centres. A photo
from a sensor of another size or shape sees another part of the same image circle, which is what
``Calibration`` carries. Reading the database and finding the lens is not done here.
"""

from dataclasses import dataclass
from math import hypot

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.lens_curve import LensCurve


@dataclass(frozen=True, slots=True)
class PtLens:
    """Coefficients of r^3, r^2 and r; keeps the circle r = 1 in place."""

    a: float
    b: float
    c: float

    @property
    def factors(self) -> tuple[float, ...]:
        """Coefficients of r_d / r by power of r."""
        return (1.0 - self.a - self.b - self.c, self.c, self.b, self.a)


@dataclass(frozen=True, slots=True)
class Poly3:
    """One coefficient of r^2; keeps the circle r = 1 in place."""

    k1: float

    @property
    def factors(self) -> tuple[float, ...]:
        """Coefficients of r_d / r by power of r."""
        return (1.0 - self.k1, 0.0, self.k1)


@dataclass(frozen=True, slots=True)
class Poly5:
    """Coefficients of r^2 and r^4; keeps the scale at the centre."""

    k1: float
    k2: float

    @property
    def factors(self) -> tuple[float, ...]:
        """Coefficients of r_d / r by power of r."""
        return (1.0, 0.0, self.k1, 0.0, self.k2)


@dataclass(frozen=True, slots=True)
class Calibration:
    """The sensor a lens was calibrated on, against the sensor that took the photo.

    Attributes:
        crop_ratio: Crop factor of the calibration over crop factor of the photo, 1 for equal sensors.
        aspect_ratio: Long over short side of the calibration photo; None if it is the photo's own.
    """

    crop_ratio: float = 1.0
    aspect_ratio: float | None = None


SAME_SENSOR = Calibration()


def lensfun_unit(size: ImageSize, *, calibration: Calibration = SAME_SENSOR) -> float:
    """Give the pixels of this photo that make Lensfun's radius 1.

    Equal sensors: half the short side, (min(W, H) - 1) / 2 because the library measures between
    pixel centres. Otherwise the two photos' half diagonals stand in the ratio of the crop factors.
    """
    width, height = max(size.width - 1, 1), max(size.height - 1, 1)
    aspect = max(width, height) / min(width, height)
    calibrated = calibration.aspect_ratio or aspect
    return 0.5 * min(width, height) * hypot(aspect, 1.0) / (calibration.crop_ratio * hypot(calibrated, 1.0))


def curve_from_lensfun(
    model: PtLens | Poly3 | Poly5, size: ImageSize, *, calibration: Calibration = SAME_SENSOR
) -> LensCurve:
    """Write a Lensfun model as the curve of a photo of this size."""
    ratio = size.half_diagonal / lensfun_unit(size, calibration=calibration)
    return LensCurve(tuple(factor * ratio**power for power, factor in enumerate(model.factors)))


def ptlens_from_curve(
    curve: LensCurve, size: ImageSize, *, calibration: Calibration = SAME_SENSOR
) -> tuple[PtLens, float]:
    """Write the curve as a ptlens model and the zoom that ``LensCurve.zoomed`` adds to it.

    Raises:
        LensModelError: The curve needs powers above r^3 or a centre shift, or never reaches r = 1.
    """
    factors = _factors_in_lensfun_units(curve, size, calibration, powers=(0, 1, 2, 3))
    zoom = _zoom_that_keeps_the_unit_circle(factors)
    _, c, b, a = LensCurve(factors).zoomed(1.0 / zoom).factors
    return PtLens(a, b, c), zoom


def poly3_from_curve(
    curve: LensCurve, size: ImageSize, *, calibration: Calibration = SAME_SENSOR
) -> tuple[Poly3, float]:
    """Write the curve as a poly3 model and the zoom that ``LensCurve.zoomed`` adds to it.

    Raises:
        LensModelError: The curve needs powers other than r^2 or a centre shift, or never reaches r = 1.
    """
    factors = _factors_in_lensfun_units(curve, size, calibration, powers=(0, 2))
    zoom = _zoom_that_keeps_the_unit_circle(factors)
    return Poly3(LensCurve(factors).zoomed(1.0 / zoom).factors[2]), zoom


def poly5_from_curve(
    curve: LensCurve, size: ImageSize, *, calibration: Calibration = SAME_SENSOR
) -> tuple[Poly5, float]:
    """Write the curve as a poly5 model and the zoom that ``LensCurve.zoomed`` adds to it.

    Raises:
        LensModelError: The curve needs powers other than r^2 and r^4 or a centre shift.
    """
    factors = _factors_in_lensfun_units(curve, size, calibration, powers=(0, 2, 4))
    if factors[0] <= 0.0:
        raise LensModelError(f"factors {curve.factors} start at a scale that is not positive")
    zoom = 1.0 / factors[0]
    unzoomed = LensCurve(factors).zoomed(1.0 / zoom).factors
    return Poly5(unzoomed[2], unzoomed[4]), zoom


def _factors_in_lensfun_units(
    curve: LensCurve, size: ImageSize, calibration: Calibration, *, powers: tuple[int, ...]
) -> tuple[float, ...]:
    """Rescale the factors and pad them to the model's highest power, refusing what it cannot hold."""
    foreign = [power for power, factor in enumerate(curve.factors) if factor and power not in powers]
    if foreign:
        raise LensModelError(f"the model holds powers {powers} of r, and the curve also has {foreign}")
    if any(curve.centre_shift):
        raise LensModelError(f"a Lensfun model has no centre shift, and the curve has {curve.centre_shift}")
    ratio = size.half_diagonal / lensfun_unit(size, calibration=calibration)
    factors = (*curve.factors, *[0.0] * powers[-1])[: powers[-1] + 1]
    return tuple(factor / ratio**power for power, factor in enumerate(factors))


def _zoom_that_keeps_the_unit_circle(factors: tuple[float, ...]) -> float:
    """Give the z with ``z f(z) = 1``: unzoomed by it, the factors add up to 1 as the model demands."""
    inversion = LensCurve(factors).invert(1.0)
    if not inversion.converged:
        raise LensModelError(f"factors {factors} fold before the source radius 1, so no zoom normalises them")
    return float(inversion.radii)

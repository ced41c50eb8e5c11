"""Finds lenses in Lensfun's database, which lensfunpy brings along, and gives their curves.

Only that bundled database is read, never one of the machine's own: the same version finds the same curves
everywhere. Curves come without the zoom of whoever corrects a photo; that is for ``gpu.filling``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import lensfunpy
import numpy as np

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.jpeg.camera import Camera
from gpu.lens_curve import LensCurve
from gpu.lensfun import Poly3, Poly5, PtLens, curve_from_lensfun

_POWERS = np.arange(5)
_LONGEST_SIDE = 1200  # of the frame that is sampled: a curve is the same for every resolution
_APERTURE = 8.0  # distortion does not depend on it
_WIDE_MM = (10.0, 24.5)  # equivalents of the lenses that rooms are taken with


@dataclass(frozen=True, slots=True)
class KnownLens:
    """A lens of the database at a focal length, with its curve for a frame."""

    name: str
    focal_mm: float
    curve: LensCurve


def database_version() -> str:
    """Name the database, for the record."""
    return f"lensfunpy {lensfunpy.__version__}"


@lru_cache(maxsize=1024)
def find_lens(camera: Camera, size: ImageSize) -> KnownLens | None:
    """Find the lens that a camera says it had, None where the database has no calibration of it.

    A camera that names no lens counts only where one lens alone fits it, as on compact cameras.
    """
    if camera.focal_mm is None or not camera.maker:
        return None
    bodies = _database().find_cameras(camera.maker, camera.model)
    if not bodies:
        return None
    lenses = _database().find_lenses(bodies[0], None, camera.lens or None)
    if not lenses or (len(lenses) > 1 and not camera.lens):
        return None
    lens = lenses[0]
    if lens.type != lensfunpy.LensType.RECTILINEAR or not lens.calib_distortion:
        return None
    if not 0.99 * lens.min_focal <= camera.focal_mm <= 1.01 * lens.max_focal:
        return None
    curve = _sampled_curve(lens, bodies[0].crop_factor, camera.focal_mm, size)
    return KnownLens(_name(lens), camera.focal_mm, curve)


def wide_lenses(size: ImageSize) -> Iterator[KnownLens]:
    """Give every calibration of a rectilinear wide-angle lens, for a frame from the sensor it was made on."""
    for lens in sorted(_database().lenses, key=lambda lens: (lens.maker, lens.model, lens.crop_factor)):
        if lens.type != lensfunpy.LensType.RECTILINEAR:
            continue
        for calibration in lens.calib_distortion:
            if _WIDE_MM[0] <= calibration.focal * lens.crop_factor <= _WIDE_MM[1]:
                yield KnownLens(_name(lens), float(calibration.focal), _calibrated(calibration, size))


@cache
def _database() -> lensfunpy.Database:
    return lensfunpy.Database(load_common=False)


def _name(lens: lensfunpy.Lens) -> str:
    return str(lens.model if lens.model.startswith(lens.maker) else f"{lens.maker} {lens.model}")


def _sampled_curve(lens: lensfunpy.Lens, crop: float, focal: float, size: ImageSize) -> LensCurve:
    """Ask the library itself where it reads, because it alone knows the calibration photo's shape."""
    scale = min(1.0, _LONGEST_SIDE / max(size.width, size.height))
    frame = ImageSize(max(round(size.width * scale), 2), max(round(size.height * scale), 2))
    modifier = lensfunpy.Modifier(lens, crop, frame.width, frame.height)
    modifier.initialize(focal, _APERTURE, scale=1.0, flags=lensfunpy.ModifyFlags.DISTORTION)
    read = modifier.apply_geometry_distortion()
    centre = np.array([(frame.width - 1) / 2, (frame.height - 1) / 2])
    corner = np.linspace(0.0, 1.0, 64)[1:, None]
    places = np.round(centre + corner * centre).astype(int)  # along the diagonal
    radii = np.hypot(*(places - centre).T) / frame.half_diagonal
    source = np.hypot(*(read[places[:, 1], places[:, 0]] - centre).T) / frame.half_diagonal
    factors = np.linalg.lstsq(radii[:, None] ** (_POWERS + 1), source, rcond=None)[0]
    return LensCurve(tuple(map(float, factors)))


def _calibrated(calibration: lensfunpy.LensCalibDistortion, size: ImageSize) -> LensCurve:
    match calibration.model:
        case lensfunpy.DistortionModel.PTLENS:
            return curve_from_lensfun(PtLens(*calibration.terms), size)
        case lensfunpy.DistortionModel.POLY3:
            return curve_from_lensfun(Poly3(calibration.terms[0]), size)
        case lensfunpy.DistortionModel.POLY5:
            return curve_from_lensfun(Poly5(*calibration.terms[:2]), size)
    raise LensModelError(f"{database_version()} holds a model {calibration.model!r} that is not known")

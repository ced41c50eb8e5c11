"""Real lens curves for the demo's photos, from the calibration database that lensfunpy bundles.

A photo is rendered straight into the geometry of its lens: for each pixel this module says where the ideal,
straight-lined picture would have shown the same ray. It draws nothing and corrects nothing.
"""

from dataclasses import dataclass
from functools import cache

import lensfunpy
import numpy as np
from numpy.typing import NDArray

from gpu.coordinates import ImageSize

FULL_FRAME_WIDTH_MM = 36.0


@dataclass(frozen=True, slots=True)
class DemoLens:
    """One rectilinear wide-angle lens of the database and the focal lengths it is used at.

    ``crop_factor`` is that of the calibration; focal lengths are the lens' own, in mm.
    """

    maker: str
    model: str
    crop_factor: float
    shortest_mm: float
    longest_mm: float

    def equivalent_mm(self, focal_mm: float) -> float:
        """Return the focal length in mm that shows the same angle on a 36 mm wide frame."""
        return focal_mm * self.crop_factor


# Chosen for a bow of at least 15 px at the edge of a 2048 px photo, at all of these focal lengths.
LENSES: tuple[DemoLens, ...] = (
    DemoLens("Canon", "Canon RF 16mm F2.8 STM", 1.0, 16.0, 16.0),
    DemoLens("Canon", "Canon RF 14-35mm F4 L IS USM", 1.0, 14.0, 17.0),
    DemoLens("Nikon", "NIKKOR Z 14-30mm f/4 S", 1.0, 14.0, 16.0),
    DemoLens("Nikon", "Nikon AF-S Nikkor 16-35mm f/4G ED VR", 1.0, 16.0, 18.0),
    DemoLens("Olympus", "OLYMPUS M.8-25mm F4.0", 2.0, 8.0, 10.0),
    DemoLens("Olympus", "Olympus M.Zuiko Digital ED 7-14mm f/2.8 Pro", 2.0, 7.0, 10.0),
    DemoLens("Panasonic", "LEICA DG 8-18/F2.8-4.0", 2.0, 8.0, 10.0),
    DemoLens("Panasonic", "LUMIX S 16-35/F4", 1.0, 16.0, 20.0),
    DemoLens("Tamron", "Tamron SP AF 10-24mm f/3.5-4.5 Di II LD Aspherical (IF)", 1.53, 10.5, 13.0),
    DemoLens("Fujifilm", "XF10-24mmF4 R OIS", 1.529, 10.0, 11.0),
)


def ideal_pixels(lens: DemoLens, focal_mm: float, size: ImageSize) -> NDArray[np.float32]:
    """Return where the straight-lined picture shows what each pixel of the photo shows.

    Args:
        lens: One of ``LENSES``.
        focal_mm: The lens' own focal length in mm.
        size: Photo size in pixels; radius 1 of the curve is half the short side.

    Returns:
        ``(H, W, 2)`` positions (u, v) in pixels of a picture of the same size and focal length.

    Raises:
        ValueError: The database lacks the lens or its calibration, or the curve folds inside the photo.
    """
    u, v = (np.abs(np.arange(length) - (length - 1) / 2) for length in (size.width, size.height))
    quarter = np.hypot(u[None, size.width // 2 :], v[size.height // 2 :, None])
    ideal, shown = shown_radii(lens, focal_mm, size)
    scale = np.interp(quarter, shown, ideal) / np.maximum(quarter, 1e-9)
    if quarter[0, 0] == 0:
        scale[0, 0] = 1.0
    scale = np.concatenate((scale[:, size.width % 2 :][:, ::-1], scale), axis=1)
    scale = np.concatenate((scale[size.height % 2 :][::-1], scale), axis=0).astype(np.float32)
    centre = np.array([(size.width - 1) / 2, (size.height - 1) / 2], np.float32)
    return np.asarray((straight_pixels(size) - centre) * scale[..., None] + centre, np.float32)


def shown_radii(
    lens: DemoLens, focal_mm: float, size: ImageSize
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return radii in the straight picture, in pixels, and where the lens shows each of them.

    They reach beyond the corner of the photo, unless the curve folds there.

    Lensfun is asked for single pixels in its closed-form direction: its inverse jitters by tenths of a pixel,
    and from 4 pixels on it takes a vectorised path that is off by as much.

    Source:
        Lensfun's distortion models, as ``Modifier.apply_geometry_distortion`` evaluates them.
    """
    modifier = lensfunpy.Modifier(_calibration(lens), lens.crop_factor, size.width, size.height)
    aperture, distance_m, scale = 8.0, 1000.0, 1.0  # the first two change vignetting only
    kind, flags = lensfunpy.LensType.RECTILINEAR, lensfunpy.ModifyFlags.DISTORTION
    modifier.initialize(focal_mm, aperture, distance_m, scale, kind, np.float32, flags)
    u, v = (size.width - 1) / 2, (size.height - 1) / 2
    if modifier.apply_geometry_distortion(u, v, 1, 1) is None:
        raise ValueError(f"lensfunpy's database has no distortion calibration for {lens.model!r}")
    # 1.35: the photo's corner shows what lies beyond the corner of the straight picture
    ideal = np.arange(0.0, 1.35 * size.half_diagonal, 2.0)
    shown = np.array([modifier.apply_geometry_distortion(u + r, v, 1, 1)[0, 0, 0] - u for r in ideal])
    folds = np.flatnonzero(np.diff(shown) <= 0)
    end = int(folds[0]) + 1 if folds.size else len(ideal)
    if shown[end - 1] < size.half_diagonal:
        raise ValueError(f"the curve of {lens.model!r} at {focal_mm:g} mm folds inside a photo of {size}")
    return ideal[:end], shown[:end]


def straight_pixels(size: ImageSize) -> NDArray[np.float32]:
    """Return ``ideal_pixels`` of a lens without distortion."""
    columns, rows = np.meshgrid(
        np.arange(size.width, dtype=np.float32), np.arange(size.height, dtype=np.float32)
    )
    return np.stack((columns, rows), axis=-1)


def focal_length_px(lens: DemoLens, focal_mm: float, size: ImageSize) -> float:
    """Return the focal length in pixels; the long side of the photo is the width of the frame."""
    return max(size.width, size.height) * lens.equivalent_mm(focal_mm) / FULL_FRAME_WIDTH_MM


@cache
def _database() -> lensfunpy.Database:
    return lensfunpy.Database()


@cache
def _calibration(lens: DemoLens) -> lensfunpy.Lens:
    for candidate in _database().lenses:
        same_name = (candidate.maker, candidate.model) == (lens.maker, lens.model)
        if same_name and abs(candidate.crop_factor - lens.crop_factor) < 0.01:
            return candidate
    raise ValueError(f"lensfunpy's database has no lens {lens.model!r} with crop factor {lens.crop_factor}")

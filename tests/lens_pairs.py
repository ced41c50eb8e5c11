"""Pairs of an original and its target under a curve that is known exactly; drawn, small, deterministic."""

from functools import cache

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from gpu.pair_fit.model import frame_places
from gpu.radial_map import RadialMap
from gpu.remap.opencv import OpenCvRemap

Pixels = NDArray[np.uint8]

SIZE = ImageSize(480, 320)


def filled(*bends: float, size: ImageSize = SIZE) -> LensCurve:
    """Give the curve with these factors of r, r^2, ... and the zoom at which the frame just stays filled."""
    still = (size.short_side - 1) / 2 / size.half_diagonal  # barrels touch the middle of the long sides
    return LensCurve((1.0 - sum(bend * still**power for power, bend in enumerate(bends, 1)), *bends))


BARREL = filled(0.0, -0.10)
PTLENS = filled(-0.03, -0.10, 0.05)


@cache
def room(seed: int = 0, *, size: ImageSize = SIZE) -> Pixels:
    """Draw grey boxes and lines from edge to edge, softened as a lens does, with a little noise."""
    chance = np.random.default_rng(seed)
    picture = np.full((size.height, size.width), 150, np.uint8)
    for _ in range(60):
        left, right = (int(u) for u in chance.integers(-40, size.width + 40, 2))
        top, bottom = (int(v) for v in chance.integers(-40, size.height + 40, 2))
        level = float(chance.integers(20, 236))
        cv2.rectangle(picture, (left, top), (left + 60, top + 45), level, int(chance.choice([-1, 1, 2])))
        cv2.line(picture, (left, top), (right, bottom), 255 - level, int(chance.integers(1, 3)), cv2.LINE_AA)
    soft = cv2.GaussianBlur(picture, (0, 0), 1.0)
    return np.asarray(np.clip(soft + chance.normal(0.0, 1.0, soft.shape), 0, 255), np.uint8)


def corrected(picture: Pixels, warp: LensCurve | RadialMap) -> Pixels:
    """Resample the target out of the original, as a renderer does."""
    height, width = picture.shape
    mapping = warp if isinstance(warp, RadialMap) else warp.radial_map(ImageSize(width, height))
    (target,) = OpenCvRemap().remap([picture], mapping, interpolation="cubic", border="reflect", fill=[0])
    return target


def jpeg(picture: Pixels, *, quality: int = 95) -> bytes:
    """Encode a grey picture."""
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(picture)[..., None], quality, "GRAY"))


def pair(curve: LensCurve = BARREL, *, seed: int = 0, size: ImageSize = SIZE) -> tuple[bytes, bytes]:
    """Give original and target as JPEGs."""
    original = room(seed, size=size)
    return jpeg(original), jpeg(corrected(original, curve))


def taken_pair(curve: LensCurve, *, seed: int = 0, size: ImageSize = SIZE) -> tuple[bytes, bytes]:
    """Give a room as the lens shows it, its straight edges bowed, and its correction, as JPEGs."""
    original = taken(room(seed, size=size), curve)
    return jpeg(original), jpeg(corrected(original, curve))


def taken(picture: Pixels, curve: LensCurve) -> Pixels:
    """Show a straight world as the lens does: what ``corrected`` undoes."""
    height, width = picture.shape
    size = ImageSize(width, height)
    v, u = np.indices(picture.shape, np.float64)
    u, v = u - (width - 1) / 2, v - (height - 1) / 2
    radii = np.hypot(u, v) / size.half_diagonal
    growth = curve.invert(radii).radii / np.maximum(radii, 1e-9)
    places = [(u * growth + (width - 1) / 2), (v * growth + (height - 1) / 2)]
    map_u, map_v = (np.asarray(place, np.float32) for place in places)
    shown = cv2.remap(picture, map_u, map_v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(shown, np.uint8)


def error_px(found: LensCurve | None, truth: LensCurve, *, size: ImageSize = SIZE) -> float:
    """Give the RMS distance of two warps over the frame."""
    assert found is not None
    apart = source_places(found, size) - source_places(truth, size)
    return float(np.sqrt(np.mean(np.sum(apart * apart, axis=1))))


def source_places(curve: LensCurve, size: ImageSize) -> NDArray[np.float64]:
    """Give where the curve reads an even grid of places over the frame: (N, 2) in pixels."""
    mapping = curve.radial_map(size)
    places = (frame_places(size) - mapping.out_centre) / mapping.out_scale
    growth = np.asarray(np.polynomial.polynomial.polyval(np.hypot(*places.T), mapping.factors))
    return np.asarray(places * growth[:, None] * mapping.src_scale + mapping.src_centre)

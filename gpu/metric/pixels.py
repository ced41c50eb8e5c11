"""What may be measured, and the plain differences of two photos: mean, worst region, PSNR, SSIM.

MAE, PSNR and SSIM are **proxies**: cheap to read in a table, never validated against the judge, and no
ground for a promotion. SSIM is also one part of the judge's metric, so its moments can be kept. Every sum is
over integers or in a fixed order, so equal pixels give equal bits wherever they lie in memory.
"""

from dataclasses import dataclass
from math import inf, log10
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from gpu.metric.profile import PROFILES, MetricProfile

Pixels = NDArray[np.uint8]
Moments = NDArray[np.floating[Any]]

FULL_SCALE = 255
_CHANNELS = 3
_LEAST_SIDE = 8  # two pixels are left of it at the smallest scale


@dataclass(frozen=True, slots=True, eq=False)
class LocalMoments:
    """Mean and variance of the grey levels round each pixel, with the samples they are of: (H, W) float32."""

    samples: Moments
    mean: Moments
    variance: Moments


def checked(photo: Pixels, name: str, *, like: Pixels | None = None) -> Pixels:
    """Return the photo itself after a look at its shape.

    Raises:
        ValueError: Not (H, W, 3) of uint8, a side under 8 px, or another shape than ``like``.
    """
    if photo.dtype != np.uint8 or photo.ndim != _CHANNELS or photo.shape[2] != _CHANNELS:
        raise ValueError(f"{name} must have shape (H, W, 3) of uint8, got {photo.shape} of {photo.dtype}")
    if min(photo.shape[:2]) < _LEAST_SIDE:
        raise ValueError(f"{name} must measure {_LEAST_SIDE} px or more along each side, got {photo.shape}")
    if like is not None and photo.shape != like.shape:
        raise ValueError(f"{name} must have the target's shape {like.shape}, got {photo.shape}")
    return photo


def grey_levels(photo: Pixels) -> Pixels:
    """Reduce BGR to (H, W) grey with the weights of BT.601."""
    return np.asarray(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), np.uint8)


def mae(photo: Pixels, target: Pixels) -> float:
    """Proxy: mean absolute difference over all samples, in grey levels (0..255)."""
    return float(_summed_differences(photo, target).sum(dtype=np.int64)) / photo.size


def psnr(photo: Pixels, target: Pixels) -> float:
    """Proxy: peak signal-to-noise ratio in dB; infinite for equal photos."""
    differences = cv2.absdiff(photo, target).astype(np.uint32)
    squares = float(np.square(differences).sum(dtype=np.int64)) / photo.size
    return 10.0 * log10(FULL_SCALE**2 / squares) if squares else inf


def ssim(photo: Pixels, target: Pixels, profile: MetricProfile = PROFILES["portal"]) -> float:
    """Proxy: structural similarity of the grey levels, -1..1, 1 for equal photos."""
    moments = (local_moments(grey_levels(each), profile) for each in (photo, target))
    return structural_similarity(*moments, profile=profile)


def largest_regional_difference(photo: Pixels, target: Pixels, *, side: int) -> float:
    """Give the greatest mean absolute difference (0..1) of any box of ``side`` px inside the photo.

    Boxes lie wholly inside; where the photo is smaller than the box, the box shrinks to the photo.
    """
    sums = _summed_differences(photo, target)
    height, width = min(side, sums.shape[0]), min(side, sums.shape[1])
    # Sums of up to 64x64x3 differences of 255 are whole numbers below 2^24, so float32 holds them exactly.
    boxes = cv2.boxFilter(sums, cv2.CV_32F, (width, height), normalize=False)
    top, left = height // 2, width // 2
    inside = boxes[top : top + sums.shape[0] - height + 1, left : left + sums.shape[1] - width + 1]
    return float(inside.max() / (height * width * _CHANNELS * FULL_SCALE))


def local_moments(grey: Pixels, profile: MetricProfile) -> LocalMoments:
    """Measure mean and variance under the Gaussian window; the picture is mirrored past its border."""
    samples = grey.astype(np.float32)
    mean = _windowed(samples, profile)
    variance = _windowed(samples * samples, profile) - mean * mean
    return LocalMoments(samples=samples, mean=mean, variance=variance)


def structural_similarity(a: LocalMoments, b: LocalMoments, *, profile: MetricProfile) -> float:
    """Average the SSIM map over the whole picture; the same to the last bit with a and b swapped.

    Source:
        Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural
        similarity", IEEE Transactions on Image Processing 13(4), 2004.
    """
    steady_mean = np.float32((profile.ssim_k1 * FULL_SCALE) ** 2)
    steady_variance = np.float32((profile.ssim_k2 * FULL_SCALE) ** 2)
    means = a.mean * b.mean
    covariance = _windowed(a.samples * b.samples, profile) - means
    above = (2 * means + steady_mean) * (2 * covariance + steady_variance)
    below = (a.mean * a.mean + b.mean * b.mean + steady_mean) * (a.variance + b.variance + steady_variance)
    return float(np.mean(above / below, dtype=np.float64))


def _windowed(samples: Moments, profile: MetricProfile) -> Moments:
    side = (profile.ssim_window, profile.ssim_window)
    return np.asarray(cv2.GaussianBlur(samples, side, profile.ssim_sigma), np.float32)


def _summed_differences(photo: Pixels, target: Pixels) -> NDArray[np.uint16]:
    """Add up the three channels' absolute differences: (H, W), 0..765."""
    blue, green, red = cv2.split(cv2.absdiff(photo, target))
    sums = cv2.add(cv2.add(blue, green, dtype=cv2.CV_16U), red, dtype=cv2.CV_16U)
    return np.asarray(sums, np.uint16)

from dataclasses import replace
from math import inf

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from gpu.metric.pixels import Pixels, checked, largest_regional_difference, mae, psnr, ssim
from gpu.metric.profile import MetricProfile

FLOAT32 = 1e-4  # mean squares of up to 65025 are good to 0.004 there, beside a constant of 58.5


def plain(level: int, *, height: int = 40, width: int = 50) -> Pixels:
    return np.full((height, width, 3), level, np.uint8)


def noise(seed: int, *, height: int = 40, width: int = 50) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_mae_counts_every_channel() -> None:
    photo = plain(10)
    photo[..., 1] += 30

    assert mae(photo, plain(10)) == 10.0  # (0 + 30 + 0) / 3


@pytest.mark.parametrize(("level", "decibels"), [(255, 0.0), (1, 48.1308036), (0, inf)])
def test_psnr_of_a_constant_difference(level: int, decibels: float) -> None:
    assert psnr(plain(level), plain(0)) == pytest.approx(decibels)  # 20 log10(255 / level)


def test_ssim_of_two_plain_pictures_compares_their_means_only() -> None:
    # (2 * 2 * 10 + 2.55^2) / (2^2 + 10^2 + 2.55^2)
    assert ssim(plain(2), plain(10)) == pytest.approx(46.5025 / 110.5025, abs=FLOAT32)


def test_ssim_agrees_with_its_definition_in_float64() -> None:
    photo, target = noise(1), cv2.GaussianBlur(noise(1), (3, 3), 1.0)
    grey = [cv2.cvtColor(each, cv2.COLOR_BGR2GRAY).astype(np.float64) for each in (photo, target)]

    assert ssim(photo, np.asarray(target, np.uint8)) == pytest.approx(_slow_ssim(*grey), abs=FLOAT32)


def test_ssim_uses_the_window_and_the_constants_of_the_profile(portal: MetricProfile) -> None:
    other = replace(portal, ssim_window=7, ssim_sigma=1.0, ssim_k1=0.02, ssim_k2=0.05)
    grey = [cv2.cvtColor(noise(each), cv2.COLOR_BGR2GRAY).astype(np.float64) for each in (1, 2)]

    expected = _slow_ssim(*grey, side=7, sigma=1.0, k1=0.02, k2=0.05)
    assert ssim(noise(1), noise(2), other) == pytest.approx(expected, abs=FLOAT32)


def test_ssim_of_a_negative_is_negative() -> None:
    assert ssim(noise(3), 255 - noise(3)) < -0.5


@pytest.mark.parametrize("corner", [(0, 0), (0, 136), (96, 0), (96, 136), (37, 51)])
def test_the_worst_region_is_found_wherever_it_lies(corner: tuple[int, int]) -> None:
    photo, (top, left) = plain(0, height=160, width=200), corner
    photo[top : top + 64, left : left + 64] = 255

    assert largest_regional_difference(photo, plain(0, height=160, width=200), side=64) == 1.0


def test_a_region_is_measured_by_its_mean_over_pixels_and_channels() -> None:
    photo = plain(0, height=160, width=200)
    photo[40:72, 60:92, 2] = 51

    difference = largest_regional_difference(photo, plain(0, height=160, width=200), side=64)
    assert difference == pytest.approx(0.25 * 0.2 / 3)  # a quarter of the box, 51 of 255, one of 3 channels


def test_a_photo_smaller_than_the_region_is_one_region() -> None:
    photo = plain(0, height=20, width=30)
    photo[:, :10] = 255

    assert largest_regional_difference(photo, plain(0, height=20, width=30), side=64) == pytest.approx(1 / 3)


def test_the_worst_region_is_that_of_all_boxes() -> None:
    photo, target, side = noise(1), noise(2), 7
    differences = np.abs(photo.astype(int) - target).mean(axis=2) / 255
    boxes = np.lib.stride_tricks.sliding_window_view(differences, (side, side)).mean(axis=(2, 3))

    assert largest_regional_difference(photo, target, side=side) == pytest.approx(boxes.max())


@pytest.mark.parametrize(
    ("photo", "message"),
    [
        (np.zeros((40, 50), np.uint8), r"the photo must have shape \(H, W, 3\) of uint8, got \(40, 50\)"),
        (np.zeros((40, 50, 4), np.uint8), r"got \(40, 50, 4\)"),
        (np.zeros((40, 50, 3), np.float32), "of uint8, got .* of float32"),
        (np.zeros((40, 7, 3), np.uint8), "8 px or more along each side"),
        (np.zeros((50, 40, 3), np.uint8), r"the target's shape \(40, 50, 3\), got \(50, 40, 3\)"),
    ],
)
def test_what_is_no_photo_of_the_targets_size_is_refused(photo: Pixels, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked(photo, "the photo", like=plain(0))


def _slow_ssim(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    side: int = 11,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> float:
    offsets = np.arange(side) - side // 2
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * sigma**2))
    window /= window.sum()

    def average(picture: NDArray[np.float64]) -> NDArray[np.float64]:
        padded = np.pad(picture, side // 2, mode="reflect")
        patches = np.lib.stride_tricks.sliding_window_view(padded, window.shape)
        return np.asarray((patches * window).sum(axis=(2, 3)))

    mean_x, mean_y = average(x), average(y)
    var_x, var_y = average(x * x) - mean_x**2, average(y * y) - mean_y**2
    covariance = average(x * y) - mean_x * mean_y
    c1, c2 = (k1 * 255) ** 2, (k2 * 255) ** 2
    above = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float((above / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))).mean())

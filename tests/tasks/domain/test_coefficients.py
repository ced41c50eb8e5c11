from itertools import product

import cv2
import numpy as np
import pytest

from gpu.coordinates import ImageSize
from tasks.domain.coefficients import CoefficientPair, usable_warp, warp_of
from tasks.domain.errors import UnusableWarpError
from tasks.domain.schemas import IdentityWarp, LegacyWarp

SIZE = ImageSize(2048, 1367)


@pytest.mark.parametrize("zeros", [(0.0, 0.0), (-0.0, 0.0), (0, 0)])
def test_a_pair_of_zeros_leaves_the_photo_untouched(zeros: tuple[float, float]) -> None:
    assert warp_of(CoefficientPair(k1=zeros[0], k2=zeros[1]), alpha=0.0) == IdentityWarp()


@pytest.mark.parametrize(("size", "alpha"), [*product([(2048, 1367), (1360, 2048), (641, 480)], [0.0, 1.0])])
def test_the_legacy_map_of_zeros_is_the_identity(size: tuple[int, int], alpha: float) -> None:
    width, height = size
    camera = np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1.0]])
    new, _ = cv2.getOptimalNewCameraMatrix(camera, np.zeros(5), size, alpha, size)
    map_u, map_v = cv2.initUndistortRectifyMap(camera, np.zeros(5), None, new, size, cv2.CV_32FC1)
    off_u, off_v = map_u - np.arange(width), map_v - np.arange(height)[:, None]
    assert np.abs([off_u, off_v]).max() < 1e-3  # px, rounding of float32 maps


def test_a_pair_with_one_zero_is_warped() -> None:
    assert isinstance(warp_of(CoefficientPair(k1=0.0, k2=0.01), alpha=0.0), LegacyWarp)


def test_the_alpha_of_a_pair_beats_the_tables() -> None:
    own = CoefficientPair(k1=-0.1, k2=0.2, alpha=0.1)
    assert warp_of(own, alpha=0.5) == LegacyWarp(k1=-0.1, k2=0.2, alpha=0.1)
    assert warp_of(CoefficientPair(k1=-0.1, k2=0.2), alpha=0.5) == LegacyWarp(k1=-0.1, k2=0.2, alpha=0.5)


def test_an_own_alpha_of_zero_is_an_own_alpha() -> None:
    assert warp_of(CoefficientPair(k1=-0.1, k2=0.2, alpha=0.0), alpha=0.5) == LegacyWarp(k1=-0.1, k2=0.2)


def test_a_pair_that_folds_is_refused_with_k1_and_radius() -> None:
    with pytest.raises(UnusableWarpError, match=r"k1=-2\.31.*2048x1367 at radius 0\.63 of the half diagonal"):
        usable_warp(CoefficientPair(k1=-2.31, k2=0.0), alpha=0.0, size=SIZE)


@pytest.mark.parametrize("size", [ImageSize(1, 1), ImageSize(65_500, 1), ImageSize(1, 65_500)])
def test_a_photo_too_slim_for_the_model_is_refused_with_its_size(size: ImageSize) -> None:
    with pytest.raises(UnusableWarpError, match=str(size)):
        usable_warp(CoefficientPair(k1=-0.17, k2=0.35), alpha=0.0, size=size)


def test_a_negative_zero_is_written_as_zero() -> None:
    assert CoefficientPair(k1=-0.0, k2=0.0).model_dump_json() == '{"k1":0.0,"k2":0.0,"alpha":null}'

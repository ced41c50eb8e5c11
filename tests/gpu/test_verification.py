import cv2
import numpy as np
import pytest
import simplejpeg

from gpu.fingerprint import block_tolerance, largest_block_difference
from gpu.jpeg.rejection import PhotoRejected
from gpu.verification import OutputJob, check_photo
from tests.photos import jpeg, picture


def encoded(pixels: np.ndarray, quality: int = 95, subsampling: str = "420") -> bytes:
    return bytes(simplejpeg.encode_jpeg(pixels, quality, "BGR", colorsubsampling=subsampling))


@pytest.mark.parametrize("quality", [100, 95, 80, 60, 30])
def test_engines_that_differ_by_four_levels_in_few_samples_are_within_tolerance(quality: int) -> None:
    # 4 levels in 7.7 % of samples: what OpenCV 4.14 and 5.0 differ by at most
    rng = np.random.default_rng(quality)
    pixels = picture(640, 427)
    noise = rng.integers(-4, 5, pixels.shape) * (rng.random(pixels.shape) < 0.077)
    other = np.clip(pixels.astype(int) + noise, 0, 255).astype(np.uint8)
    apart = largest_block_difference(encoded(pixels, quality), encoded(other, quality))
    assert 0 < apart <= block_tolerance(quality)


@pytest.mark.parametrize("side", [12, 16, 32])
@pytest.mark.parametrize("corner", [(0, 0), (100, 150), (414, 628)])
def test_a_patch_of_another_picture_is_beyond_tolerance(side: int, corner: tuple[int, int]) -> None:
    pixels = picture(640, 427)
    row, column = corner
    other = pixels.copy()
    other[row : row + side, column : column + side] ^= 0x40
    assert largest_block_difference(encoded(pixels), encoded(other)) > block_tolerance(95)


def test_lost_texture_is_beyond_tolerance() -> None:
    pixels = picture(640, 427)
    small = cv2.resize(pixels, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    other = cv2.resize(small, (640, 427))
    assert largest_block_difference(encoded(pixels), encoded(other)) > block_tolerance(95)


def test_equal_photos_do_not_differ() -> None:
    assert largest_block_difference(jpeg(), jpeg()) == 0.0


@pytest.mark.parametrize("other", [jpeg(322, 214), jpeg(subsampling="444")], ids=["size", "chroma"])
def test_another_layout_is_as_far_as_can_be(other: bytes) -> None:
    assert largest_block_difference(jpeg(), other) == 255.0


def test_a_photo_of_another_size_is_refused() -> None:
    check_photo(OutputJob(jpeg(320, 214), 320, 214))
    with pytest.raises(PhotoRejected, match="expected an output of 214x320"):
        check_photo(OutputJob(jpeg(320, 214), 214, 320))

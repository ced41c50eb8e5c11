import cv2
import numpy as np
import pytest
import simplejpeg

from gpu.coordinates import ImageSize
from gpu.jpeg.rejection import PhotoRejected
from gpu.search.pair import reduced_pair
from tests.photos import jpeg


def test_a_pair_is_grey_and_a_quarter_of_the_size_in_area_means() -> None:
    files = jpeg(322, 214, seed=1), jpeg(322, 214, seed=2)
    pair = reduced_pair(files)
    assert pair.size == ImageSize(322, 214)
    for found, file in zip((pair.original, pair.target), files, strict=True):
        grey = simplejpeg.decode_jpeg(file, "GRAY")[..., 0]
        assert np.array_equal(found, cv2.resize(grey, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA))


def test_photos_of_two_sizes_are_no_pair() -> None:
    with pytest.raises(PhotoRejected, match="a target of the original's size 320x214, found 320x213"):
        reduced_pair((jpeg(320, 214), jpeg(320, 213)))


def test_photos_without_room_for_a_line_are_no_pair() -> None:
    with pytest.raises(PhotoRejected, match="sides of at least 32 pixels, found 64x24"):
        reduced_pair((jpeg(64, 24), jpeg(64, 24)))


def test_a_damaged_target_is_rejected() -> None:
    with pytest.raises(PhotoRejected) as rejected:
        reduced_pair((jpeg(), jpeg()[:3000]))
    assert rejected.value.code == "truncated"

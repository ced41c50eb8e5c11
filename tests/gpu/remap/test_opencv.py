import tracemalloc
from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
import pytest

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from gpu.radial_map import RadialMap
from gpu.remap.backend import Border, Interpolation, Plane
from gpu.remap.opencv import LONGEST_SIDE, OpenCvRemap
from gpu.remap.reference import reference_map, reference_remap

FILL = (17, 201)
# On white noise, in grey levels. Linear and cubic: a coordinate cast to float32 moves a sum across a
# rounding boundary (measured: 0.2 % of the samples). Lanczos: OpenCV rounds to 1/32 px.
LARGEST = {"linear": 1, "cubic": 1, "lanczos4": 10}
MEAN = {"linear": 0.003, "cubic": 0.003, "lanczos4": 1.2}


def test_every_mode_equals_the_exact_reference(
    mode: tuple[Interpolation, Border], mapping: RadialMap, planes: Sequence[Plane]
) -> None:
    interpolation, border = mode

    found = OpenCvRemap().remap(planes, mapping, interpolation=interpolation, border=border, fill=FILL)

    expected = reference_remap(planes, mapping, interpolation=interpolation, border=border, fill=FILL)
    difference = np.abs(np.stack(found).astype(int) - np.stack(expected))
    assert difference.max() <= LARGEST[interpolation]
    assert difference.mean() <= MEAN[interpolation]


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3), (5, 4)])
def test_a_tiny_plane_is_mirrored_without_reading_beside_it(
    shape: tuple[int, int], mode: tuple[Interpolation, Border]
) -> None:
    interpolation, border = mode
    plane = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    curve = LensCurve((6.1, 0.0, 0.7), centre_shift=(0.6, 0.7))  # off the only pixel there is
    mapping = curve.radial_map(ImageSize(shape[1], shape[0]))

    (found,) = OpenCvRemap().remap([plane], mapping, interpolation=interpolation, border=border, fill=[9])

    (expected,) = reference_remap([plane], mapping, interpolation=interpolation, border=border, fill=[9])
    assert np.abs(found.astype(int) - expected).max() <= LARGEST[interpolation]


@pytest.mark.parametrize("size", [ImageSize(500, 331), ImageSize(2600, 1733)], ids=["kept", "streamed"])
def test_strips_and_kept_maps_render_as_one_whole_map_would(size: ImageSize) -> None:
    plane = noise(size)
    mapping = LensCurve((0.97, 0.02, -0.1, 0.1)).radial_map(size)

    (found,) = OpenCvRemap().remap([plane], mapping, interpolation="linear", border="reflect", fill=[0])

    map_x, map_y = (places.astype(np.float32) for places in reference_map(mapping, size))
    whole = cv2.remap(plane, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    np.testing.assert_array_equal(found, whole)


def test_a_large_photo_needs_no_map_in_memory() -> None:
    size = ImageSize(3000, 2000)
    planes = [noise(size)]
    mapping = LensCurve((0.97, 0.02, -0.1, 0.1)).radial_map(size)

    tracemalloc.start()
    OpenCvRemap().remap(planes, mapping, interpolation="linear", border="reflect", fill=[0])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < size.width * size.height + 8e6  # bytes: the new plane and a strip; the map has 48e6


@pytest.mark.parametrize("order", ["C", "F"])
def test_planes_that_are_views_into_larger_arrays_are_taken(order: Literal["C", "F"]) -> None:
    drawn = np.random.default_rng(5).integers(0, 256, (70, 100), dtype=np.uint8)
    padded = np.asarray(drawn, order=order)
    mapping = LensCurve((1.0, 0.0, -0.1)).radial_map(ImageSize(90, 60))

    views = OpenCvRemap().remap(
        [padded[:60, :90]], mapping, interpolation="cubic", border="reflect", fill=[0]
    )

    copies = OpenCvRemap().remap(
        [drawn[:60, :90].copy()], mapping, interpolation="cubic", border="reflect", fill=[0]
    )
    np.testing.assert_array_equal(views, copies)


def test_a_plane_longer_than_opencv_can_address_is_refused() -> None:
    plane = np.zeros((1, LONGEST_SIDE + 1), dtype=np.uint8)
    mapping = LensCurve((1.0,)).radial_map(ImageSize(LONGEST_SIDE + 1, 1))

    with pytest.raises(ValueError, match="up to 32766 px a side, got 32767x1"):
        OpenCvRemap().remap([plane], mapping, interpolation="linear", border="reflect", fill=[0])


def test_the_longest_plane_opencv_can_address_is_rendered() -> None:
    plane = np.arange(LONGEST_SIDE, dtype=np.uint16).astype(np.uint8)[None, :]
    mapping = LensCurve((1.0,)).radial_map(ImageSize(LONGEST_SIDE, 1))

    (found,) = OpenCvRemap().remap([plane], mapping, interpolation="linear", border="reflect", fill=[0])

    np.testing.assert_array_equal(found, plane)


def noise(size: ImageSize) -> Plane:
    return np.random.default_rng(5).integers(0, 256, (size.height, size.width), dtype=np.uint8)

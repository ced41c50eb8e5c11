import numpy as np
import pytest

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from gpu.radial_map import RadialMap
from gpu.remap.reference import reference_map
from gpu.remap.strip_map import MapArray, map_strips

SIZE = ImageSize(2048, 1367)
CURVES = {
    "scale only": LensCurve((0.98,)),
    "Brown": LensCurve((0.98, 0.0, -0.05, 0.0, 0.08, 0.0, 0.01)),
    "ptlens": LensCurve((1.02, 0.01, -0.06, 0.02)),
    "all seven powers, shifted": LensCurve((1.0, 0.01, -0.06, 0.02, 0.01, -0.01, 0.02), (0.01, 0.02)),
}


def assembled(mapping: RadialMap, size: ImageSize, *, rows: int) -> MapArray:
    whole = np.full((2, size.height, size.width), np.nan, dtype=np.float32)
    for strip in map_strips(mapping, size, rows=rows):
        whole[0, strip.rows], whole[1, strip.rows] = strip.map_x, strip.map_y
    return whole


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES.keys())
def test_strips_are_the_float64_map_rounded_once(curve: LensCurve) -> None:
    mapping = curve.radial_map(SIZE)

    strips = assembled(mapping, SIZE, rows=32)

    assert_same_floats(strips, np.stack(reference_map(mapping, SIZE)).astype(np.float32))


@pytest.mark.parametrize("rows", [1, 7, 1367])
def test_the_height_of_a_strip_does_not_change_the_map(rows: int) -> None:
    mapping = CURVES["ptlens"].radial_map(SIZE)

    assert_same_floats(assembled(mapping, SIZE, rows=rows), assembled(mapping, SIZE, rows=32))


def assert_same_floats(found: MapArray, expected: MapArray) -> None:
    """Allow what another processor's BLAS may do: sums 1e-12 px apart straddle a float32 step, 3 in 1e9."""
    difference = np.abs(found - expected)
    assert difference.max() <= np.spacing(np.float32(SIZE.width))
    assert np.count_nonzero(difference > 1e-10) <= 3

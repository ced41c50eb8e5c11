import numpy as np
from numpy.typing import NDArray

from gpu.pair_fit.departure import Departure, departure
from gpu.pair_fit.levels import descend_all, pyramid
from gpu.pair_fit.luma import Luma
from gpu.pair_fit.model import WarpModel
from gpu.radial_map import RadialMap
from gpu.remap.reference import reference_remap
from tests.lens_pairs import BARREL, SIZE, corrected, room

MODEL = WarpModel(SIZE)


def measured(target: NDArray[np.uint8]) -> Departure:
    levels = pyramid(*(Luma(photo.astype(np.float32), 1) for photo in (room(), target)))
    start = MODEL.warp(dict(enumerate(BARREL.factors)))
    return departure(MODEL, levels, start=start, curves=descend_all(MODEL, levels, start))


def test_a_lens_correction_departs_by_less_than_its_uncertainty_allows() -> None:
    found = measured(corrected(room(), BARREL))

    assert found.rms < 0.05  # px
    assert found.rms < 3.0 * found.error


def test_a_stretch_of_x_against_y_is_no_decentring() -> None:
    centred = BARREL.radial_map(SIZE)
    u, v = centred.out_scale
    stretched = RadialMap(
        centred.out_centre, (u * 1.01, v), centred.src_centre, centred.src_scale, centred.factors
    )

    found = measured(corrected(room(), stretched))

    assert 0.5 < found.rms < 2.0  # px: 1 % of a half width of 240 px, the mean scale taken off
    assert found.rms > 5.0 * found.error
    assert not found.decentred


def test_an_axis_off_the_centre_of_both_photos_is_decentring() -> None:
    centred = BARREL.radial_map(SIZE)
    axis = (centred.out_centre[0] + 30.0, centred.out_centre[1] - 20.0)
    moved = RadialMap(axis, centred.out_scale, axis, centred.src_scale, centred.factors)
    (target,) = reference_remap([room()], moved, interpolation="cubic", border="reflect", fill=[0])

    found = measured(target)

    assert found.rms > 5.0 * found.error
    assert found.decentred

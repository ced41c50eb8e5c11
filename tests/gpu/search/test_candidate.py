import numpy as np
import pytest

from gpu.coordinates import ImageSize
from gpu.legacy import legacy_radial_map
from gpu.remap.reference import reference_map
from gpu.search.candidate import Candidate, Geometry, geometry, reduced_size
from gpu.search.pair import Grey, reduced

STANDARD = ImageSize(2048, 1367)


def known(candidate: Candidate, size: ImageSize = STANDARD, reduction: int = 4) -> Geometry:
    found = geometry(candidate, size, reduction=reduction)
    assert found is not None
    return found


def test_sums_of_steps_are_written_without_rounding_errors() -> None:
    assert Candidate.rounded(-0.17 + 0.03, 0.1 + 0.2, 0.1 * 3) == Candidate(-0.14, 0.3, 0.3)


def test_negative_zero_is_written_as_zero() -> None:
    assert str(Candidate.rounded(-1e-9, 0.0, 0.0).k1) == "0.0"


def test_a_reduced_map_reads_where_the_full_map_reads() -> None:
    size = ImageSize(2048, 1364)
    full = reference_map(legacy_radial_map(-0.2, 0.41, 0.0, size), size)
    reduced_map = reference_map(known(Candidate(-0.2, 0.41), size).mapping, reduced_size(size, 4))
    for places, small in zip(full, reduced_map, strict=True):
        means = places.reshape(341, 4, 512, 4).mean(axis=(1, 3))
        # the middle of 4 pixels lies 1.5 px after the first; over them the map bends by 0.0003 px
        assert np.abs(4 * small + 1.5 - means).max() < 0.001


def test_the_strength_of_the_seed_pair_is_that_of_its_largest_displacement() -> None:
    # |k1 r^3 + k2 r^5| of (-0.17, 0.35) is largest at r^2 = 0.3 * 0.17 / 0.35 * 2
    r = (0.6 * 0.17 / 0.35) ** 0.5
    assert known(Candidate(-0.17, 0.35)).warp == pytest.approx(14 * abs(-0.17 * r**3 + 0.35 * r**5), abs=1e-5)


def test_the_strength_of_a_warp_is_clipped_to_one() -> None:
    assert known(Candidate(0.5, 0.0)).warp == 1.0


def test_a_zoom_that_leaves_no_empty_pixel_has_no_border() -> None:
    assert known(Candidate(-0.17, 0.35)).border == 0.0


def test_keeping_every_pixel_of_a_barrel_shows_border_and_is_invalid() -> None:
    found = known(Candidate(-0.2, 0.0, 1.0))
    x, y = reference_map(found.mapping, reduced_size(STANDARD, 4))
    outside = (x < -0.5) | (x > 511.5) | (y < -0.5) | (y > 341.5)
    assert found.border == pytest.approx(outside.mean(), abs=1e-5)
    assert found.border > 0.002
    assert not found.valid


def test_a_pair_that_folds_has_no_geometry() -> None:
    assert geometry(Candidate(-3.0, 0.0), STANDARD, reduction=4) is None


@pytest.mark.parametrize("height", [1356, 1363, 1364, 1365, 1366, 1367, 1369])
def test_the_reduced_size_is_that_of_the_reduced_picture(height: int) -> None:
    picture: Grey = np.zeros((height, 2048), np.uint8)
    found = reduced_size(ImageSize(2048, height), 4)
    assert reduced(picture, 4).shape == (found.height, found.width)

import numpy as np
import pytest
import simplejpeg

from gpu.legacy import legacy_radial_map
from gpu.plumb_line.guards import off_line
from gpu.plumb_line.moved_lines import corrected_places, moved_lines
from gpu.radial_map import RadialMap
from tests.straight_lines import SIZE, WIDE, draw, filled, grid_of_lines

MAPS = [
    pytest.param(filled(WIDE).radial_map(SIZE), id="curve"),
    pytest.param(legacy_radial_map(-0.10, 0.21, 0.0, SIZE), id="legacy, stretched along x"),
]


def photo_of_a_grid() -> bytes:
    return bytes(simplejpeg.encode_jpeg(np.dstack([draw(grid_of_lines(), WIDE)] * 3), 95, "BGR"))


def places_over_the_frame(mapping: RadialMap) -> np.ndarray:
    u, v = np.meshgrid(np.linspace(0, SIZE.width - 1, 9), np.linspace(0, SIZE.height - 1, 7))
    return np.vstack([np.stack([u.ravel(), v.ravel()], axis=1), mapping.src_centre])


@pytest.mark.parametrize("mapping", MAPS)
def test_the_warp_reads_each_moved_place_where_it_came_from(mapping: RadialMap) -> None:
    places = places_over_the_frame(mapping)

    moved = corrected_places(places, mapping)

    p = np.divide(moved - mapping.out_centre, mapping.out_scale)
    growth = np.asarray(np.polynomial.polynomial.polyval(np.hypot(*p.T), mapping.factors))
    read = p * growth[:, None] * mapping.src_scale + mapping.src_centre
    np.testing.assert_allclose(read, places, atol=1e-6)  # px: inversion is exact to 1e-9 of the radius


def test_places_beyond_the_fold_are_nowhere() -> None:
    folding = RadialMap((0.0, 0.0), (1.0, 1.0), (0.0, 0.0), (1.0, 1.0), (1.0, 0.0, -1.0))

    assert np.isnan(corrected_places(np.array([[3.0, 4.0]]), folding)).all()


def test_the_right_curve_straightens_the_lines_of_a_room() -> None:
    lines = moved_lines(photo_of_a_grid(), filled(WIDE).radial_map(SIZE))

    assert len(lines) >= 20
    assert np.median([line.bow_before for line in lines]) > 1.0
    assert max(line.bow_after for line in lines) < 0.4  # px, measured: 0.26


def test_lines_of_a_photo_that_was_left_alone_stay() -> None:
    lines = moved_lines(photo_of_a_grid(), None)

    assert lines
    assert all(np.array_equal(line.before, line.after) for line in lines)
    assert all(line.bow_before == line.bow_after > 0.0 for line in lines)


def test_what_leaves_the_frame_is_not_shown_but_measured() -> None:
    closer = filled(WIDE).zoomed(2.0).radial_map(SIZE)

    lines = moved_lines(photo_of_a_grid(), closer)

    shown = np.concatenate([line.after for line in lines])
    assert len(shown) < 0.5 * sum(len(line.before) for line in lines)
    assert (shown >= -0.5).all()
    assert (shown <= np.array([SIZE.width, SIZE.height]) - 0.5).all()
    assert all(line.bow_after > 0.0 for line in lines)


def test_the_bow_is_the_distance_from_the_best_line_in_any_direction() -> None:
    zigzag = np.array([[1.0, 0.0], [-1.0, 10.0], [-1.0, 20.0], [1.0, 30.0]])

    assert off_line(zigzag) == pytest.approx(1.0)
    assert off_line(zigzag[:, ::-1]) == pytest.approx(1.0)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 2), (3, 100)])
def test_a_tiny_photo_has_no_lines(size: tuple[int, int]) -> None:
    tiny = bytes(simplejpeg.encode_jpeg(np.zeros((*size, 3), np.uint8), 90, "BGR"))

    assert moved_lines(tiny, None) == ()

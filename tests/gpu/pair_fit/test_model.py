import numpy as np
import pytest

from gpu.coordinates import ImageSize
from gpu.pair_fit.model import LENSFUN_POWERS, WarpModel, frame_places, frame_rms
from gpu.remap.reference import reference_map

SIZE = ImageSize(64, 43)
PARAMETERS = np.array([1.02, -0.03, -0.09, 0.04, 0.01, -0.02])


def every_place(size: ImageSize) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    u, v = np.meshgrid(np.arange(size.width, dtype=float), np.arange(size.height, dtype=float))
    return np.stack([u.ravel(), v.ravel()], axis=1)


def test_the_curve_of_the_parameters_is_the_same_warp() -> None:
    model = WarpModel(SIZE)

    source = model.source(model.fields(every_place(SIZE)), PARAMETERS)

    expected = np.stack(reference_map(model.curve(PARAMETERS).radial_map(SIZE), SIZE)).reshape(2, -1)
    np.testing.assert_allclose(source, expected, atol=1e-12)  # px


def test_a_curve_is_written_with_its_own_powers() -> None:
    curve = WarpModel(SIZE, (0, 2, 4)).curve(np.array([1.1, -0.2, 0.3, 0.01, 0.02]))

    assert curve.factors == (1.1, 0.0, -0.2, 0.0, 0.3)
    assert curve.centre_shift == (0.01, 0.02)


@pytest.mark.parametrize("edited", [False, True])
def test_a_warp_without_factors_but_1_changes_nothing(edited: bool) -> None:
    model = WarpModel(SIZE, edited=edited)
    places = every_place(SIZE)

    source = model.source(model.fields(places), model.warp({0: 1.0}))

    np.testing.assert_allclose(source.T, places, atol=1e-12)


@pytest.mark.parametrize("edited", [False, True])
def test_distances_over_the_frame_are_those_of_the_places_read(edited: bool) -> None:
    model = WarpModel(SIZE, edited=edited)
    fields = model.fields(frame_places(SIZE))
    one, other = np.random.default_rng(3).normal(0.0, 0.1, (2, fields.shape[2]))

    apart = model.source(fields, one) - model.source(fields, other)

    expected = np.sqrt(np.mean(np.sum(apart * apart, axis=0)))
    assert frame_rms(model.frame_metric(), one - other) == pytest.approx(expected, rel=1e-12)


def test_the_fields_of_edits_are_those_of_a_homography_and_a_moved_axis_to_first_order() -> None:
    model, tiny = WarpModel(SIZE, LENSFUN_POWERS, edited=True), 1e-5
    places = every_place(SIZE)
    q = (places - ((SIZE.width - 1) / 2, (SIZE.height - 1) / 2)) / SIZE.half_diagonal
    homography = np.array([[1 + 3 * tiny, 2 * tiny, 0], [-tiny, 1 - 4 * tiny, 0], [5 * tiny, -6 * tiny, 1]])
    tilted = np.column_stack([q, np.ones(len(q))]) @ homography.T
    axis, bend = np.array([0.7, -0.4]) * tiny, 0.2
    about_axis = q - axis
    moved = about_axis * (1 + bend * np.sum(about_axis**2, axis=1))[:, None] + axis
    expected = tilted[:, :2] / tilted[:, 2:] + moved - q

    fields = model.fields(places).transpose(1, 0, 2).reshape(-1, model.decentring.stop)
    found = np.linalg.lstsq(fields, (SIZE.half_diagonal * expected).ravel(), rcond=None)[0]

    left = fields @ found - (SIZE.half_diagonal * expected).ravel()
    assert np.abs(left).max() < 1e-7  # px, of 1e-3: second order
    np.testing.assert_allclose(found[model.edits][3:], [-5 * tiny, 6 * tiny], rtol=1e-3)
    np.testing.assert_allclose(found[model.decentring], -bend * axis, rtol=5e-3)

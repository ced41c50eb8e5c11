import numpy as np
from numpy.typing import NDArray

from gpu.pair_fit.luma import Luma
from gpu.pair_fit.texture import Texture, correlation, texture_of
from tests.lens_pairs import room


def texture(samples: NDArray[np.generic], step: int = 4) -> Texture:
    return texture_of(Luma(samples.astype(np.float32), step))


def test_light_and_contrast_leave_the_texture_nearly_as_it_is() -> None:
    picture = room().astype(np.float64)
    lit = (0.6 + 0.3 * np.linspace(0, 1, picture.shape[1])) * picture + 20.0

    one, other = texture(picture).values.ravel(), texture(lit).values.ravel()

    assert correlation(one, other) > 0.99


def test_noise_on_a_bare_wall_has_hardly_any_texture() -> None:
    wall = np.random.default_rng(0).normal(180.0, 0.25, (80, 120))  # one level, averaged over 4 x 4 pixels

    assert np.abs(texture(wall).values).mean() < 0.1
    assert len(texture(wall).steep_points().values) == 0


def test_steep_points_read_their_own_texture_at_their_places() -> None:
    found = texture(room())
    points = found.steep_points()

    read, inside = found.read(points.places.T)

    assert inside.all()
    assert len(points.values) > 10_000
    np.testing.assert_allclose(read, points.values, atol=1e-6)


def test_gradients_are_per_pixel_of_the_full_photo() -> None:
    found = texture(room(), step=4)
    points = found.steep_points()

    ahead, _ = found.read(points.places.T + np.array([[4.0], [0.0]]))
    behind, _ = found.read(points.places.T - np.array([[4.0], [0.0]]))

    np.testing.assert_allclose(points.gradient[:, 0], (ahead - behind) / 8.0, atol=1e-6)


def test_places_beyond_the_border_are_outside() -> None:
    found = texture(room(), step=2)
    height, width = found.values.shape

    _, inside = found.read(
        np.array([[-1.0, 10.0, 2.0 * width, 10.0, 10.0], [10.0, -1.0, 10.0, 2.0 * height, 10.0]])
    )

    assert inside.tolist() == [False, False, False, False, True]


def test_nothing_correlates_with_nothing() -> None:
    empty = np.empty(0, np.float32)

    assert correlation(empty, empty) == 0.0

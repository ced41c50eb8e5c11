"""What a camera sees of a room whose geometry is known."""

import numpy as np
import pytest

from deployments.demo.lenses import LENSES, focal_length_px, ideal_pixels, straight_pixels
from deployments.demo.raycaster import Camera, Floats, Scene, aim, look, prepare
from deployments.demo.rooms import Box, Room
from gpu.coordinates import ImageSize

SIZE = ImageSize(481, 321)
FOCAL_PX = 240.0
CAMERA = aim((1.0, 2.0, 1.5), yaw=0.0, pitch=0.0, roll=0.0)


def _plain(level: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((16, 16, 3), level, np.uint8)


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A grey room with one dark box, 1 m wide and high, that faces the camera 2 m ahead, in the middle."""
    box = Box((3.0, 1.5, 1.0), (3.5, 2.5, 2.0), "dark")
    return prepare(Room((6.0, 4.0, 3.0), (box,), ("grey",) * 6, {"grey": _plain(200), "dark": _plain(20)}))


def _slopes(pixels: Floats, focal_px: float) -> Floats:
    centre = np.array([(SIZE.width - 1) / 2, (SIZE.height - 1) / 2], np.float32)
    return np.asarray((pixels - centre) / focal_px, np.float32)


def _dark(
    scene: Scene, camera: Camera, slopes: Floats, focal_px: float = FOCAL_PX
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return look(scene, camera, slopes, focal_px=focal_px)[..., 1] < 90


def test_a_box_appears_at_the_size_of_its_angle(scene: Scene) -> None:
    rows, columns = np.nonzero(_dark(scene, CAMERA, _slopes(straight_pixels(SIZE), FOCAL_PX)))
    # 1 m at 2 m with a focal length of 240 px is 120 px, round the centre (240, 160)
    assert (columns.min(), columns.max()) == pytest.approx((180, 300), abs=1)
    assert (rows.min(), rows.max()) == pytest.approx((100, 220), abs=1)


def test_what_is_left_of_the_camera_appears_left(scene: Scene) -> None:
    to_the_right = aim((1.0, 1.0, 1.5), yaw=0.0, pitch=0.0, roll=0.0)
    columns = np.nonzero(_dark(scene, to_the_right, _slopes(straight_pixels(SIZE), FOCAL_PX)))[1]
    assert columns.mean() < SIZE.width / 2


def test_a_camera_that_looks_up_sees_things_lower(scene: Scene) -> None:
    upward = aim((1.0, 2.0, 1.5), yaw=0.0, pitch=0.1, roll=0.0)
    rows = np.nonzero(_dark(scene, upward, _slopes(straight_pixels(SIZE), FOCAL_PX)))[0]
    assert rows.mean() > SIZE.height / 2 + 15


def test_outlines_are_smooth(scene: Scene) -> None:
    tilted = aim((1.0, 2.0, 1.5), yaw=0.0, pitch=0.0, roll=0.1)
    levels = np.unique(
        look(scene, tilted, _slopes(straight_pixels(SIZE), FOCAL_PX), focal_px=FOCAL_PX).round(1)
    )
    assert len(levels) > 12


def test_a_straight_edge_is_bowed_by_the_lens_and_by_nothing_else(scene: Scene) -> None:
    near = aim((1.9, 2.0, 2.25), yaw=0.0, pitch=0.0, roll=0.0)  # the box fills the lower half of the photo
    lens = LENSES[0]
    focal_px = focal_length_px(lens, 16.0, SIZE)
    bows = []
    for pixels in (straight_pixels(SIZE), ideal_pixels(lens, 16.0, SIZE)):
        dark = _dark(scene, near, _slopes(pixels, focal_px), focal_px)
        columns = np.flatnonzero(dark.any(axis=0))[3:-3]
        edge = SIZE.height - 1 - dark[::-1, columns].argmax(axis=0)
        line = np.polyfit(columns, edge, 1)
        bows.append(float(np.ptp(edge - np.polyval(line, columns))))
    assert bows[0] <= 1.0  # px: the raster's own step
    assert bows[1] > 1.5


@pytest.mark.parametrize(("x", "yaw", "gain"), [(1.0, 0.0, 0.86), (5.5, np.pi, 0.94)])
def test_each_side_of_a_box_has_the_light_of_its_side(
    x: float, yaw: float, gain: float, scene: Scene
) -> None:
    camera = aim((x, 2.0, 1.5), yaw=yaw, pitch=0.0, roll=0.0)
    picture = look(scene, camera, _slopes(straight_pixels(SIZE), FOCAL_PX), focal_px=FOCAL_PX)
    assert picture[160, 240] == pytest.approx(20 * gain, abs=0.01)

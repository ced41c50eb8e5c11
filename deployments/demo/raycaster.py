"""Looks at a room of boxes through any lens: pixels in, colours out, one ray through each pixel.

The lens is only a table of ray slopes, so a photo is drawn in its distorted geometry at once and nothing is
resampled afterwards. Pixels on the outline of a face get four more rays. Reflections are beyond it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deployments.demo import materials
from deployments.demo.rooms import Box, Room

Floats = NDArray[np.float32]
Region = tuple[slice, slice] | NDArray[np.intp]
Window = tuple[float, float, float, float]

_STRIP = 64  # rows looked at together: their tables stay in the processor's cache
_FOLD = 1024
_TINY = np.float32(1e-6)  # stands for a slope of 0, whose inverse would be infinite
_NEAREST = 0.05  # metres in front of the camera where things begin to show
_REDUCTION = 4  # of the second sheet, read where a pixel covers several texels
# Brightness of faces that look along -x, +x, -y, +y, down and up; walls are seen from inside.
_FACE_GAIN = (0.86, 0.94, 0.8, 0.98, 0.6, 1.05)
_SHELL_GAIN = (0.93, 0.87, 0.98, 0.82, 0.95, 0.9)
_SUBPIXELS = ((-0.375, -0.125), (0.125, -0.375), (0.375, 0.125), (-0.125, 0.375))


@dataclass(frozen=True, slots=True)
class Camera:
    """Where a camera stands, in metres, and its right, down and forward axes: the rows of ``turn``."""

    place: tuple[float, float, float]
    turn: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scene:
    """A room's faces in flat tables: faces 0-5 are the shell's, 6 more follow for each box."""

    room: Room
    sheet: NDArray[np.uint8]
    reduced: NDArray[np.uint8]
    scale_u: Floats
    scale_v: Floats
    start_u: Floats
    start_v: Floats
    gain: Floats
    plane: Floats


def aim(place: tuple[float, float, float], *, yaw: float, pitch: float, roll: float) -> Camera:
    """Return a camera at ``place``; yaw 0 looks along x, angles in radians, pitch positive looks up."""
    forward = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    down = np.cross(forward, right)
    tilted = np.cos(roll) * right + np.sin(roll) * down
    return Camera(place, np.stack((tilted, np.cross(forward, tilted), forward)))


def prepare(room: Room) -> Scene:
    """Pack a room's textures and place them on its faces."""
    names = sorted(room.textures)
    sheet, patches = materials.pack([room.textures[name] for name in names])
    patch_of = dict(zip(names, patches, strict=True))
    shell = Box((0.0, 0.0, 0.0), room.size, "shell", fitted=True)
    rows = []
    for side in range(6):
        rows.append(_face(shell, side, patch_of[room.shell[side]], _SHELL_GAIN[side]))
    for box in room.boxes:
        for side in range(6):
            rows.append(_face(box, side, patch_of[box.texture], 1.1 if box.glows else _FACE_GAIN[side]))
    columns = np.asarray(rows, np.float32).T
    reduced = cv2.resize(sheet, None, fx=1 / _REDUCTION, fy=1 / _REDUCTION, interpolation=cv2.INTER_AREA)
    return Scene(
        room, sheet, np.asarray(reduced, np.uint8), *(np.ascontiguousarray(column) for column in columns)
    )


def _face(box: Box, side: int, patch: materials.Patch, gain: float) -> tuple[float, ...]:
    """Return scale and start on the sheet along u and v, the gain, and where the face's plane lies."""
    axis = side // 2
    along = 1 if axis == 0 else 0
    up = 1 if axis == 2 else 2
    width, height = box.high[along] - box.low[along], box.high[up] - box.low[up]
    scale_u, scale_v = patch.width / width, patch.height / height
    if not box.fitted:
        scale_u, scale_v = min(scale_u, materials.TEXELS_PER_M), min(scale_v, materials.TEXELS_PER_M)
    start_u = patch.x - box.low[along] * scale_u
    start_v = patch.y + box.high[up] * scale_v
    return scale_u, -scale_v, start_u, start_v, gain, (box.high if side % 2 else box.low)[axis]


def look(scene: Scene, camera: Camera, slopes: Floats, *, focal_px: float) -> Floats:
    """Return the colours ``(H, W, 3)`` float32 (0..255) that a camera sees.

    Args:
        scene: The room.
        camera: Where it stands.
        slopes: ``(H, W, 2)`` float32, for each pixel the tangents (right, down) of its ray.
        focal_px: Focal length in pixels; tells how many texels a pixel covers.
    """
    view = _View(scene, camera, focal_px)
    faces = np.empty(slopes.shape[:2], np.uint16)
    picture = np.empty((*slopes.shape[:2], 3), np.float32)
    for top in range(0, slopes.shape[0], _STRIP):
        strip = slice(top, top + _STRIP)
        faces[strip], picture[strip] = view.colours(slopes[strip])
    rows, columns = np.nonzero(_outlines(faces))
    # So near to the pixel's centre the lens only shifts the rays.
    offsets = np.asarray(_SUBPIXELS, np.float32) / np.float32(focal_px)
    beside = slopes[rows, columns] + offsets[:, None]
    colours = view.colours(beside.reshape(-1, 1, 2))[1].reshape(len(offsets), -1, 3)
    picture[rows, columns] = (picture[rows, columns] + colours.sum(axis=0)) / (1 + len(offsets))
    return picture


def _outlines(faces: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Tell which pixels differ from a neighbour to the right or below, or are that neighbour."""
    edge = np.zeros(faces.shape, bool)
    across, along = faces[:, 1:] != faces[:, :-1], faces[1:] != faces[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= along
    edge[:-1] |= along
    return edge


class _View:
    """A scene from one camera: what does not change from ray to ray, worked out once."""

    def __init__(self, scene: Scene, camera: Camera, focal_px: float) -> None:
        self._scene = scene
        self._place = np.asarray(camera.place, np.float32)
        self._turn = camera.turn.astype(np.float32)
        self._windows = [_window_of(box, camera) for box in scene.room.boxes]
        axes = (np.arange(len(scene.plane)) % 6) // 2
        distance = np.abs(scene.plane - self._place[axes]) + np.float32(1e-3)
        self._texels = (materials.TEXELS_PER_M / focal_px / distance).astype(np.float32)

    def colours(self, slopes: Floats) -> tuple[NDArray[np.uint16], Floats]:
        """Return the face that each ray meets first and its colour there."""
        u, v = np.ascontiguousarray(slopes[..., 0]), np.ascontiguousarray(slopes[..., 1])
        rays = [self._turn[0, axis] * u + self._turn[1, axis] * v + self._turn[2, axis] for axis in range(3)]
        faces, depth = self._cast(u, v, rays)
        blend = np.clip(
            (self._texels[faces] * depth * depth * (1 + u * u + v * v) - 1) / (_REDUCTION - 1), 0, 1
        )
        return faces, self._read(faces, [ray * depth for ray in rays], blend)

    def _cast(self, u: Floats, v: Floats, rays: list[Floats]) -> tuple[NDArray[np.uint16], Floats]:
        """Return the nearest faces and their distances, in units of the rays' forward part."""
        inverse = [np.reciprocal(np.where(ray == 0, _TINY, ray)) for ray in rays]
        faces = np.zeros(u.shape, np.uint16)
        depth = np.full(u.shape, np.inf, np.float32)
        for axis in range(3):
            half = np.float32(self._scene.room.size[axis] / 2)
            ahead = inverse[axis] * (half - self._place[axis]) + half * np.abs(inverse[axis])
            nearer = ahead < depth
            np.copyto(depth, ahead, where=nearer)
            np.copyto(faces, (2 * axis + (rays[axis] > 0)).astype(np.uint16), where=nearer)
        limits = _limits(u, v)
        is_list = u.shape[1] == 1
        for number, window in enumerate(self._windows):
            region = None if window is None else _region(limits, window, is_list=is_list)
            if region is not None:
                self._cast_box(number, [part[region] for part in inverse], faces, depth, region)
        return faces, depth

    def _cast_box(
        self, number: int, inverse: list[Floats], faces: NDArray[np.uint16], depth: Floats, region: Region
    ) -> None:
        """Enter one box into ``faces`` and ``depth`` where it is the nearest thing."""
        box = self._scene.room.boxes[number]
        entry: Floats | None = None
        leave = np.full_like(inverse[0], np.inf)
        entered: NDArray[np.uint16] = np.zeros(leave.shape, np.uint16)
        for axis in range(3):
            low, high = box.low[axis] - self._place[axis], box.high[axis] - self._place[axis]
            if low <= 0 <= high:  # between these two faces: every ray is inside the slab from the start
                np.minimum(leave, np.maximum(inverse[axis] * low, inverse[axis] * high), out=leave)
                continue
            near, far = (low, high) if low > 0 else (high, low)
            side = np.uint16(6 + 6 * number + 2 * axis + (low < 0))
            reached = inverse[axis] * near
            np.minimum(leave, inverse[axis] * far, out=leave)
            entered = np.where(reached > entry, side, entered) if entry is not None else entered + side
            entry = np.maximum(entry, reached, out=entry) if entry is not None else reached
        if entry is None:
            return
        nearest = depth[region]
        seen = (entry <= leave) & (entry > _NEAREST) & (entry < nearest)
        depth[region] = np.where(seen, entry, nearest)
        faces[region] = np.where(seen, entered, faces[region])

    def _read(self, faces: NDArray[np.uint16], offsets: list[Floats], blend: Floats) -> Floats:
        """Read colours from the sheet, the more from the reduced one the more texels a pixel covers."""
        scene, side = self._scene, faces % 6
        x, y, z = (offset + place for offset, place in zip(offsets, self._place, strict=True))
        u = np.where(side < 2, y, x) * scene.scale_u[faces] + scene.start_u[faces]
        v = np.where(side >= 4, y, z) * scene.scale_v[faces] + scene.start_v[faces]
        colours = _texels(scene.sheet, u, v).astype(np.float32)
        shift = np.float32(0.5 / _REDUCTION - 0.5)
        colours += (_texels(scene.reduced, u / _REDUCTION + shift, v / _REDUCTION + shift) - colours) * blend[
            ..., None
        ]
        colours *= scene.gain[faces][..., None]
        return colours


def _window_of(box: Box, camera: Camera) -> Window | None:
    """Return the range of slopes (left, right, top, bottom) that shows a box, None where it is behind."""
    corners = np.array(np.meshgrid(*zip(box.low, box.high, strict=True))).reshape(3, 8).T - camera.place
    right, down, forward = (corners @ camera.turn.T).T
    if forward.max() < _NEAREST:
        return None
    if forward.min() < _NEAREST:
        return -np.inf, np.inf, -np.inf, np.inf
    across, along = right / forward, down / forward
    return float(across.min()), float(across.max()), float(along.min()), float(along.max())


def _limits(u: Floats, v: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the smallest and largest u of each column and v of each row; for a list, its rays themselves."""
    if u.shape[1] == 1:
        return u[:, 0], u[:, 0], v[:, 0], v[:, 0]
    return u.min(axis=0), u.max(axis=0), v.min(axis=1), v.max(axis=1)


def _region(limits: tuple[Floats, Floats, Floats, Floats], window: Window, *, is_list: bool) -> Region | None:
    """Return the pixels that may show a window: a rectangle of an image, or places in a list of rays."""
    columns = (limits[1] >= window[0]) & (limits[0] <= window[1])
    rows = (limits[3] >= window[2]) & (limits[2] <= window[3])
    if is_list:
        found = np.flatnonzero(columns & rows)
        return found if found.size else None
    across, along = np.flatnonzero(columns), np.flatnonzero(rows)
    if not across.size or not along.size:
        return None
    return slice(along[0], along[-1] + 1), slice(across[0], across[-1] + 1)


def _texels(sheet: NDArray[np.uint8], u: Floats, v: Floats) -> NDArray[np.uint8]:
    """Read between texel centres; lists of rays are folded, because OpenCV takes 32766 rows at most."""
    if u.shape[1] > 1:
        return np.asarray(cv2.remap(sheet, u, v, cv2.INTER_LINEAR), np.uint8)
    folded = (-(-u.size // _FOLD), _FOLD)
    colours = cv2.remap(sheet, np.resize(u, folded), np.resize(v, folded), cv2.INTER_LINEAR)
    return np.asarray(colours.reshape(-1, 1, 3)[: u.size], np.uint8)

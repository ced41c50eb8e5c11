"""Draws the demo's photos: listings of rendered rooms, each taken with one real wide-angle lens.

What a photo shows, its size, its lens and its name follow from the seed alone, so the same seed gives the
same bytes. A finished folder is taken as it is when the record beside it tells the same request and its
digests still fit. This module only draws; it corrects nothing.
"""

import hashlib
import json
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from deployments.demo import lenses, raycaster, rooms
from deployments.demo.lenses import LENSES, DemoLens
from gpu.coordinates import ImageSize

# Raised whenever the pictures change, so that an older folder is drawn anew.
DRAWING_VERSION = 1
_LONG_SIDE = 2048
_JPEG_QUALITY = 95
# Sizes of real-estate sets, common ones more often: each listing walks on through this round.
_SIZES = (
    *((2048, 1367), (2048, 1366), (2048, 1365), (2048, 1367), (2048, 1369), (2048, 1366), (2048, 1360)),
    *((2048, 1367), (2048, 1363), (1367, 2048), (2048, 1365), (2048, 1364), (2048, 1356)),
)
_STREETS = (
    "maple",
    "harbour",
    "linden",
    "orchard",
    "station",
    "chapel",
    "meadow",
    "quarry",
    "willow",
    "castle",
)


@dataclass(frozen=True, slots=True)
class DemoPhoto:
    """One drawn photo and the truth about it.

    ``focal_mm`` is the lens' own; ``target`` is the same view without distortion, where it was asked for.
    """

    photo_id: str
    path: Path
    size: ImageSize
    lens: DemoLens
    focal_mm: float
    target: Path | None

    @property
    def listing(self) -> str:
        """Name of the property, shared by all its photos."""
        return self.photo_id.rpartition("_g")[0]


@dataclass(frozen=True, slots=True)
class _Shot:
    """One photo of a listing before it is drawn: which room, from where, how large."""

    photo_id: str
    size: ImageSize
    focal_mm: float
    room: int
    camera: raycaster.Camera


@dataclass(frozen=True, slots=True)
class _Listing:
    """Everything that is decided about one property before anything is drawn."""

    lens: DemoLens
    shots: tuple[_Shot, ...]
    room_sizes: tuple[tuple[float, float, float], ...]
    entropy: tuple[int, int]


def draw_photos(
    folder: Path,
    *,
    count: int = 48,
    seed: int = 7,
    processes: int | None = None,
    with_targets: bool = False,
    long_side: int = _LONG_SIDE,
) -> tuple[DemoPhoto, ...]:
    """Fill a folder with photos named ``{property}_g{n}.jpg``; take it as it is where it is complete.

    Beside the folder ``{folder}.json`` records what was drawn, and ``{folder}-targets`` holds the targets;
    those of ``test-originals`` are in ``test-targets``.

    Args:
        folder: Made when it is missing; files of other names in it are left alone.
        count: Number of photos, spread over listings of 2 to 7.
        seed: Decides everything.
        processes: Processes that draw; by default one for each usable CPU.
        with_targets: Draw each view without distortion too, as the perfect correction.
        long_side: Length of the long side in pixels; sizes scale with it.

    Raises:
        ValueError: ``count`` is below 2 or ``long_side`` below 64.
        OSError: A file cannot be written.
    """
    if count < 2 or long_side < 64:
        raise ValueError(f"2 photos of 64 pixels or more are needed, got {count} of {long_side}")
    listings = _plan(count, seed, long_side)
    name = folder.name.removesuffix("-originals")
    targets = folder.with_name(f"{name}-targets") if with_targets else None
    photos = tuple(_photo(listing, shot, folder, targets) for listing in listings for shot in listing.shots)
    request = {"version": DRAWING_VERSION, "seed": seed, "count": count, "long_side": long_side}
    record = folder.with_name(folder.name + ".json")
    if _is_complete(record, request, photos):
        return photos
    for path in filter(None, (folder, targets)):
        path.mkdir(parents=True, exist_ok=True)
    _draw_all(listings, folder, targets, processes)
    digests = {str(path.relative_to(folder.parent)): _digest(path) for path in _files(photos)}
    _write(record, json.dumps({"request": request, "sha256": digests}, indent=1).encode())
    return photos


def draw_target_set(folder: Path, count: int, *, seed: int = 7, long_side: int = _LONG_SIDE) -> Path:
    """Fill a folder with ``test-originals/`` and ``test-targets/``, as a data root and our portal have them.

    Returns:
        The folder, for ``-p photos=`` and ``CALIBGUARD_PORTAL_TARGETS`` alike.
    """
    originals = folder / "test-originals"
    draw_photos(originals, count=count, seed=seed, with_targets=True, long_side=long_side)
    return folder


def _photo(listing: _Listing, shot: _Shot, folder: Path, targets: Path | None) -> DemoPhoto:
    name = f"{shot.photo_id}.jpg"
    target = targets / name if targets else None
    return DemoPhoto(shot.photo_id, folder / name, shot.size, listing.lens, shot.focal_mm, target)


def _files(photos: Sequence[DemoPhoto]) -> list[Path]:
    return [path for photo in photos for path in (photo.path, photo.target) if path is not None]


def _is_complete(record: Path, request: dict[str, int], photos: Sequence[DemoPhoto]) -> bool:
    """Tell whether every file is there with the bytes that an earlier run with the same request recorded."""
    try:
        recorded: dict[str, Any] = json.loads(record.read_bytes())
        return recorded["request"] == request and all(
            recorded["sha256"].get(str(path.relative_to(record.parent))) == _digest(path)
            for path in _files(photos)
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False  # whatever is wrong with it, drawing anew puts it right


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _plan(count: int, seed: int, long_side: int) -> tuple[_Listing, ...]:
    """Decide on listings, rooms, views and sizes for exactly ``count`` photos."""
    listings: list[_Listing] = []
    first = 0
    while first < count:
        number = len(listings)
        rng = np.random.default_rng([seed, number])
        left = count - first
        views = int(rng.integers(2, 8))
        # A listing of one photo would share its lens with none.
        views = left if left - views < 2 else views
        listings.append(_plan_listing(rng, seed, number, min(views, 7) if left != 8 else 4, first, long_side))
        first += len(listings[-1].shots)
    return tuple(listings)


def _plan_listing(
    rng: np.random.Generator, seed: int, number: int, views: int, first: int, long_side: int
) -> _Listing:
    lens = LENSES[(seed + number) % len(LENSES)]
    sizes = tuple(
        (rng.uniform(3.8, 6.4), rng.uniform(3.4, 5.2), rng.uniform(2.45, 2.9))
        for _ in range((views + 2) // 3)
    )
    name = f"{_STREETS[number % len(_STREETS)]}{int(rng.integers(1, 9)) * 100 + number}"
    shots = []
    for view in range(views):
        width, height = _SIZES[(first + view) % len(_SIZES)]
        size = ImageSize(round(width * long_side / _LONG_SIDE), round(height * long_side / _LONG_SIDE))
        focal = float(rng.uniform(lens.shortest_mm, lens.longest_mm))
        room = view % len(sizes)
        camera = _camera(rng, sizes[room], corner=view // len(sizes))
        shots.append(_Shot(f"{name}_g{view}", size, focal, room, camera))
    return _Listing(lens, tuple(shots), sizes, (seed, number))


def _camera(rng: np.random.Generator, room: tuple[float, float, float], *, corner: int) -> raycaster.Camera:
    """Stand in a corner at chest height and look across the room, nearly level, as estate agents do."""
    right, back = ((0, 0), (1, 1), (1, 0), (0, 1))[corner % 4]
    inset = rng.uniform(0.35, 0.75, 2)
    x = room[0] - inset[0] if right else inset[0]
    y = room[1] - inset[1] if back else inset[1]
    middle = np.arctan2(room[1] / 2 - y, room[0] / 2 - x)
    return raycaster.aim(
        (float(x), float(y), float(rng.uniform(1.2, 1.5))),
        yaw=float(middle + rng.normal(0.0, 0.2)),
        pitch=float(rng.normal(-0.02, 0.015)),
        roll=float(rng.normal(0.0, 0.004)),
    )


def _draw_all(
    listings: Sequence[_Listing], folder: Path, targets: Path | None, processes: int | None
) -> None:
    draw = partial(_draw_listing, folder=folder, targets=targets)
    workers = min(processes or len(os.sched_getaffinity(0)), len(listings))
    if workers == 1:
        list(map(draw, listings))
        return
    context = multiprocessing.get_context("spawn")  # forking a program with threads may hang it
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        list(pool.map(draw, listings))


def _draw_listing(listing: _Listing, *, folder: Path, targets: Path | None) -> None:
    """Draw every photo of one listing, room by room."""
    cv2.setNumThreads(1)
    for number in range(len(listing.room_sizes)):
        scene = _scene(listing, number)
        for shot in (shot for shot in listing.shots if shot.room == number):
            name = f"{shot.photo_id}.jpg"
            bowed = lenses.ideal_pixels(listing.lens, shot.focal_mm, shot.size)
            _write(folder / name, _encode(listing, shot, scene, bowed))
            if targets:
                _write(targets / name, _encode(listing, shot, scene, lenses.straight_pixels(shot.size)))


def _scene(listing: _Listing, number: int) -> raycaster.Scene:
    clear = [shot.camera.place[:2] for shot in listing.shots if shot.room == number]
    rng = np.random.default_rng([*listing.entropy, 100 + number])
    return raycaster.prepare(rooms.draw_room(rng, clear=clear, size=listing.room_sizes[number]))


def _encode(listing: _Listing, shot: _Shot, scene: raycaster.Scene, pixels: NDArray[np.float32]) -> bytes:
    """Look through the lens, add the sensor's share, and compress."""
    size = shot.size
    focal_px = lenses.focal_length_px(listing.lens, shot.focal_mm, size)
    centre = np.array([(size.width - 1) / 2, (size.height - 1) / 2], np.float32)
    slopes = (pixels - centre) / np.float32(focal_px)
    picture = raycaster.look(scene, shot.camera, slopes, focal_px=focal_px)
    rng = np.random.default_rng([*listing.entropy, int(shot.photo_id.rpartition("_g")[2])])
    levels = np.empty(picture.shape, np.uint8)
    falloff = _falloff(size)
    for top in range(0, size.height, 64):  # strips stay in the processor's cache
        strip = slice(top, top + 64)
        noise = rng.standard_normal(falloff[strip].shape, dtype=np.float32)
        exposed = picture[strip] * falloff[strip, :, None] + (1.2 * noise + 0.5)[..., None]
        levels[strip] = np.clip(exposed, 0, 255, out=exposed).astype(np.uint8)
    return bytes(
        simplejpeg.encode_jpeg(
            levels, quality=_JPEG_QUALITY, colorspace="RGB", colorsubsampling="420", fastdct=False
        )
    )


@cache
def _falloff(size: ImageSize) -> NDArray[np.float32]:
    """Return the brightness that a wide lens leaves towards the corners, 14 % less there."""
    v, u = np.ogrid[-1 : 1 : size.height * 1j, -1 : 1 : size.width * 1j]
    return np.asarray(1.02 - 0.07 * (u * u + v * v), np.float32)


def _write(path: Path, content: bytes) -> None:
    """Put a file in place whole, so that a killed run leaves no half of one."""
    partial_path = path.with_name(path.name + ".part")
    partial_path.write_bytes(content)
    partial_path.replace(path)

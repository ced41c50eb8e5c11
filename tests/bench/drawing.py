"""Draws the benchmark's photos fast: crops of a few ray-cast rooms, each at an offset of its own.

Eight rooms are drawn 2200 px wide through real lens curves; every photo is a crop of 2048x1367 of one of
them, encoded anew at quality 95 as 4:2:0, so no two files are equal and all have a real photo's detail.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from deployments.demo.photos import draw_photos

WIDTH, HEIGHT = 2048, 1367
LARGE_WIDTH, LARGE_HEIGHT = 12_000, 8_000
_ROOMS = 8
_ROOM_WIDTH = 2200


def fill(folder: Path, *, count: int) -> list[Path]:
    """Return ``count`` photos in listings of four; those that are there already are not drawn again."""
    photos = folder / f"photos-{count}"
    photos.mkdir(parents=True, exist_ok=True)
    paths = [photos / f"home{number // 4:04d}_g{number % 4}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        if not path.exists():
            path.write_bytes(_encoded(_crop(folder, number)))
    return paths


def large_photo(folder: Path) -> Path:
    """Return one room blown up to 96 megapixels."""
    path = folder / "large.jpg"
    if not path.exists():
        pixels = cv2.resize(_rooms(folder)[0], (LARGE_WIDTH, LARGE_HEIGHT), interpolation=cv2.INTER_CUBIC)
        path.write_bytes(_encoded(np.asarray(pixels, np.uint8)))
    return path


def _crop(folder: Path, number: int) -> NDArray[np.uint8]:
    room = _rooms(folder)[number % _ROOMS]
    step = number // _ROOMS
    left, top = 7 * step % (room.shape[1] - WIDTH), 5 * step % (room.shape[0] - HEIGHT)
    return room[top : top + HEIGHT, left : left + WIDTH]


@cache
def _rooms(folder: Path) -> list[NDArray[np.uint8]]:
    drawn = draw_photos(folder / "rooms", count=_ROOMS, long_side=_ROOM_WIDTH)
    return [simplejpeg.decode_jpeg(photo.path.read_bytes(), "BGR") for photo in drawn]


def _encoded(pixels: NDArray[np.uint8]) -> bytes:
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), 95, "BGR", colorsubsampling="420"))

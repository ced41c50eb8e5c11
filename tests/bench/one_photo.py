"""Times one way of correcting photos in a process of its own: CPU milliseconds per photo on one core.

Run as ``python -m tests.bench.one_photo WAY PHOTO...``. Files are read before the clock starts. The first
photo is not counted, so imports, the lens database and a kept map are start-up and not cost per photo.
"""

import gc
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import lensfunpy
import numpy as np
import numpy.typing as npt
import simplejpeg

from gpu.coordinates import ImageSize
from gpu.jpeg.codec import decode, encode
from gpu.jpeg.header import read_header
from gpu.legacy import legacy_radial_map
from gpu.remap import opencv
from gpu.remap.backend import Interpolation
from gpu.render import RenderJob, limit_process, render_photo

Pixels = npt.NDArray[np.integer[Any] | np.floating[Any]]

QUALITY = 95
K1, K2 = -0.14, 0.29  # the shipped row of 2048x1367, profile safe
_MEMORY_MB = 3072
_LENS = ("Canon", "Canon RF 16mm F2.8 STM")


def planes_floor(photo: bytes) -> bytes:
    """Strict decode to stored planes and encode, nothing between."""
    return encode(decode(photo, read_header(photo)), quality=QUALITY)


def rgb_floor(photo: bytes) -> bytes:
    """The decoder's and encoder's own RGB path, warnings ignored."""
    pixels = simplejpeg.decode_jpeg(photo, "RGB", strict=False)
    return bytes(simplejpeg.encode_jpeg(pixels, QUALITY, "RGB", colorsubsampling="420"))


def ours(photo: bytes, *, interpolation: Interpolation) -> bytes:
    """All of ``render_photo``: strict decode, remap, metadata, check of the output, digests."""
    header = read_header(photo)
    mapping = legacy_radial_map(K1, K2, 0.0, ImageSize(header.width, header.height))
    return render_photo(
        RenderJob(
            photo=photo,
            mapping=mapping,
            interpolation=interpolation,
            border="reflect",
            quality=QUALITY,
            backend="opencv",
        )
    ).jpeg


def ours_with_new_map(photo: bytes, *, interpolation: Interpolation) -> bytes:
    """The same where the photo before had another lens or size."""
    opencv._whole_map.cache_clear()
    return ours(photo, interpolation=interpolation)


def opencv_undistort(photo: bytes) -> bytes:
    """``cv2.undistort``, linear, the way most tutorials show it."""
    pixels = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    height, width = pixels.shape[:2]
    camera = np.array([[width, 0.0, width / 2], [0.0, width, height / 2], [0.0, 0.0, 1.0]])
    coefficients = np.array([K1, K2, 0.0, 0.0, 0.0])
    new, _ = cv2.getOptimalNewCameraMatrix(camera, coefficients, (width, height), 0)
    return _opencv_jpeg(cv2.undistort(pixels, camera, coefficients, None, new))


def lensfun(photo: bytes, *, interpolation: int) -> bytes:
    """lensfunpy's map, made for each photo as its users do, and ``cv2.remap``."""
    pixels = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    height, width = pixels.shape[:2]
    modifier = lensfunpy.Modifier(_lensfun_lens(), 1.0, width, height)
    modifier.initialize(16.0, 8.0, 1000.0, 1.0, flags=lensfunpy.ModifyFlags.DISTORTION)
    places = modifier.apply_geometry_distortion()
    # OpenCV's types know no map of two channels; an empty second map in place of None never ends
    corrected = cv2.remap(  # type: ignore[call-overload]
        pixels, places, None, interpolation, borderMode=cv2.BORDER_REFLECT
    )
    return _opencv_jpeg(corrected)


def _opencv_jpeg(pixels: Pixels) -> bytes:
    _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return jpeg.tobytes()


@cache
def _lensfun_lens() -> lensfunpy.Lens:
    maker, model = _LENS
    return next(lens for lens in lensfunpy.Database().lenses if (lens.maker, lens.model) == (maker, model))


WAYS: dict[str, Callable[[bytes], bytes]] = {
    "floor, planes": planes_floor,
    "floor, RGB": rgb_floor,
    "ours, linear": partial(ours, interpolation="linear"),
    "ours, cubic": partial(ours, interpolation="cubic"),
    "ours, lanczos4": partial(ours, interpolation="lanczos4"),
    "ours, linear, new map": partial(ours_with_new_map, interpolation="linear"),
    "ours, cubic, new map": partial(ours_with_new_map, interpolation="cubic"),
    "cv2.undistort, linear": opencv_undistort,
    "lensfunpy + cv2.remap, linear": partial(lensfun, interpolation=cv2.INTER_LINEAR),
    "lensfunpy + cv2.remap, cubic": partial(lensfun, interpolation=cv2.INTER_CUBIC),
    "lensfunpy + cv2.remap, lanczos4": partial(lensfun, interpolation=cv2.INTER_LANCZOS4),
}


def milliseconds(way: Callable[[bytes], bytes], photos: list[bytes]) -> float:
    """Median CPU time per photo; the first photo warms up."""
    spent = []
    way(photos[0])
    for photo in photos[1:]:
        started = time.process_time()
        way(photo)
        spent.append(1000 * (time.process_time() - started))
    return statistics.median(spent)


def main(name: str, paths: list[str]) -> None:
    """Print the time of one way."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    limit_process(_MEMORY_MB)  # as render processes are; the peers gain by it too
    gc.disable()
    print(milliseconds(WAYS[name], [Path(path).read_bytes() for path in paths]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

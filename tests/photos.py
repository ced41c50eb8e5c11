"""Small photos with straight lines and noise, drawn for tests; deterministic by their arguments."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray


def picture(width: int = 320, height: int = 214, *, seed: int = 0) -> NDArray[np.uint8]:
    """A (H, W, 3) picture of rectangles on grey with mild noise."""
    rng = np.random.default_rng([seed, width, height])
    pixels = np.full((height, width, 3), 190, np.uint8)
    for _ in range(24):
        (x0, x1), (y0, y1) = rng.integers(0, width, 2), rng.integers(0, height, 2)
        colour = [int(level) for level in rng.integers(0, 256, 3)]
        cv2.rectangle(pixels, (int(x0), int(y0)), (int(x1), int(y1)), colour, int(rng.integers(1, 5)))
    return cv2.add(pixels, rng.integers(0, 6, pixels.shape, dtype=np.uint8)).astype(np.uint8)


def jpeg(width: int = 320, height: int = 214, *, seed: int = 0, subsampling: str = "420") -> bytes:
    """The picture as a JPEG of quality 92."""
    pixels = picture(width, height, seed=seed)
    return bytes(simplejpeg.encode_jpeg(pixels, 92, "BGR", colorsubsampling=subsampling))


def fill_folder(folder: Path, ids: Iterable[str], *, width: int = 320, height: int = 214) -> Path:
    """Write one photo for each id; photos of one id are equal wherever they are written."""
    folder.mkdir(parents=True, exist_ok=True)
    for photo_id in ids:
        seed = int.from_bytes(photo_id.encode()[-6:])
        (folder / f"{photo_id}.jpg").write_bytes(jpeg(width, height, seed=seed))
    return folder


def listing_ids(count: int) -> list[str]:
    """Ids of photos in listings of four."""
    return [f"home{index // 4:03d}_g{index % 4}" for index in range(count)]

"""Measures the peak memory of correcting one large photo, in a process of its own.

Run as ``python -m tests.bench.memory WAY PHOTO``. The peak is ``VmHWM``, which counts from this program's own
start; ``ru_maxrss`` would include what the caller held.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from gpu.render import limit_process
from tests.bench.one_photo import K1, K2, QUALITY, WAYS
from tests.bench.processes import peak_memory


def whole_map(photo: bytes) -> bytes:
    """Decode to BGR, fill the whole map, remap, encode: what a script does without thinking of memory."""
    pixels = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    height, width = pixels.shape[:2]
    camera = np.array([[width, 0.0, width / 2], [0.0, width, height / 2], [0.0, 0.0, 1.0]])
    coefficients = np.array([K1, K2, 0.0, 0.0, 0.0])
    new, _ = cv2.getOptimalNewCameraMatrix(camera, coefficients, (width, height), 0)
    maps = cv2.initUndistortRectifyMap(camera, coefficients, None, new, (width, height), cv2.CV_32FC1)
    corrected = cv2.remap(pixels, *maps, cv2.INTER_LINEAR)
    _, jpeg = cv2.imencode(".jpg", corrected, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return jpeg.tobytes()


MEMORY_WAYS: dict[str, Callable[[bytes], bytes]] = {
    "ours": WAYS["ours, linear"],
    "whole map, RGB": whole_map,
}


if __name__ == "__main__":
    limit_process(8192)
    MEMORY_WAYS[sys.argv[1]](Path(sys.argv[2]).read_bytes())
    print(peak_memory() / 1e9)

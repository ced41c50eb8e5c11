"""Stand-ins for ``gpu.render.render_photo`` that do what hostile photos have done to decoders."""

import ctypes
import os
import time

import numpy as np

from gpu.render import EncodedPhoto, RenderJob, render_photo

FAULTS = (b"segfault", b"exit", b"hang", b"memory", b"error")


def render_or_fail(job: RenderJob) -> EncodedPhoto:
    """Act on a photo whose bytes end in the name of a fault; render any other."""
    if job.photo.endswith(b"segfault"):
        ctypes.string_at(0)
    if job.photo.endswith(b"exit"):
        os._exit(0)
    if job.photo.endswith(b"hang"):
        while True:
            time.sleep(0.05)
    if job.photo.endswith(b"error"):
        raise RuntimeError("the decoder gave up")
    if job.photo.endswith(b"memory"):
        np.ones(2**34, np.uint8)  # 16 GiB, above every limit a test sets
    return render_photo(job)

"""Draws photos small, for sheets and reports: fitted into a box, decoded no larger than that needs.

Works on JPEG bytes that were decoded strictly before; it judges nothing. Pixels stay as stored: what an
orientation tag says is left to whoever shows the photo, and a preview has no tag.
"""

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

_QUALITY = 82


def preview_jpeg(jpeg: bytes, long_side: int) -> bytes:
    """Shrink a photo to ``long_side`` pixels, 1 or more; one that is smaller keeps its size.

    The size follows from the photo's own alone, so photos of one size have previews of one size.
    """
    height, width = simplejpeg.decode_jpeg_header(jpeg)[:2]
    side = min(long_side, max(height, width))
    small = fitted_photo(jpeg, width=side, height=side)
    return bytes(simplejpeg.encode_jpeg(small, quality=_QUALITY, colorspace="BGR"))


def fitted_photo(jpeg: bytes, *, width: int, height: int) -> NDArray[np.uint8]:
    """Decode a photo as the largest ``(H, W, 3)`` BGR picture of its shape that fits into a box of pixels."""
    stored_height, stored_width = simplejpeg.decode_jpeg_header(jpeg)[:2]
    scale = min(width / stored_width, height / stored_height)
    size = max(1, round(stored_width * scale)), max(1, round(stored_height * scale))
    photo = simplejpeg.decode_jpeg(jpeg, "BGR", min_width=size[0], min_height=size[1], min_factor=1)
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)

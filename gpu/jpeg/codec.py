"""JPEG bytes to planes of samples and back, at the resolution at which the file stores them.

Luma and chroma come apart, so that a renderer resamples each of them once. Pixels stay as stored: no
orientation is applied, no colour profile converted, and an RGB-coded photo leaves as 4:4:4 YCbCr. Refuses any
damage that a decoder can notice, in every component and scan: libjpeg's warnings, which decoders ignore by
default, are verdicts here. Metadata is the work of ``metadata``, limits are those of ``header``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL.JpegImagePlugin import JpegImageFile

from gpu.jpeg.header import DEFAULT_LIMITS, JpegHeader, PhotoLimits, read_header
from gpu.jpeg.rejection import PhotoRejected, damaged
from gpu.jpeg.segments import APP0, APP15, COM, leading_segments

Plane = npt.NDArray[np.uint8]
Reduction = Literal[1, 2, 4, 8]

_ENCODABLE = ((1, 1), (2, 1), (2, 2), (1, 2), (4, 1))
_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_ADOBE_RGB = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """The samples of one photo, full range as JFIF defines them."""

    luma: Plane
    """``(H, W)``."""
    chroma: tuple[Plane, Plane] | None
    """Cb and Cr, each ``(ceil(H / step_v), ceil(W / step_h))`` by ``chroma_step``; None for a grey photo."""
    subsampling: tuple[int, int]
    """Luma samples per chroma sample, horizontally and vertically, in the encoded file."""
    chroma_step: tuple[int, int]
    """The same ratio for ``chroma`` as held here: (2, 2) for 4:2:0, else (1, 1).

    The centre of chroma sample ``i`` lies at luma coordinate ``step * i + (step - 1) / 2``.
    """


def decode(data: bytes, header: JpegHeader) -> Planes:
    """Decode a photo strictly.

    4:2:0 and 4:4:4 chroma are the stored samples exactly; other layouts are interpolated to full size by
    libjpeg. Peak memory in bytes per pixel besides the file, measured at 24 megapixels: 3 for 4:2:0, 9 for
    other layouts, 12 for RGB-coded photos, 1 for grey; a progressive photo adds 2 to 4.

    Args:
        data: The file.
        header: What ``read_header`` found in the same bytes.

    Raises:
        PhotoRejected: ``damaged``, with the decoder's own words.
    """
    stream = _without_metadata(data, header)
    if header.colour == "rgb":
        return _planes_of_rgb(_decode_strictly(stream, "RGB"))
    luma = _decode_strictly(stream, "GRAY")[..., 0]
    if header.colour == "grey":
        return Planes(luma, None, subsampling=(1, 1), chroma_step=(1, 1))
    step = (2, 2) if header.subsampling == (2, 2) else (1, 1)
    # what the encoder cannot write, such as 4:1:0, gets finer chroma instead of coarser
    subsampling = header.subsampling if header.subsampling in _ENCODABLE else (1, 1)
    chroma = _decode_chroma(stream, (header.width // step[0], header.height // step[1]))
    return Planes(luma, chroma, subsampling=subsampling, chroma_step=step)


def decode_bgr(data: bytes, header: JpegHeader) -> Plane:
    """Decode a photo strictly to ``(H, W, 3)`` blue, green and red, as viewers show it but never turned.

    Chroma is interpolated to full size by libjpeg; a grey photo has three equal channels.

    Args:
        data: The file.
        header: What ``read_header`` found in the same bytes.

    Raises:
        PhotoRejected: ``damaged``, with the decoder's own words.
    """
    return _decode_strictly(_without_metadata(data, header), "BGR")


def decode_luma(data: bytes, header: JpegHeader, *, reduction: Reduction = 1) -> Plane:
    """Decode a photo's luma only, as strictly as ``decode``; an RGB-coded photo gives its grey.

    A smaller size is that of the decoder's own transform. Its sample ``j`` stands for ``reduction`` pixels
    from ``reduction * j`` on and is centred at ``reduction * j + (reduction - 1) / 2``; where a side is no
    multiple, the last sample stands for padding as well.

    Args:
        data: The file.
        header: What ``read_header`` found in the same bytes.
        reduction: Pixels along a side of a sample.

    Returns:
        ``(ceil(H / reduction), ceil(W / reduction))`` samples.

    Raises:
        PhotoRejected: ``damaged``, with the decoder's own words.
    """
    smallest = -(-header.width // reduction), -(-header.height // reduction)
    return _decode_strictly(_without_metadata(data, header), "GRAY", smallest=smallest)[..., 0]


def encode(planes: Planes, *, quality: int = 95) -> bytes:
    """Encode planes as a baseline JPEG with their subsampling, and a JFIF header as its only metadata.

    Args:
        planes: As decoded, or resampled to the same shapes.
        quality: libjpeg's scale, 1 to 100.

    Raises:
        ValueError: Quality out of range, or chroma planes whose shape does not follow from ``chroma_step``.
    """
    if not 1 <= quality <= 100:
        raise ValueError(f"quality must be 1 to 100, got {quality}")
    luma = _padded_luma(planes)
    if planes.chroma is None:
        return bytes(simplejpeg.encode_jpeg_yuv_planes(luma, None, None, quality=quality))
    expected = _chroma_shape(planes.luma, planes.chroma_step)
    if any(plane.shape != expected for plane in planes.chroma):
        raise ValueError(f"chroma planes must have shape {expected}, got {[p.shape for p in planes.chroma]}")
    cb, cr = (_reduced(plane, planes) for plane in planes.chroma)
    return bytes(simplejpeg.encode_jpeg_yuv_planes(luma, cb, cr, quality=quality))


def check_output(data: bytes, width: int, height: int, *, limits: PhotoLimits = DEFAULT_LIMITS) -> None:
    """Decode our own output strictly before anyone else sees it.

    Every scan is entropy-decoded; only the inverse transform is cut to an eighth, which finds no less damage.

    Args:
        data: The encoded photo, metadata included.
        width: Expected pixels as stored.
        height: Expected pixels as stored.
        limits: Those under which the original was read.

    Raises:
        PhotoRejected: ``wrong_output`` for another size or bytes after the picture, else as for an original.
    """
    header = read_header(data, limits)
    if (header.width, header.height, header.trailing_bytes) != (width, height, 0):
        raise PhotoRejected(
            "wrong_output",
            f"expected an output of {width}x{height} pixels with nothing after it, found {header.width}x"
            f"{header.height} and {header.trailing_bytes} bytes; render the photo again",
        )
    _decode_strictly(data, "GRAY", smallest=(1, 1))


def _without_metadata(data: bytes, header: JpegHeader) -> bytes:
    """Return the stream with one plain colour marker and no other APPn or COM segment.

    The decoders then neither parse hostile metadata nor warn about harmless oddities in it, such as an
    unknown JFIF version, and agree with the header on the colour coding.
    """
    colour_marker = _ADOBE_RGB if header.colour == "rgb" else _JFIF
    return b"".join([b"\xff\xd8", colour_marker, *_picture_parts(data, header)])


def _picture_parts(data: bytes, header: JpegHeader) -> Iterator[bytes | memoryview]:
    first_scan = 2
    for segment in leading_segments(data):
        first_scan = segment.end
        if not (APP0 <= segment.marker <= APP15 or segment.marker == COM):
            yield data[segment.start : segment.end]
    yield memoryview(data)[first_scan : header.end]


def _decode_strictly(stream: bytes, colours: str, *, smallest: tuple[int, int] = (0, 0)) -> Plane:
    """Return ``(H, W, channels)`` samples at the least scale not below ``smallest``, full size for (0, 0)."""
    width, height = smallest
    try:
        samples: Plane = simplejpeg.decode_jpeg(stream, colours, min_width=width, min_height=height)
    except ValueError as error:
        if "memory" in str(error).lower():
            raise MemoryError(f"the decoder ran out of memory: {error}") from error
        raise _damage_found(error) from error
    return samples


def _decode_chroma(stream: bytes, size: tuple[int, int]) -> tuple[Plane, Plane]:
    """Return Cb and Cr at the decoder scale nearest to ``size``, after the strict pass over the same stream.

    At half scale libjpeg transforms the luma with 4x4 blocks and 4:2:0 chroma with full ones, so nothing is
    interpolated. ``JpegImageFile`` is used rather than ``Image.open``, whose pixel limit is process-wide.
    """
    try:
        with JpegImageFile(BytesIO(stream)) as photo:
            photo.draft("YCbCr", size)
            photo.load()
            return np.asarray(photo.getchannel("Cb")), np.asarray(photo.getchannel("Cr"))
    except (OSError, SyntaxError, ValueError) as error:
        raise _damage_found(error) from error


def _planes_of_rgb(rgb: Plane) -> Planes:
    luma, cr, cb = cv2.split(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb))
    return Planes(_as_plane(luma), (_as_plane(cb), _as_plane(cr)), subsampling=(1, 1), chroma_step=(1, 1))


def _padded_luma(planes: Planes) -> Plane:
    """Return the luma as a view of a buffer that holds whole chroma samples.

    The encoder takes the size from the view but reads on to the end of the last chroma sample. Without the
    replicated edge it reads the next row or foreign memory there, and encodes something else every time.
    """
    height, width = planes.luma.shape
    rows, columns = _chroma_shape(planes.luma, planes.subsampling)
    whole = _with_edges(planes.luma, columns * planes.subsampling[0], rows * planes.subsampling[1])
    return whole[:height, :width]


def _reduced(plane: Plane, planes: Planes) -> Plane:
    """Return chroma at the encoded subsampling, averaging what it is finer by.

    Edges are replicated to whole blocks first: scaled by an odd size's true ratio the chroma would shift.
    """
    if planes.subsampling == planes.chroma_step:
        return np.ascontiguousarray(plane)
    rows, columns = _chroma_shape(planes.luma, planes.subsampling)
    finer = [stored // held for stored, held in zip(planes.subsampling, planes.chroma_step, strict=True)]
    whole = _with_edges(plane, columns * finer[0], rows * finer[1])
    return _as_plane(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA))


def _with_edges(plane: Plane, width: int, height: int) -> Plane:
    """Return the plane contiguous and grown to the right and below by repeating its last samples."""
    bottom, right = height - plane.shape[0], width - plane.shape[1]
    if bottom == right == 0:
        return np.ascontiguousarray(plane)
    return _as_plane(cv2.copyMakeBorder(plane, 0, bottom, 0, right, cv2.BORDER_REPLICATE))


def _chroma_shape(luma: Plane, step: tuple[int, int]) -> tuple[int, int]:
    height, width = luma.shape
    return -(-height // step[1]), -(-width // step[0])


def _as_plane(samples: npt.NDArray[np.generic]) -> Plane:
    return np.asarray(samples, dtype=np.uint8)


def _damage_found(error: Exception) -> PhotoRejected:
    return damaged(f"expected intact picture data, but the strict decoder says {str(error)!r}")

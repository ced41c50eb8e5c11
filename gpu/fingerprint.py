"""What one photo's samples are: a digest of them, their sharpness, their distance from another photo's.

All of it is taken from the strictly decoded planes at the resolution at which the file stores them, so that
no edit of metadata changes it. It tells how far photos lie apart, and not whether that is too near.
"""

import hashlib
from dataclasses import dataclass

import cv2

from gpu.jpeg.codec import Plane, Planes, decode
from gpu.jpeg.header import read_header

_FARTHEST = 255  # grey levels
_BLOCK = 16  # samples


@dataclass(frozen=True, slots=True)
class PhotoFingerprint:
    """One photo in numbers."""

    width: int
    """Pixels as stored."""
    height: int
    """Pixels as stored."""
    size: int
    """Bytes of the file."""
    pixel_sha256: str
    """SHA-256 over luma, Cb and Cr, each after its shape; libjpeg's transform is exact on every machine."""
    sharpness: float
    """Variance of the Laplacian (4 neighbours) of the luma, in squared grey levels."""


def photo_fingerprint(jpeg: bytes) -> PhotoFingerprint:
    """Decode a photo and measure it.

    Peak memory in bytes per pixel besides the file: 5 for 4:2:0; more for other layouts, see ``decode``.

    Raises:
        PhotoRejected: The photo is damaged or of a kind that is not accepted.
    """
    planes = _decoded(jpeg)
    height, width = planes.luma.shape
    return PhotoFingerprint(
        width=width,
        height=height,
        size=len(jpeg),
        pixel_sha256=_pixel_sha256(planes),
        sharpness=_sharpness(planes.luma),
    )


def largest_difference(first: bytes, second: bytes) -> int:
    """Return by how many grey levels two photos differ at most, over all samples.

    Photos of different size differ by 255. Where only one has chroma, or at another resolution, luma alone
    decides: dropping or subsampling colour makes no other photo.

    Raises:
        PhotoRejected: A photo is damaged or of a kind that is not accepted.
    """
    one, other = _decoded(first), _decoded(second)
    if one.luma.shape != other.luma.shape:
        return _FARTHEST
    pairs = zip(_planes(one), _planes(other), strict=False)
    return max(_difference(mine, theirs) for mine, theirs in pairs if mine.shape == theirs.shape)


def largest_block_difference(first: bytes, second: bytes) -> float:
    """Return the mean difference, in grey levels, of the 16x16 block in which two photos differ most.

    Tells two honest renderings from a picture that was tampered with. Engines differ by at most 4 levels in
    few samples before encoding; JPEG rounds such a difference away or makes a wave of it, whose crest reaches
    16 levels, so single samples tell nothing. The mean of a block does, see ``block_tolerance``.

    Photos of different size, or with another layout of chroma, differ by 255.

    Raises:
        PhotoRejected: A photo is damaged or of a kind that is not accepted.
    """
    one, other = _planes(_decoded(first)), _planes(_decoded(second))
    if [plane.shape for plane in one] != [plane.shape for plane in other]:
        return float(_FARTHEST)
    return max(_block_difference(mine, theirs) for mine, theirs in zip(one, other, strict=True))


def block_tolerance(quality: int) -> float:
    """Largest ``largest_block_difference`` of two honest renderings at a JPEG quality of 1 to 100.

    6 levels down to quality 60, and below that as much more as libjpeg's quantisation is coarser. Measured:
    OpenCV against the exact reference 1.9 at quality 95 and 4.6 at 60 (lanczos4, the worst mode), OpenCV 4.13
    against 5.0 1.8 at 95, noise of up to 4 levels in every channel 4.9 at 60.
    """
    coarseness = 200 - 2 * quality if quality >= 50 else 5000 / quality  # percent of libjpeg's tables
    return 6.0 * max(1.0, coarseness / 80)


def _decoded(jpeg: bytes) -> Planes:
    return decode(jpeg, read_header(jpeg))


def _planes(photo: Planes) -> tuple[Plane, ...]:
    """Luma first, then chroma where there is any."""
    return (photo.luma, *(photo.chroma or ()))


def _pixel_sha256(photo: Planes) -> str:
    digest = hashlib.sha256()
    for plane in _planes(photo):
        rows, columns = plane.shape
        digest.update(f"{rows}x{columns}\n".encode())
        digest.update(plane.tobytes())
    return digest.hexdigest()


def _sharpness(luma: Plane) -> float:
    _, deviation = cv2.meanStdDev(cv2.Laplacian(luma, cv2.CV_16S))
    return float(deviation[0, 0]) ** 2


def _difference(one: Plane, other: Plane) -> int:
    return int(cv2.norm(one, other, cv2.NORM_INF))


def _block_difference(one: Plane, other: Plane) -> float:
    height, width = one.shape
    apart = cv2.copyMakeBorder(
        cv2.absdiff(one, other), 0, -height % _BLOCK, 0, -width % _BLOCK, cv2.BORDER_REPLICATE
    )
    rows, columns = apart.shape
    blocks = apart.reshape(rows // _BLOCK, _BLOCK, columns // _BLOCK, _BLOCK)
    return float(blocks.mean(axis=(1, 3)).max())

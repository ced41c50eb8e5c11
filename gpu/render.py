"""Renders one photo: JPEG bytes in, corrected JPEG bytes out.

This is what runs inside a worker process, so it imports nothing but arrays and codecs, and it trusts
nothing: the input is decoded strictly, and so is its own output before it is handed back.
"""

import ctypes
import hashlib
import platform
import resource
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gpu.jpeg.codec import Planes, check_output, decode, encode
from gpu.jpeg.header import read_header
from gpu.jpeg.metadata import carry_metadata
from gpu.radial_map import RadialMap
from gpu.remap.backend import BackendName, Border, Interpolation, RemapBackend
from gpu.remap.opening import open_backend

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
_KEPT_FREE = 128 * 2**20  # bytes: the planes of 20 megapixels, kept by a process that waits for work
_MAPPED_APART = 32 * 2**20  # bytes: the most that glibc grants; a larger plane goes back when it is freed

_BLACK_LUMA = 0
_NEUTRAL_CHROMA = 128


@dataclass(frozen=True, slots=True)
class RenderJob:
    """One photo and what to do with it; ``mapping`` None passes the photo on untouched."""

    photo: bytes
    mapping: RadialMap | None
    interpolation: Interpolation
    border: Border
    quality: int
    backend: BackendName


@dataclass(frozen=True, slots=True)
class EncodedPhoto:
    """A finished JPEG with the digests that travel with it."""

    jpeg: bytes
    crc32: int
    sha256: str


def limit_process(memory_mb: int | None) -> None:
    """Prepare a worker process: one thread, and at most this much address space in MiB; None for no limit."""
    cv2.setNumThreads(1)
    _keep_freed_memory()
    if memory_mb is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = memory_mb * 2**20
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def render_photo(job: RenderJob) -> EncodedPhoto:
    """Warp one photo and encode it with its own metadata, size and chroma subsampling.

    Raises:
        PhotoRejected: The photo is damaged or of a kind that is not accepted.
        BackendUnavailableError: The named back end has no device or library here.
    """
    header = read_header(job.photo)
    planes = decode(job.photo, header)
    if job.mapping is None:
        return _finished(job.photo)
    corrected = _remap_planes(planes, job.mapping, job, open_backend(job.backend))
    jpeg = carry_metadata(job.photo, encode(corrected, quality=job.quality))
    check_output(jpeg, header.width, header.height)
    return _finished(jpeg)


def engine_versions(backend: BackendName) -> dict[str, str]:
    """Name the version of everything that decides an output byte.

    Raises:
        BackendUnavailableError: The named back end has no device or library here.
    """
    return {
        **shared_versions(),
        "backend": open_backend(backend).version,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "cpu": f"{platform.machine()} {cv2.getCPUFeaturesLine()}",  # they choose the code paths of OpenCV
    }


def shared_versions() -> dict[str, str]:
    """Name the versions that all machines of one run must share: of this code and of what encodes.

    What else ``engine_versions`` names may shift single samples by a few grey levels.
    """
    return {
        "renderer": source_digest(Path(__file__).parent),
        "pillow": version("pillow"),
        "simplejpeg": version("simplejpeg"),
    }


def source_digest(package: Path) -> str:
    """Digest of a package's code, kernels included, as 16 hex digits.

    Finished shards are keyed by it, so no change of the code can pass off an older rendering as its own.
    """
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.suffix in (".py", ".cu"):
            digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _keep_freed_memory() -> None:
    """Let the next photo reuse this one's pages: glibc would return them to the kernel in between.

    At 2048x1367 faulting them in again took 6 to 9 ms of 43 to 61 ms per photo.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):  # musl has none
        libc.mallopt(_M_TRIM_THRESHOLD, _KEPT_FREE)
        libc.mallopt(_M_MMAP_THRESHOLD, _MAPPED_APART)


def _remap_planes(planes: Planes, mapping: RadialMap, job: RenderJob, backend: RemapBackend) -> Planes:
    def remap(group: Sequence[NDArray[np.uint8]], group_map: RadialMap, fill: int) -> list[NDArray[np.uint8]]:
        return backend.remap(
            group,
            group_map,
            interpolation=job.interpolation,
            border=job.border,
            fill=[fill] * len(group),
        )

    (luma,) = remap([planes.luma], mapping, _BLACK_LUMA)
    if planes.chroma is None:
        return replace(planes, luma=luma)
    chroma_map = mapping.on_subsampled_plane(*planes.chroma_step)
    blue, red = remap(planes.chroma, chroma_map, _NEUTRAL_CHROMA)
    return replace(planes, luma=luma, chroma=(blue, red))


def _finished(jpeg: bytes) -> EncodedPhoto:
    return EncodedPhoto(jpeg=jpeg, crc32=zlib.crc32(jpeg), sha256=hashlib.sha256(jpeg).hexdigest())

import ctypes
import hashlib
import io
import multiprocessing
import resource
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from gpu.render import RenderJob, limit_process, render_photo, source_digest
from tests.photos import jpeg, picture

SIZE = ImageSize(1200, 800)
PAGES = SIZE.width * SIZE.height * 3 // 2 // resource.getpagesize()  # of one photo's planes


def faulted_pages(photo: bytes) -> int:
    """Pages that the kernel had to hand out for the last of four photos."""
    mapping = LensCurve((0.97, 0.0, -0.1)).radial_map(SIZE)
    job = RenderJob(photo, mapping, interpolation="linear", border="reflect", quality=95, backend="opencv")
    for _ in range(3):
        render_photo(job)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    render_photo(job)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="only glibc can be asked"
)
def test_a_render_process_reuses_the_memory_of_the_photo_before() -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, initializer=limit_process, initargs=(2048,)) as pool:
        faulted = pool.apply(faulted_pages, [jpeg(SIZE.width, SIZE.height)])
    assert faulted < PAGES / 4  # measured: 2 to 9 pages; 2900 of 2048x1367 without


def render(photo: bytes, size: ImageSize, **options: str) -> bytes:
    chosen = {"interpolation": "cubic", "border": "reflect", "backend": "opencv"} | options
    mapping = LensCurve((0.97, 0.0, -0.1)).radial_map(size)
    return render_photo(RenderJob(photo, mapping, quality=95, **chosen)).jpeg  # type: ignore[arg-type]


@pytest.mark.parametrize("subsampling", ["444", "422", "420", "440", "411", "Gray"])
@pytest.mark.parametrize("size", [(320, 214), (321, 215)])
def test_size_and_chroma_subsampling_are_kept_and_two_renders_are_equal(
    subsampling: str, size: tuple[int, int]
) -> None:
    photo = jpeg(*size, subsampling=subsampling)
    rendered = render(photo, ImageSize(*size))
    assert rendered != photo
    assert simplejpeg.decode_jpeg_header(rendered) == simplejpeg.decode_jpeg_header(photo)
    assert render(photo, ImageSize(*size)) == rendered


def test_a_photo_without_a_map_is_passed_on_to_the_byte() -> None:
    photo = jpeg() + b"trailing bytes of a phone"
    job = RenderJob(photo, None, interpolation="cubic", border="reflect", quality=95, backend="opencv")
    passed = render_photo(job)
    assert passed.jpeg == photo
    assert (passed.crc32, passed.sha256) == (zlib.crc32(photo), hashlib.sha256(photo).hexdigest())


def test_profile_and_exif_travel_with_the_photo() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    buffer = io.BytesIO()
    plain = Image.fromarray(picture()[..., ::-1])
    plain.save(buffer, "JPEG", quality=92, exif=exif, icc_profile=b"a colour profile" * 20, dpi=(300, 300))
    rendered = Image.open(io.BytesIO(render(buffer.getvalue(), ImageSize(320, 214))))
    assert rendered.size == (320, 214)  # as stored: the tag turns it, once, in the viewer
    assert dict(rendered.getexif()) == {0x0112: 6, 0x010F: "a camera"}
    assert rendered.info["icc_profile"] == b"a colour profile" * 20
    assert rendered.info["dpi"] == (300, 300)


def test_a_constant_border_is_black_in_colour_too() -> None:
    size = ImageSize(320, 214)
    far = LensCurve((1.5,)).radial_map(size)  # half as far again: the corners lie outside the original
    job = RenderJob(jpeg(), far, interpolation="linear", border="constant", quality=95, backend="opencv")
    corner = simplejpeg.decode_jpeg(render_photo(job).jpeg, "RGB")[:16, :16]
    assert int(np.abs(corner.astype(int)).max()) <= 3  # grey levels; the encoder's rounding


def test_the_source_digest_follows_code_and_kernels_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "b.cu").write_text("2")
    first = source_digest(tmp_path)
    (tmp_path / "notes.txt").write_text("3")
    assert source_digest(tmp_path) == first
    (tmp_path / "b.cu").write_text("4")
    assert source_digest(tmp_path) != first

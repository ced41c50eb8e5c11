from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu.coordinates import ImageSize
from gpu.jpeg.header import DEFAULT_LIMITS, JpegHeader, PhotoLimits, read_header, read_size
from gpu.jpeg.rejection import PhotoRejected
from gpu.jpeg.segments import leading_segments
from tests.hostile_images import exif, jpeg, progressive_jpeg, scene, segment, with_segments

PHOTOS = (
    jpeg(scene(64, 48)),
    progressive_jpeg(scene(64, 48)),
    with_segments(
        jpeg(scene(48, 64), subsampling="444"), (0xE1, exif(orientation=8, thumbnail=jpeg(scene(16, 16))))
    ),
)


def verdict(data: bytes, limits: PhotoLimits = DEFAULT_LIMITS) -> str:
    try:
        read_header(data, limits)
    except PhotoRejected as rejection:
        return rejection.code
    return "accepted"


def test_header_tells_everything_about_a_plain_photo(photo: bytes) -> None:
    assert read_header(photo + bytes(7)) == JpegHeader(
        width=320,
        height=240,
        colour="ycbcr",
        subsampling=(2, 2),
        progressive=False,
        scans=1,
        restart_interval=0,
        orientation=1,
        end=len(photo),
        trailing_bytes=7,
    )


def test_progressive_photo_is_recognised_with_its_scans() -> None:
    header = read_header(progressive_jpeg())
    assert (header.progressive, header.scans) == (True, 10)


@pytest.mark.parametrize(
    ("name", "factors"), [("444", (1, 1)), ("422", (2, 1)), ("420", (2, 2)), ("440", (1, 2)), ("411", (4, 1))]
)
def test_subsampling_is_luma_samples_per_chroma_sample(name: str, factors: tuple[int, int]) -> None:
    assert read_header(jpeg(subsampling=name)).subsampling == factors


def test_restart_interval_is_read(photo: bytes) -> None:
    frame = photo.index(b"\xff\xc0")
    restarting = photo[:frame] + segment(0xDD, b"\x00\x14") + photo[frame:]
    assert read_header(restarting).restart_interval == 20


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_orientation_is_read_in_both_byte_orders(photo: bytes, orientation: int, order: str) -> None:
    rotated = with_segments(photo, (0xE1, exif(orientation=orientation, order=order)))
    assert read_header(rotated).orientation == orientation


def test_end_of_image_inside_a_thumbnail_does_not_end_the_photo(photo: bytes) -> None:
    tagged = with_segments(photo, (0xE1, exif(thumbnail=jpeg(scene(32, 24)))))
    assert read_header(tagged).end == len(tagged)


@pytest.mark.parametrize(
    ("adobe", "jfif", "ids", "colour"),
    [
        (None, False, b"\x01\x02\x03", "ycbcr"),
        (None, False, b"RGB", "rgb"),
        (None, True, b"RGB", "ycbcr"),
        (0, False, b"\x01\x02\x03", "rgb"),
        (1, False, b"RGB", "ycbcr"),
        (0, True, b"\x01\x02\x03", "ycbcr"),
    ],
)
def test_colour_coding_is_told_as_libjpeg_tells_it(
    photo: bytes, adobe: int | None, jfif: bool, ids: bytes, colour: str
) -> None:
    coded = bytearray(photo)
    frame = photo.index(b"\xff\xc0")
    coded[frame + 10 : frame + 19 : 3] = ids
    markers = segment(0xEE, b"Adobe\x00\x64\x00\x00\x00\x00" + bytes([adobe])) if adobe is not None else b""
    head = photo[:20] if jfif else photo[:2]
    assert read_header(head + markers + bytes(coded[20:])).colour == colour


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (PhotoLimits(max_side=319), "too_large"),
        (PhotoLimits(max_pixels=320 * 240 - 1), "too_large"),
        (PhotoLimits(max_bytes=1000), "too_large"),
        (PhotoLimits(min_side=241), "too_small"),
        (PhotoLimits(max_scans=0), "scan_bomb"),
        (PhotoLimits(max_segments=3), "segment_bomb"),
        (PhotoLimits(max_side=320, min_side=240, max_pixels=320 * 240, max_scans=1), "accepted"),
    ],
)
def test_limits_are_inclusive(photo: bytes, limits: PhotoLimits, code: str) -> None:
    assert verdict(photo, limits) == code


def test_photo_of_one_bit_per_block_is_the_smallest_plausible(photo: bytes) -> None:
    photo = with_segments(photo, (0xFE, bytes(4 + -len(photo) % 8)))
    frame = photo.index(b"\xff\xc0")
    one_bit_each = len(photo).to_bytes(2) + (64 * 8).to_bytes(2)  # 64 blocks across, a row for each 8 bytes
    one_block_more = (len(photo) + 1).to_bytes(2) + (64 * 8).to_bytes(2)
    assert verdict(photo[: frame + 5] + one_bit_each + photo[frame + 9 :]) == "accepted"
    assert verdict(photo[: frame + 5] + one_block_more + photo[frame + 9 :]) == "implausible_size"


def test_sentence_says_what_was_found_and_what_to_do() -> None:
    with pytest.raises(PhotoRejected) as rejection:
        read_header(b"\x89PNG\r\n\x1a\n")
    assert str(rejection.value) == (
        "expected a JPEG photo, found a PNG named .jpg; supply the photo as an 8-bit RGB or grey JPEG"
    )


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_header_or_a_verdict(tail: bytes) -> None:
    for start in (b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xc0", b"\xff\xd8\xff\xe1\x00\x20Exif\x00\x00"):
        verdict(start + tail)


@settings(deadline=None)
@given(
    st.sampled_from(PHOTOS),
    st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=4), st.integers(0, 40)), max_size=6),
)
def test_any_edit_of_a_photo_gives_a_header_or_a_verdict(
    photo: bytes, edits: Sequence[tuple[int, bytes, int]]
) -> None:
    for at, inserted, removed in edits:
        at %= len(photo) + 1
        photo = photo[:at] + inserted + photo[at + removed :]
    verdict(photo)


def test_every_cut_of_a_photo_is_refused() -> None:
    photo = PHOTOS[2]
    verdicts = {verdict(photo[:length]) for length in range(len(photo))}
    assert verdicts == {"empty", "not_a_jpeg", "truncated"}


def test_every_changed_byte_gives_a_header_or_a_verdict() -> None:
    photo = PHOTOS[1]
    noise = np.random.default_rng(0).integers(0, 256, len(photo), dtype=np.uint8).tobytes()
    for at, byte in enumerate(noise):
        verdict(photo[:at] + bytes([byte]) + photo[at + 1 :])


@pytest.mark.parametrize("photo", PHOTOS)
def test_the_size_is_that_of_the_header_and_needs_no_picture_data(photo: bytes) -> None:
    header = read_header(photo)
    picture = [*leading_segments(photo)][-1].end
    assert read_size(photo[:picture]) == ImageSize(header.width, header.height)


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (b"", "empty"),
        (b"<html>", "not_a_jpeg"),
        (PHOTOS[0][:30], "truncated"),
        (b"\xff\xd8\xff\xd9", "damaged"),
        (jpeg(scene(8, 8)), "too_small"),
    ],
)
def test_a_size_that_cannot_be_read_is_refused_with_its_code(start: bytes, code: str) -> None:
    with pytest.raises(PhotoRejected) as rejected:
        read_size(start)
    assert rejected.value.code == code

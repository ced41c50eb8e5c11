import io

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gpu.jpeg.header import read_header
from gpu.jpeg.metadata import carry_metadata
from gpu.jpeg.segments import leading_segments
from tests.hostile_images import exif, jpeg, scene, with_segments

ICC = np.random.default_rng(1).integers(0, 256, 130_000, dtype=np.uint8).tobytes()
ICC_CHUNKS = [
    (0xE2, b"ICC_PROFILE\x00" + bytes([index + 1, 3]) + ICC[index * 60_000 : (index + 1) * 60_000])
    for index in range(3)
]
XMP = (0xE1, b"http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
EXTENDED_XMP = (0xE1, b"http://ns.adobe.com/xmp/extension/\x00" + b"0" * 32 + bytes(8) + b"<more/>")
IPTC = (0xED, b"Photoshop 3.0\x008BIM\x04\x04\x00\x00\x00\x00\x00\x05\x1c\x02\x05\x00\x00\x00")
COMMENT = (0xFE, b"kitchen, looking north")
CARRIED = [(0xE1, exif(orientation=6)), XMP, EXTENDED_XMP, *ICC_CHUNKS, IPTC, COMMENT]


@pytest.fixture(scope="module")
def rendered() -> bytes:
    return jpeg(scene(seed=1), quality=95)


def segments_of(photo: bytes) -> list[tuple[int, bytes]]:
    return [
        (found.marker, photo[found.payload : found.payload_end])
        for found in leading_segments(photo)
        if found.marker >= 0xE0
    ]


def test_metadata_arrives_byte_for_byte_and_in_order(photo: bytes, rendered: bytes) -> None:
    output = carry_metadata(with_segments(photo, *CARRIED), rendered)
    assert segments_of(output)[1:] == CARRIED


def test_pixels_are_those_of_the_rendered_photo(photo: bytes, rendered: bytes) -> None:
    output = carry_metadata(with_segments(photo, *CARRIED), rendered)
    assert np.array_equal(simplejpeg.decode_jpeg(output), simplejpeg.decode_jpeg(rendered))
    assert read_header(output).trailing_bytes == 0


def test_reader_finds_profile_orientation_and_comment(photo: bytes, rendered: bytes) -> None:
    read = Image.open(io.BytesIO(carry_metadata(with_segments(photo, *CARRIED), rendered)))
    assert read.info["icc_profile"] == ICC
    assert read.info["comment"] == COMMENT[1]
    assert read.getexif()[0x0112] == 6


def test_what_describes_the_old_stream_stays_behind(photo: bytes, rendered: bytes) -> None:
    stale = [
        (0xE0, b"JFXX\x00\x10" + jpeg(scene(16, 16))),
        (0xE2, b"MPF\x00II*\x00\x08\x00\x00\x00"),
        (0xE8, b"SPIFF\x00\x01\x02"),
        (0xEB, b"JP\x00\x01jumb"),
        (0xEE, b"Adobe\x00\x64\x00\x00\x00\x00\x01"),
    ]
    output = carry_metadata(with_segments(photo, *stale, COMMENT) + jpeg(), rendered)
    assert segments_of(output)[1:] == [COMMENT]
    assert len(output) == len(rendered) + 4 + len(COMMENT[1])


def test_stale_thumbnail_is_not_in_the_output(photo: bytes, rendered: bytes) -> None:
    thumbnail = jpeg(scene(64, 48))
    output = carry_metadata(with_segments(photo, (0xE1, exif(thumbnail=thumbnail))), rendered)
    assert thumbnail[20:] not in output


def test_density_is_copied_into_the_jfif_segment(photo: bytes, rendered: bytes) -> None:
    dense = photo[:13] + b"\x01\x01\x2c\x01\x2c" + photo[18:]
    read = Image.open(io.BytesIO(carry_metadata(dense, rendered)))
    assert read.info["dpi"] == (300, 300)


@pytest.mark.parametrize("density", [b"\x07\x00\x48\x00\x48", b"\x01\x00\x00\x00\x48"])
def test_impossible_density_is_not_copied(photo: bytes, rendered: bytes, density: bytes) -> None:
    assert carry_metadata(photo[:13] + density + photo[18:], rendered) == rendered


def test_photo_without_jfif_leaves_with_the_plain_one(photo: bytes, rendered: bytes) -> None:
    assert carry_metadata(photo[:2] + photo[20:], rendered) == rendered


def test_rendered_photo_without_jfif_is_a_callers_mistake(photo: bytes, rendered: bytes) -> None:
    with pytest.raises(ValueError, match="must start with a JFIF segment"):
        carry_metadata(photo, rendered[:2] + rendered[20:])


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0xE0, 0xE1, 0xE2, 0xED, 0xFE]), st.binary(max_size=60)), max_size=8)
)
def test_any_garbage_in_segments_is_carried_to_a_readable_photo(segments: list[tuple[int, bytes]]) -> None:
    small = jpeg(scene(16, 16))
    output = carry_metadata(with_segments(small, *segments), small)
    assert read_header(output).end == len(output)

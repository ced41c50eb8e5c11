import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from gpu.jpeg.exif import exif_orientation, without_thumbnail
from tests.hostile_images import exif, jpeg, scene, with_segments

THUMBNAIL = jpeg(scene(64, 48))


def test_thumbnail_goes_and_every_other_byte_stays_in_place() -> None:
    for order in "<>":
        block = exif(orientation=6, thumbnail=THUMBNAIL, order=order)
        bare = without_thumbnail(block)
        changed = [at for at, (a, b) in enumerate(zip(block, bare, strict=True)) if a != b]
        link = 6 + 8 + 2 + 3 * 12
        assert set(changed) <= {*range(link, link + 4), *range(len(block) - len(THUMBNAIL), len(block))}
        assert bare[link : link + 4] == bytes(4)
        assert bare.endswith(bytes(len(THUMBNAIL)))


def test_a_reader_finds_the_tags_but_no_thumbnail(photo: bytes) -> None:
    bare = without_thumbnail(exif(orientation=6, thumbnail=THUMBNAIL))
    read = Image.open(io.BytesIO(with_segments(photo, (0xE1, bare)))).getexif()
    assert read[0x0112] == 6
    assert read[0x927C].startswith(b"MAKER")
    assert not dict(read.get_ifd(ExifTags.IFD.IFD1))


def test_block_without_thumbnail_is_unchanged() -> None:
    block = exif(orientation=3)
    assert without_thumbnail(block) == block


@pytest.mark.parametrize("target", [6 + 8 + 2 + 10, 6 + 8 + 2 + 3 * 12 + 4 + 2 + 2 * 12 + 4])
def test_pointer_that_leads_to_no_thumbnail_blanks_nothing(target: int) -> None:
    block = bytearray(exif(thumbnail=THUMBNAIL))
    block[6 + 8 + 2 + 10 : 6 + 8 + 2 + 12] = b"\xff\xd8"  # inside IFD0: looks like a JPEG in the wrong place
    offset_value = 6 + 8 + 2 + 3 * 12 + 4 + 2 + 8
    block[offset_value : offset_value + 4] = (target - 6).to_bytes(4, "little")
    bare = without_thumbnail(bytes(block))
    link = 6 + 8 + 2 + 3 * 12
    assert bare == bytes(block[:link]) + bytes(4) + bytes(block[link + 4 :])


def test_loop_between_directories_ends() -> None:
    assert exif_orientation(exif(orientation=5, next_directory=8)) == 5
    assert len(without_thumbnail(exif(next_directory=8))) == len(exif())


def test_orientation_out_of_range_reads_as_upright() -> None:
    assert [exif_orientation(exif(orientation=value)) for value in (0, 9, 65535)] == [1, 1, 1]


@settings(deadline=None)
@given(st.sampled_from([b"", b"II*\x00", b"MM\x00*", b"II*\x00\x08\x00\x00\x00"]), st.binary(max_size=200))
def test_garbage_is_upright_or_in_range_and_keeps_its_length(start: bytes, tail: bytes) -> None:
    block = b"Exif\x00\x00" + start + tail
    assert 1 <= exif_orientation(block) <= 8
    assert len(without_thumbnail(block)) == len(block)

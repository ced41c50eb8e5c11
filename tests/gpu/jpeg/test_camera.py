from hypothesis import given, settings
from hypothesis import strategies as st

from gpu.jpeg.camera import Camera, read_camera
from tests.camera_photos import photo_by
from tests.hostile_images import jpeg, with_segments

PHOTO = jpeg()


def test_camera_lens_and_focal_length_are_read() -> None:
    assert read_camera(photo_by()) == Camera("Canon", "EOS 5D", "EF16-35mm", 16.0)


def test_a_photo_without_metadata_names_no_camera() -> None:
    assert read_camera(PHOTO) is None


def test_a_block_that_names_no_model_names_no_camera() -> None:
    assert read_camera(photo_by(model="")) is None


def test_words_lose_padding_and_what_cannot_be_printed() -> None:
    found = read_camera(photo_by(maker=" NIKON\x07 ", model="D" * 500))
    assert found is not None
    assert (found.maker, len(found.model)) == ("NIKON", 100)


def test_a_focal_length_of_nothing_is_none() -> None:
    found = read_camera(photo_by(focal=0))
    assert found is not None
    assert found.focal_mm is None


@given(block=st.binary(max_size=300))
@settings(max_examples=300)
def test_garbage_tells_nothing_and_raises_nothing(block: bytes) -> None:
    read_camera(with_segments(PHOTO, (0xE1, b"Exif\0\0II*\0" + block)))


def test_a_damaged_block_raises_nothing() -> None:
    whole = photo_by()
    start, end = whole.index(b"Exif\0\0"), whole.index(b"EF16-35mm") + 40
    for at in range(start + 6, end):
        for value in (0, 255, 128):
            read_camera(whole[:at] + bytes([value]) + whole[at + 1 :])

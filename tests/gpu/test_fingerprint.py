from dataclasses import replace

import numpy as np
import pytest
import simplejpeg

from gpu.fingerprint import largest_difference, photo_fingerprint
from gpu.jpeg.codec import Planes, decode, encode
from gpu.jpeg.header import read_header
from gpu.jpeg.rejection import PhotoRejected
from tests.hostile_images import exif, with_segments
from tests.photos import jpeg, picture

GREY = np.full((32, 48), 128, np.uint8)


def planes_of(photo: bytes) -> Planes:
    return decode(photo, read_header(photo))


def grey(luma: np.ndarray) -> bytes:
    return encode(Planes(luma, None, subsampling=(1, 1), chroma_step=(1, 1)), quality=100)


def brighter(photo: bytes, levels: int) -> bytes:
    planes = planes_of(photo)
    luma = np.clip(planes.luma.astype(int) + levels, 0, 255).astype(np.uint8)
    return encode(replace(planes, luma=luma), quality=100)


def test_size_is_told_as_stored() -> None:
    photo = jpeg(320, 214)
    found = photo_fingerprint(photo)
    assert (found.width, found.height, found.size) == (320, 214, len(photo))


def test_metadata_leaves_the_pixel_digest_and_only_adds_to_the_size() -> None:
    photo = jpeg()
    edited = with_segments(photo, (0xE1, exif(orientation=6)), (0xFE, b"another comment"))
    plain, found = photo_fingerprint(photo), photo_fingerprint(edited)
    assert replace(found, size=plain.size) == plain
    assert found.size > plain.size
    assert largest_difference(photo, edited) == 0


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(brighter(jpeg(), 1), id="luma"),
        pytest.param(jpeg(subsampling="444"), id="chroma"),
        pytest.param(jpeg(seed=1), id="another"),
        pytest.param(bytes(simplejpeg.encode_jpeg(picture()[..., :1].copy(), 92, "GRAY", "Gray")), id="grey"),
    ],
)
def test_other_samples_give_another_pixel_digest(changed: bytes) -> None:
    assert photo_fingerprint(changed).pixel_sha256 != photo_fingerprint(jpeg()).pixel_sha256


def test_equal_samples_in_another_shape_give_another_pixel_digest() -> None:
    lying, standing = photo_fingerprint(grey(GREY)), photo_fingerprint(grey(GREY.T.copy()))
    assert lying.pixel_sha256 != standing.pixel_sha256


def test_sharpness_is_the_variance_of_the_four_neighbour_laplacian() -> None:
    luma = planes_of(jpeg()).luma.astype(float)
    padded = np.pad(luma, 1, mode="reflect")  # OpenCV's border: the edge sample is not repeated
    neighbours = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    assert photo_fingerprint(jpeg()).sharpness == pytest.approx(np.var(neighbours - 4 * luma))


def test_a_flat_photo_has_no_sharpness() -> None:
    assert photo_fingerprint(grey(GREY)).sharpness == 0.0


def test_the_largest_difference_is_that_of_one_sample_whichever_photo_comes_first() -> None:
    changed = GREY.copy()
    changed[8:16, 8:16] = 178  # a whole block, so that the coding is exact
    assert (
        largest_difference(grey(GREY), grey(changed)) == largest_difference(grey(changed), grey(GREY)) == 50
    )


def test_chroma_counts() -> None:
    photo = jpeg(subsampling="420")
    planes = planes_of(photo)
    assert planes.chroma is not None
    blue, red = planes.chroma
    recoloured = encode(replace(planes, chroma=(blue, np.full_like(red, 60))), quality=100)
    assert largest_difference(photo, recoloured) > 40


def test_one_level_of_brightness_is_within_the_four_levels_of_a_near_duplicate() -> None:
    assert 1 <= largest_difference(jpeg(), brighter(jpeg(), 1)) <= 4


def test_photos_of_different_size_differ_by_255() -> None:
    assert largest_difference(jpeg(320, 214), jpeg(320, 215)) == 255


def test_dropping_or_subsampling_colour_makes_no_other_photo() -> None:
    planes = planes_of(jpeg(subsampling="444"))
    colourless = grey(planes.luma)
    assert largest_difference(encode(planes, quality=100), colourless) <= 4
    assert largest_difference(jpeg(subsampling="444"), jpeg(subsampling="420")) <= 4


def test_a_damaged_photo_is_refused() -> None:
    with pytest.raises(PhotoRejected):
        photo_fingerprint(jpeg()[:-200])
    with pytest.raises(PhotoRejected):
        largest_difference(jpeg(), jpeg()[:-200])

import pytest
from pydantic import ValidationError

from tasks.domain.fingerprints import (
    PhotoTrace,
    SetFingerprint,
    bucket_textures,
    differing_photos,
    pixel_digest,
)
from tasks.domain.gates.records import BucketTexture
from tasks.domain.shards import folder_digest

STANDARD, PORTRAIT = (2048, 1367), (1367, 2048)


def trace(
    photo_id: str,
    *,
    frame: tuple[int, int] = STANDARD,
    size: int = 1_000,
    pixels: str = "0",
    sharpness: float = 100.0,
) -> PhotoTrace:
    width, height = frame
    return PhotoTrace(
        id=photo_id, width=width, height=height, size=size, pixel_sha256=pixels * 64, sharpness=sharpness
    )


def of(*photos: PhotoTrace) -> SetFingerprint:
    return SetFingerprint(digest="d" * 64, photos=photos)


@pytest.mark.parametrize("ids", [("b", "a"), ("a", "a")])
def test_photos_out_of_order_or_twice_are_no_fingerprint(ids: tuple[str, str]) -> None:
    with pytest.raises(ValidationError, match="sorted by id, each id once"):
        of(*map(trace, ids))


def test_the_pixel_digest_is_over_names_and_pixels_and_nothing_else() -> None:
    first, edited = of(trace("a"), trace("b")), of(trace("a", size=2_000), trace("b", sharpness=1.0))
    assert (
        pixel_digest(first)
        == pixel_digest(edited)
        == folder_digest([("a.jpg", "0" * 64), ("b.jpg", "0" * 64)])
    )
    assert pixel_digest(first) != pixel_digest(of(trace("a"), trace("b", pixels="1")))
    assert pixel_digest(first) != pixel_digest(of(trace("a"), trace("c")))


def test_only_photos_of_other_pixels_differ() -> None:
    assert differing_photos(of(trace("a"), trace("b")), of(trace("a"), trace("b", pixels="1"))) == ("b",)


@pytest.mark.parametrize(
    "other", [of(trace("a")), of(trace("a"), trace("c")), of(trace("a"), trace("b", frame=PORTRAIT))]
)
def test_sets_of_other_ids_or_sizes_cannot_be_compared(other: SetFingerprint) -> None:
    assert differing_photos(of(trace("a"), trace("b")), other) is None


def test_each_bucket_with_photos_is_measured_against_its_own_originals() -> None:
    inputs = of(trace("a", size=1_000), trace("b", size=3_000), trace("c", frame=PORTRAIT, size=5_000))
    outputs = of(
        trace("a", size=900, sharpness=75.0),
        trace("b", size=2_900, sharpness=25.0),
        trace("c", frame=PORTRAIT, size=100, sharpness=12.5),
    )
    area = 2048 * 1367
    assert bucket_textures(outputs, inputs, None) == (
        BucketTexture(
            bucket="standard",
            size=3_800,
            pixels=2 * area,
            reference="inputs",
            reference_size=4_000,
            reference_pixels=2 * area,
            sharpness_ratio=0.5,
        ),
        BucketTexture(
            bucket="portrait_standard",
            size=100,
            pixels=area,
            reference="inputs",
            reference_size=5_000,
            reference_pixels=area,
            sharpness_ratio=0.125,
        ),
    )


def test_bytes_are_held_against_the_champion_and_sharpness_against_the_originals() -> None:
    (found,) = bucket_textures(
        of(trace("a", size=700, sharpness=50.0)), of(trace("a")), of(trace("a", size=900, sharpness=5.0))
    )
    assert (found.reference, found.reference_size, found.sharpness_ratio) == ("champion", 900, 0.5)


def test_a_champion_of_other_photos_is_no_reference() -> None:
    outputs = of(trace("a"), trace("b"))
    for champion in (of(trace("a", size=1)), of(trace("a", size=1), trace("c", size=1))):
        (found,) = bucket_textures(outputs, outputs, champion)
        assert (found.reference, found.reference_size) == ("inputs", 2_000)


def test_the_sharpness_of_a_bucket_is_the_median_of_its_photos() -> None:
    ids = ["a", "b", "c"]
    outputs = of(
        *(trace(one, sharpness=sharpness) for one, sharpness in zip(ids, [1.0, 90.0, 900.0], strict=True))
    )
    (found,) = bucket_textures(outputs, of(*map(trace, ids)), None)
    assert found.sharpness_ratio == pytest.approx(0.9)


@pytest.mark.parametrize("sharpness", [0.0, 7.0])
def test_a_flat_original_has_no_texture_to_lose(sharpness: float) -> None:
    (found,) = bucket_textures(of(trace("a", sharpness=sharpness)), of(trace("a", sharpness=0.0)), None)
    assert found.sharpness_ratio == 1.0


def test_outputs_of_other_photos_than_the_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="of the same photos"):
        bucket_textures(of(trace("a")), of(trace("b")), None)

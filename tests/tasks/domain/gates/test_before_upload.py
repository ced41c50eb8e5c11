from collections.abc import Mapping

import pytest

from tasks.domain.buckets import Bucket
from tasks.domain.gates.decision import decide_upload
from tasks.domain.gates.records import (
    BucketTexture,
    GatePolicy,
    NoveltyEvidence,
    PixelComparison,
    UploadDecision,
)
from tests.gate_cases import digests_of, texture_of

PHOTOS: Mapping[Bucket, int] = {"standard": 900, "heavy_crop": 100}
NOVEL = NoveltyEvidence(digests=digests_of("candidate", "1"), earlier=(digests_of("earlier", "2"),))
SOUND = (texture_of("standard"), texture_of("heavy_crop"))


def decided(
    novelty: NoveltyEvidence | None = NOVEL,
    textures: tuple[BucketTexture, ...] | None = SOUND,
    photos: Mapping[Bucket, int] = PHOTOS,
) -> UploadDecision:
    return decide_upload(
        "candidate", novelty_evidence=novelty, textures=textures, bucket_photos=photos, policy=GatePolicy()
    )


def failed(decision: UploadDecision) -> set[tuple[str, str]]:
    return {(one.check, one.group) for one in decision.outcomes if not one.passed}


def test_new_and_sharp_submission_is_uploaded() -> None:
    assert decided().upload


@pytest.mark.parametrize(
    ("field", "check"),
    [
        ("submission_sha256", "zip_digest"),
        ("behaviour_digest", "behaviour_digest"),
        ("pixel_digest", "pixel_digest"),
    ],
)
def test_output_equal_to_an_earlier_one_is_refused_at_any_depth(field: str, check: str) -> None:
    twin = digests_of("earlier", "2").model_copy(update={field: "1" * 64})
    decision = decided(NOVEL.model_copy(update={"earlier": (twin,)}))
    assert not decision.upload
    assert failed(decision) == {(check, "all")}
    (found,) = (one.evidence for one in decision.outcomes if not one.passed)
    assert found.endswith("equal to those of 'earlier'")


def test_entry_of_the_candidate_itself_is_no_earlier_submission() -> None:
    own = NOVEL.model_copy(update={"earlier": (digests_of("candidate", "1"),)})
    assert decided(own).upload


@pytest.mark.parametrize(("levels", "uploads"), [(0, False), (4, False), (5, True)])
def test_differences_of_up_to_4_levels_make_a_near_duplicate(levels: int, uploads: bool) -> None:
    compared = (
        PixelComparison(name="far", largest_difference=200),
        PixelComparison(name="near", largest_difference=levels),
    )
    decision = decided(NOVEL.model_copy(update={"compared": compared}))
    assert decision.upload is uploads
    assert any("to 'near', the nearest of 2" in one.evidence for one in decision.outcomes)


def test_digests_that_were_never_compared_are_no_novelty() -> None:
    assert failed(decided(None)) == {
        (check, "all")
        for check in ("canonical_name", "zip_digest", "behaviour_digest", "pixel_digest", "near_duplicate")
    }


def test_digests_under_another_name_are_refused() -> None:
    renamed = NOVEL.model_copy(update={"digests": digests_of("another", "1")})
    assert failed(decided(renamed)) == {("canonical_name", "all")}


def test_pixels_that_were_not_digested_are_refused() -> None:
    undigested = NOVEL.digests.model_copy(update={"pixel_digest": None})
    assert failed(decided(NOVEL.model_copy(update={"digests": undigested}))) == {("pixel_digest", "all")}


def test_two_submissions_without_pixel_digests_are_not_called_equal() -> None:
    undigested = [digests_of(name, fill) for name, fill in (("candidate", "1"), ("earlier", "2"))]
    own, earlier = (one.model_copy(update={"pixel_digest": None}) for one in undigested)
    (found,) = (
        one for one in decided(NoveltyEvidence(digests=own, earlier=(earlier,))).outcomes if not one.passed
    )
    assert found.evidence == "no digest of the decoded pixels was taken"


def test_earlier_submission_without_pixel_digest_is_told_apart_by_its_files() -> None:
    older = digests_of("earlier", "2").model_copy(update={"pixel_digest": None})
    assert decided(NOVEL.model_copy(update={"earlier": (older,)})).upload


@pytest.mark.parametrize(("size", "uploads"), [(70, True), (69, False)])
def test_bucket_may_lose_exactly_30_percent_of_its_bytes(size: int, uploads: bool) -> None:
    decision = decided(textures=(texture_of("standard"), texture_of("heavy_crop", size=size)))
    assert decision.upload is uploads
    assert failed(decision) == (set() if uploads else {("bytes_per_pixel", "heavy_crop")})


@pytest.mark.parametrize(("sharpness", "uploads"), [(0.5, True), (0.499, False)])
def test_bucket_may_lose_exactly_half_of_its_sharpness(sharpness: float, uploads: bool) -> None:
    decision = decided(textures=(texture_of("standard", sharpness=sharpness), texture_of("heavy_crop")))
    assert failed(decision) == (set() if uploads else {("sharpness", "standard")})


def test_pixels_of_reference_and_output_need_not_be_equal() -> None:
    """Half the pixels in half the bytes is the same texture."""
    halved = texture_of("heavy_crop", size=50).model_copy(update={"pixels": 500})
    assert decided(textures=(texture_of("standard"), halved)).upload


@pytest.mark.parametrize(
    "textures",
    [None, (), (texture_of("standard"),), (*SOUND, texture_of("heavy_crop"))],
    ids=["unmeasured", "none", "one bucket lacks", "one bucket twice"],
)
def test_bucket_with_photos_needs_its_texture_measured_once(
    textures: tuple[BucketTexture, ...] | None,
) -> None:
    assert {("bytes_per_pixel", "heavy_crop"), ("sharpness", "heavy_crop")} <= failed(
        decided(textures=textures)
    )


def test_small_buckets_are_measured_too() -> None:
    photos: Mapping[Bucket, int] = {"standard": 900, "heavy_crop": 1}
    decision = decided(textures=(texture_of("standard"), texture_of("heavy_crop", size=69)), photos=photos)
    assert failed(decision) == {("bytes_per_pixel", "heavy_crop")}


def test_run_without_photos_is_not_uploaded() -> None:
    assert failed(decided(textures=(), photos={})) == {("photos", "all")}


def test_model_that_resized_to_256_pixels_never_gets_to_upload() -> None:
    """The user's v11: a zip of 172 MB where others have 570 MB, and 0.00 on every photo."""
    shrunk = {"size": 172, "reference_size": 570, "reference": "champion"}
    collapsed = tuple(texture_of(bucket, sharpness=0.02).model_copy(update=shrunk) for bucket in PHOTOS)
    decision = decided(textures=collapsed)
    assert not decision.upload
    assert failed(decision) == {
        (check, bucket) for check in ("bytes_per_pixel", "sharpness") for bucket in ("standard", "heavy_crop")
    }
    assert decision.outcomes[5].evidence == (
        "bucket 'standard' bytes per pixel, relative, 0.301754 < 0.7 (900 photos, against the champion)"
    )

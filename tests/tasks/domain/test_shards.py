from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.schemas import Engine, LegacyWarp, PhotoRef, RoutedPhoto
from tasks.domain.shards import count_routes, folder_digest, plan_shards, shard_digest

ENGINE = Engine(backend="opencv", quality=95, versions={"opencv": "5.0.0"})


def routed(
    photo_id: str, *, k1: float = -0.17, route: str = "dim_safe", sha256: str = "0" * 64
) -> RoutedPhoto:
    return RoutedPhoto(
        photo=PhotoRef(id=photo_id, width=2048, height=1367, size=1000, sha256=sha256),
        warp=LegacyWarp(k1=k1, k2=0.35),
        route=route,
        reason="a test",
        coefficient_source="shipped",
        interpolation="cubic",
        border="reflect",
    )


@given(count=st.integers(0, 60), shard_size=st.integers(1, 20), random=st.randoms())
def test_shards_are_a_partition_in_order_whatever_order_the_photos_come_in(
    count: int, shard_size: int, random: Random
) -> None:
    photos = [routed(f"p{index:03d}") for index in range(count)]
    shuffled = photos.copy()
    random.shuffle(shuffled)
    shards = plan_shards(shuffled, shard_size=shard_size, engine=ENGINE)
    assert [photo for shard in shards for photo in shard.photos] == photos
    assert all(len(shard.photos) == shard_size for shard in shards[:-1])
    assert [shard.index for shard in shards] == list(range(len(shards)))


def test_shard_size_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="shard_size must be 1 or more, got 0"):
        plan_shards([], shard_size=0, engine=ENGINE)


def test_two_methods_that_choose_the_same_warp_share_a_shard() -> None:
    assert shard_digest([routed("a", route="dim_safe")], ENGINE) == shard_digest(
        [routed("a", route="parent_safe")], ENGINE
    )


@pytest.mark.parametrize(
    ("photo", "engine"),
    [
        (routed("b"), ENGINE),
        (routed("a", k1=-0.18), ENGINE),
        (routed("a", sha256="1" * 64), ENGINE),
        (routed("a").model_copy(update={"interpolation": "linear"}), ENGINE),
        (routed("a").model_copy(update={"border": "constant"}), ENGINE),
        (routed("a"), ENGINE.model_copy(update={"quality": 96})),
        (routed("a"), ENGINE.model_copy(update={"versions": {"opencv": "5.0.1"}})),
        (routed("a"), ENGINE.model_copy(update={"backend": "cupy"})),
    ],
)
def test_whatever_alters_a_pixel_alters_the_shard_digest(photo: RoutedPhoto, engine: Engine) -> None:
    assert shard_digest([photo], engine) != shard_digest([routed("a")], ENGINE)


def test_folder_digest_does_not_depend_on_the_order() -> None:
    photos = [("a.jpg", "0" * 64), ("b.jpg", "1" * 64)]
    assert folder_digest(photos) == folder_digest(reversed(photos))
    assert folder_digest(photos) != folder_digest([("a.jpg", "1" * 64), ("b.jpg", "0" * 64)])


def test_routes_are_counted_with_the_most_used_first() -> None:
    uses = count_routes([routed("a"), routed("b", route="dim_primary", k1=-0.2), routed("c")])
    assert [(use.route, use.photos) for use in uses] == [("dim_safe", 2), ("dim_primary", 1)]

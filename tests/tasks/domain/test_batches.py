import json
from datetime import UTC, datetime

import pytest

from tasks.domain.batches import batch_digest, cut_batches, differing_versions, read_heartbeat, read_manifest
from tasks.domain.errors import DocumentError
from tasks.domain.schemas import Engine, IdentityWarp, PhotoRef, PhotoShard, RoutedPhoto


def shard(index: int, photos: int) -> PhotoShard:
    routed = RoutedPhoto(
        photo=PhotoRef(id="a_g1", width=10, height=10, size=10, sha256="0" * 64),
        warp=IdentityWarp(),
        route="r",
        reason="because",
        coefficient_source="shipped",
        interpolation="linear",
        border="reflect",
    )
    return PhotoShard(index=index, digest=f"{index:064x}", photos=(routed,) * photos)


@pytest.mark.parametrize(
    ("sizes", "cut"),
    [
        ([], []),
        ([250, 250, 250, 40], [[250, 250], [250, 40]]),
        ([900, 10, 10], [[900], [10, 10]]),
        ([500], [[500]]),
        ([501, 500], [[501], [500]]),
    ],
)
def test_batches_are_shards_in_order_within_the_limit(sizes: list[int], cut: list[list[int]]) -> None:
    shards = [shard(index, size) for index, size in enumerate(sizes)]
    batches = cut_batches(shards, photos=500)
    assert [[len(one.photos) for one in batch] for batch in batches] == cut
    assert [one for batch in batches for one in batch] == shards


def test_a_batch_is_named_by_its_shards_and_their_order() -> None:
    first, second = shard(0, 1), shard(1, 1)
    digests = {batch_digest(batch) for batch in ([first], [second], [first, second], [second, first])}
    assert len(digests) == 4
    assert batch_digest([first, second]) == batch_digest((first, second))


def test_versions_that_are_not_stated_may_differ() -> None:
    engine = Engine(backend="opencv", quality=95, versions={"renderer": "1", "pillow": "12"})
    assert differing_versions(engine, {"renderer": "1", "pillow": "12", "numpy": "2.0"}) == ()
    assert differing_versions(engine, {"renderer": "2"}) == (
        "pillow 'unknown' where '12' is wanted",
        "renderer '2' where '1' is wanted",
    )


def test_a_sign_of_life_without_a_zone_or_with_more_is_refused() -> None:
    beat = {"format": 1, "digest": "0" * 64, "attempt": 0, "photos": 1, "photos_done": 0, "shards_done": 0}
    text = str({**beat, "container": "c", "at": "2026-01-01T00:00:00Z"}).replace("'", '"').encode()
    assert read_heartbeat(text).at == datetime(2026, 1, 1, tzinfo=UTC)
    for wrong in (text.replace(b"00Z", b"00"), text.replace(b"{", b'{"url": "x", ', 1)):
        with pytest.raises(DocumentError):
            read_heartbeat(wrong)


def test_a_flood_is_no_manifest() -> None:
    with pytest.raises(DocumentError, match="at most"):
        read_manifest(b" " * (5 << 20))


def test_words_that_would_command_a_terminal_are_refused() -> None:
    beat = {"format": 1, "digest": "0" * 64, "attempt": 0, "photos": 1, "photos_done": 0, "shards_done": 0}
    for sign in ("\x1b[2J", "\n", "\u202e"):
        text = json.dumps({**beat, "container": f"kernel{sign}", "at": "2026-01-01T00:00:00Z"}).encode()
        with pytest.raises(DocumentError, match="terminal"):
            read_heartbeat(text)

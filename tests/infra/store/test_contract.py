"""What every kind of store promises, tried on each kind."""

import hashlib
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.errors import (
    DigestMismatch,
    ObjectExists,
    ObjectMissing,
    RangeOutsideObject,
    StoreError,
    VersionConflict,
)
from infra.store.interface import ObjectStore, StoredObject

PART = 8 << 20
ODD_KEYS = ("ä ö+%&=.txt", "a-b_c~(1)!'*.zip", "x y/ .. z", "q?x=1#y", "日本/写真.jpg")
BAD_KEYS = ("", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", ".store/x", "a\\b", "a\x00", "a\nb", "\ud800")


def test_created_object_is_read_back_whole(store: ObjectStore) -> None:
    stored = store.create("run/1/a.zip", b"body")
    assert store.read("run/1/a.zip") == b"body"
    assert store.head("run/1/a.zip") == stored
    assert (stored.key, stored.size) == ("run/1/a.zip", 4)


def test_empty_object_is_an_object(store: ObjectStore) -> None:
    stored = store.create("empty", b"")
    assert (store.read("empty"), list(store.stream("empty")), stored.size) == (b"", [], 0)
    assert list(store.list("")) == [stored]


def test_creating_the_same_content_again_is_success(store: ObjectStore) -> None:
    first = store.create("a", b"same")
    assert store.create("a", b"same") == first
    assert store.create_stream("a", [b"sa", b"me"])[0] == first


@pytest.mark.parametrize("other", [b"Same", b"longer", b""])
def test_creating_other_content_is_refused_and_changes_nothing(store: ObjectStore, other: bytes) -> None:
    store.create("a", b"same")
    with pytest.raises(ObjectExists, match="'a'"):
        store.create("a", other)
    with pytest.raises(ObjectExists, match="'a'"):
        store.create_stream("a", [other])
    assert store.read("a") == b"same"


def test_stated_digest_is_verified_before_anything_is_stored(store: ObjectStore) -> None:
    digest = hashlib.sha256(b"good").hexdigest()
    with pytest.raises(DigestMismatch, match=digest):
        store.create("a", b"evil", sha256=digest)
    assert store.head("a") is None
    assert store.create("a", b"good", sha256=digest.upper()).size == 4


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 5])
def test_streamed_object_is_read_back_whole(store: ObjectStore, size: int) -> None:
    body = bytes(itertools.islice(itertools.cycle(range(251)), size))
    chunks = (body[at : at + 777_777] for at in range(0, size, 777_777))
    stored, digest = store.create_stream("a", chunks)
    assert digest == hashlib.sha256(body).hexdigest()
    assert stored.size == size
    assert store.head("a") == stored
    assert store.read("a") == body


def test_streaming_the_same_content_again_is_success(
    store: ObjectStore, leftovers: Callable[[ObjectStore], list[str]]
) -> None:
    chunks = [bytes([number]) * PART for number in range(2)]
    first = store.create_stream("a", chunks)
    assert store.create_stream("a", chunks) == first
    assert store.create("a", b"".join(chunks)) == first[0]
    assert leftovers(store) == []


def test_streaming_other_content_is_refused_and_changes_nothing(
    store: ObjectStore, leftovers: Callable[[ObjectStore], list[str]]
) -> None:
    store.create("a", b"kept")
    with pytest.raises(ObjectExists, match="'a'"):
        store.create_stream("a", [bytes(PART), b"x"])
    assert store.read("a") == b"kept"
    assert leftovers(store) == []


class SourceFailedError(OSError):
    """Like a read error of the photo that is being packed."""


@pytest.mark.parametrize("chunks_before", [0, 1, 3, 5])
def test_stream_whose_source_fails_leaves_nothing(
    store: ObjectStore, leftovers: Callable[[ObjectStore], list[str]], chunks_before: int
) -> None:
    def failing() -> Iterator[bytes]:
        yield from itertools.repeat(bytes(4 << 20), chunks_before)
        raise SourceFailedError("source")

    with pytest.raises(SourceFailedError, match="source"):
        store.create_stream("a/b", failing())
    assert list(store.list("")) == []
    assert leftovers(store) == []


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [(0, 10, b"0123456789"), (3, 4, b"3456"), (9, 1, b"9"), (0, 0, b""), (10, 0, b"")],
)
def test_range_is_exactly_what_was_asked(
    store: ObjectStore, start: int, length: int, expected: bytes
) -> None:
    store.create("a", b"0123456789")
    assert store.read_range("a", start=start, length=length) == expected


@pytest.mark.parametrize(("start", "length"), [(0, 11), (9, 2), (10, 1), (11, 0), (99, 5)])
def test_range_beyond_the_end_is_refused_rather_than_cut(store: ObjectStore, start: int, length: int) -> None:
    store.create("a", b"0123456789")
    with pytest.raises(RangeOutsideObject, match="'a'"):
        store.read_range("a", start=start, length=length)


def test_negative_range_is_the_callers_mistake(store: ObjectStore) -> None:
    store.create("a", b"0123456789")
    with pytest.raises(ValueError, match="start=-1"):
        store.read_range("a", start=-1, length=2)


@pytest.mark.parametrize("chunk_size", [1000, 1 << 20, 9 << 20])
def test_stream_has_chunks_of_the_size_asked(store: ObjectStore, chunk_size: int) -> None:
    body = bytes(itertools.islice(itertools.cycle(range(253)), PART + 12_345))
    store.create("a", body)
    chunks = list(store.stream("a", chunk_size=chunk_size))
    assert b"".join(chunks) == body
    assert {len(chunk) for chunk in chunks[:-1]} <= {chunk_size}
    assert len(chunks[-1]) <= chunk_size


def test_missing_object_is_named(store: ObjectStore) -> None:
    store.create("there/x", b"1")
    for missing in ("gone", "there", "there/x/y"):
        assert store.head(missing) is None
        for read in (store.read, lambda key: list(store.stream(key)), lambda key: _range(store, key)):
            with pytest.raises(ObjectMissing, match=f"'{missing}'"):
                read(missing)


def _range(store: ObjectStore, key: str) -> bytes:
    return store.read_range(key, start=0, length=0) + store.read_range(key, start=0, length=1)


def test_listing_is_sorted_by_the_bytes_of_the_keys(store: ObjectStore) -> None:
    keys = ["a-b", "a/c", "a/d/e", "a.b", "a0", "b", "z/y/x", "ä", "a/d-1", "Z"]
    for key in keys:
        store.create(key, key.encode())
    listed = list(store.list(""))
    assert [stored.key for stored in listed] == sorted(keys, key=str.encode)
    assert listed == [store.head(stored.key) for stored in listed]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [("a", ["a-b", "a/c", "a/d/e"]), ("a/", ["a/c", "a/d/e"]), ("a/d", ["a/d/e"]), ("c", []), ("b/x", [])],
)
def test_prefix_is_a_beginning_of_keys_not_a_folder(
    store: ObjectStore, prefix: str, expected: list[str]
) -> None:
    for key in ("a-b", "a/c", "a/d/e", "b"):
        store.create(key, b"1")
    assert [stored.key for stored in store.list(prefix)] == expected


def test_swap_replaces_the_expected_version(store: ObjectStore) -> None:
    first = store.swap("pointer", b"1", expected=None)
    second = store.swap("pointer", b"2", expected=first.version)
    assert store.read("pointer") == b"2"
    assert store.head("pointer") == second
    assert second.version != first.version


def test_stale_swap_is_refused_and_changes_nothing(store: ObjectStore) -> None:
    first = store.create("pointer", b"1")
    second = store.swap("pointer", b"2", expected=first.version)
    with pytest.raises(VersionConflict, match="'pointer'"):
        store.swap("pointer", b"3", expected=first.version)
    assert (store.read("pointer"), store.head("pointer")) == (b"2", second)


def test_swap_that_expects_no_object_refuses_one(store: ObjectStore) -> None:
    store.create("pointer", b"1")
    with pytest.raises(VersionConflict, match="expected to be no object"):
        store.swap("pointer", b"2", expected=None)
    assert store.read("pointer") == b"1"


def test_swap_that_expects_an_object_refuses_none(store: ObjectStore) -> None:
    version = store.create("pointer", b"1").version
    store.delete("pointer")
    with pytest.raises(VersionConflict, match="but is nothing"):
        store.swap("pointer", b"2", expected=version)
    assert store.head("pointer") is None


def test_repeated_swap_of_the_same_body_is_success(store: ObjectStore) -> None:
    first = store.create("pointer", b"1")
    second = store.swap("pointer", b"2 nonce", expected=first.version)
    assert store.swap("pointer", b"2 nonce", expected=first.version) == second
    assert store.swap("pointer", b"2 nonce", expected=None) == second


def test_deleted_object_is_gone_and_its_key_is_free(store: ObjectStore) -> None:
    store.create("a/b/c", b"1")
    store.delete("a/b/c")
    store.delete("a/b/c")
    assert list(store.list("")) == []
    assert store.create("a/b/c", b"2").size == 1


def test_delete_spares_another_version(store: ObjectStore) -> None:
    first = store.create("a", b"1")
    second = store.swap("a", b"2", expected=first.version)
    with pytest.raises(VersionConflict, match="'a'"):
        store.delete("a", expected=first.version)
    assert store.head("a") == second
    store.delete("a", expected=second.version)
    store.delete("a", expected=second.version)
    assert store.head("a") is None


@pytest.mark.parametrize("key", ODD_KEYS)
def test_key_may_hold_any_visible_character(store: ObjectStore, key: str) -> None:
    stored = store.create(key, key.encode())
    assert store.read(key) == key.encode()
    assert list(store.list("")) == [stored]


@pytest.mark.parametrize("key", [*BAD_KEYS, "k" * 256, "é" * 128, "/".join(["k" * 200] * 6)])
def test_every_operation_refuses_what_is_no_key(store: ObjectStore, key: str) -> None:
    operations: tuple[Callable[[], object], ...] = (
        lambda: store.create(key, b""),
        lambda: store.create_stream(key, [b""]),
        lambda: store.read(key),
        lambda: store.read_range(key, start=0, length=1),
        lambda: list(store.stream(key)),
        lambda: store.head(key),
        lambda: store.swap(key, b"", expected=None),
        lambda: store.delete(key),
        lambda: store.presign_get(key, expires_s=1),
        lambda: store.presign_put(key, sha256="00" * 32, size=1, expires_s=1),
        lambda: store.presign_create(key, expires_s=1),
        lambda: store.presign_replace(key, expires_s=1),
    )
    for operation in operations:
        with pytest.raises(ValueError, match="object key"):
            operation()


def test_listing_refuses_what_begins_no_key(store: ObjectStore) -> None:
    for prefix in ("/", "../", ".store", "a//", "\x00"):
        with pytest.raises(ValueError, match="key prefix"):
            list(store.list(prefix))


def test_folder_of_objects_is_no_place_for_an_object(store: ObjectStore) -> None:
    store.create("a/b", b"1")
    attempts: tuple[Callable[[], object], ...] = (
        lambda: store.create("a", b"2"),
        lambda: store.create_stream("a", [b"2"]),
        lambda: store.swap("a", b"2", expected=None),
    )
    for attempt in attempts:
        with pytest.raises(ObjectExists, match=r"'a' .* is the folder of other objects"):
            attempt()
    assert [stored.key for stored in store.list("")] == ["a/b"]


def test_threads_share_one_store(store: ObjectStore) -> None:
    def round_trip(number: int) -> bool:
        stored = store.create(f"t/{number % 10}", b"x" * (number % 10))
        return store.head(stored.key) == stored and store.read(stored.key) == b"x" * (number % 10)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(round_trip, range(40)))


def test_exactly_one_thread_of_eight_creates_each_object(store: ObjectStore) -> None:
    def attempt(number: int) -> StoredObject | None:
        try:
            return store.create(f"r/{number // 8}", f"writer {number}".encode())
        except ObjectExists:
            return None

    with ThreadPoolExecutor(8) as pool:
        won = [number for number, stored in enumerate(pool.map(attempt, range(80))) if stored]
    assert [number // 8 for number in won] == list(range(10))
    assert all(store.read(f"r/{number // 8}") == f"writer {number}".encode() for number in won)


def test_errors_are_one_tree_with_sentences_that_name_the_store(store: ObjectStore) -> None:
    store.create("a", b"1")
    for refused in (lambda: store.create("a", b"2"), lambda: store.read("b")):
        with pytest.raises(StoreError) as caught:
            refused()
        assert store.url in str(caught.value)
        assert not caught.value.retryable

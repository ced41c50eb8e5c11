"""What only a local folder does: files, links, permissions, leftovers."""

import errno
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from infra.errors import (
    ObjectExists,
    PresignUnsupported,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreNotConforming,
    StoreUnavailable,
)
from infra.store import durable
from infra.store.disk_errors import in_sentences
from infra.store.local import LocalStore


@pytest.fixture
def folder(local_store: LocalStore, tmp_path: Path) -> Path:
    """Where the files of ``local_store`` are."""
    return tmp_path / "store"


def test_object_is_an_ordinary_file_with_the_users_permissions(local_store: LocalStore, folder: Path) -> None:
    local_store.create("run/1/a.zip", b"body")
    old = os.umask(0)
    os.umask(old)
    path = folder / "run" / "1" / "a.zip"
    assert path.read_bytes() == b"body"
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~old


def test_reading_a_missing_folder_makes_nothing(local_store: LocalStore, folder: Path) -> None:
    assert list(local_store.list("")) == []
    assert local_store.head("a") is None
    local_store.delete("a")
    assert not folder.exists()


def test_version_differs_after_moving_away_and_back(local_store: LocalStore) -> None:
    versions = [local_store.create("pointer", b"A").version]
    for body in (b"B", b"A", b"B", b"A"):
        versions.append(local_store.swap("pointer", body, expected=versions[-1]).version)
    assert len(set(versions)) == 5


def test_object_in_the_place_of_a_folder_is_named(local_store: LocalStore) -> None:
    local_store.create("a", b"1")
    with pytest.raises(ObjectExists, match=r"'a/b/c' needs a folder where .* holds the object 'a'"):
        local_store.create("a/b/c", b"2")


@pytest.mark.parametrize("key", ["file", "folder/inside"])
def test_symbolic_link_is_not_followed(
    local_store: LocalStore, folder: Path, tmp_path: Path, key: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "inside").write_bytes(b"secret")
    local_store.create("kept", b"1")
    (folder / "file").symlink_to(outside / "inside")
    (folder / "folder").symlink_to(outside)
    for operation in (
        local_store.read,
        local_store.head,
        local_store.delete,
        lambda key: local_store.create(key, b""),
    ):
        with pytest.raises(StoreError, match="symbolic link"):
            operation(key)
    assert [stored.key for stored in local_store.list("")] == ["kept"]
    assert (outside / "inside").read_bytes() == b"secret"


def test_store_may_itself_be_reached_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    LocalStore(tmp_path / "link").create("a", b"1")
    assert LocalStore(tmp_path / "real").read("a") == b"1"


def test_files_that_are_no_keys_are_no_objects(local_store: LocalStore, folder: Path) -> None:
    local_store.create("a", b"1")
    (folder / ".DS_Store").write_bytes(b"")
    (folder / "back\\slash").write_bytes(b"")
    (folder / os.fsdecode(b"latin-\xe9")).write_bytes(b"")
    os.mkfifo(folder / "pipe")
    assert [stored.key for stored in local_store.list("")] == ["a"]


def test_leftovers_of_a_killed_writer_are_swept_once_they_are_old(
    local_store: LocalStore, folder: Path
) -> None:
    local_store.create("a", b"1")
    old, fresh = folder / ".store" / "tmp" / "old", folder / ".store" / "tmp" / "fresh"
    for path in (old, fresh):
        path.write_bytes(b"half")
    two_days_ago = time.time() - 48 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    LocalStore(folder)
    assert (old.exists(), fresh.exists()) == (False, True)


def test_lock_of_a_stopped_holder_is_told_in_the_end(tmp_path: Path) -> None:
    with (
        durable.locked(tmp_path / "lock", patience_s=1.0),
        pytest.raises(StoreUnavailable, match=r"could not lock 'a' now"),
        in_sentences("lock 'a'", folder=tmp_path),
        durable.locked(tmp_path / "lock", patience_s=0.02),
    ):
        raise AssertionError("two holders")


def test_waiter_gets_the_lock_when_the_holder_leaves(tmp_path: Path) -> None:
    entered = threading.Event()

    def wait() -> None:
        with durable.locked(tmp_path / "lock", patience_s=30.0):
            entered.set()

    waiter = threading.Thread(target=wait)
    with durable.locked(tmp_path / "lock", patience_s=0.0):
        waiter.start()
        assert not entered.wait(0.05)
    waiter.join()
    assert entered.is_set()


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOSPC, StoreFull, "no space or quota is left in"),
        (errno.EDQUOT, StoreFull, "free some and run again"),
        (errno.EROFS, StoreDenied, "make it writable or name another folder"),
        (errno.EACCES, StoreDenied, "does not let this user write 'a'"),
        (errno.ENOTSUP, StoreNotConforming, "name a folder on a local disk"),
        (errno.EMFILE, StoreUnavailable, "could not write 'a' now"),
        (errno.EIO, StoreError, "could not write 'a'"),
    ],
)
def test_each_refusal_of_the_system_is_a_sentence_that_names_the_folder(
    tmp_path: Path, number: int, kind: type[StoreError], words: str
) -> None:
    with pytest.raises(StoreError, match=words) as caught, in_sentences("write 'a'", folder=tmp_path):
        raise OSError(number, os.strerror(number), "/a/temporary/name")
    assert type(caught.value) is kind
    assert str(tmp_path) in str(caught.value)
    assert "temporary" not in str(caught.value)


def test_folder_has_no_urls(local_store: LocalStore) -> None:
    with pytest.raises(PresignUnsupported, match="no URLs to presign"):
        local_store.presign_get("a", expires_s=60)
    with pytest.raises(PresignUnsupported, match="need an s3:// store"):
        local_store.presign_put("a", sha256="00" * 32, size=1, expires_s=60)
    with pytest.raises(PresignUnsupported, match="no URLs to presign"):
        local_store.presign_create("a", expires_s=60)
    with pytest.raises(PresignUnsupported, match="no URLs to presign"):
        local_store.presign_replace("a", expires_s=60)


def test_reader_keeps_the_version_it_opened(local_store: LocalStore) -> None:
    version = local_store.create("a", b"1" * 10).version
    chunks = local_store.stream("a", chunk_size=4)
    first = next(chunks)
    local_store.swap("a", b"2" * 10, expected=version)
    assert first + b"".join(chunks) == b"1" * 10

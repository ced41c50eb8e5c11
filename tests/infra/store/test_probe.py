import threading
import time
from pathlib import Path

import pytest

from infra.errors import StoreNotConforming, StoreUnavailable
from infra.store.interface import ObjectStore, StoredObject
from infra.store.local import LocalStore
from infra.store.probe import probe_store
from infra.store.s3 import S3Store


class OverwritingStore(LocalStore):
    """Like a server that ignores conditions: everybody wins, the last one stays."""

    _one_by_one = threading.Lock()

    def create(self, key: str, body: bytes, *, sha256: str | None = None) -> StoredObject:
        with self._one_by_one:
            super().delete(key)
            return super().create(key, body)

    def swap(self, key: str, body: bytes, *, expected: str | None) -> StoredObject:
        return self.create(key, body)


class AbsentStore(LocalStore):
    def create(self, key: str, body: bytes, *, sha256: str | None = None) -> StoredObject:
        raise StoreUnavailable("away")


def test_both_kinds_of_store_keep_every_promise(local_store: LocalStore, s3_store: S3Store) -> None:
    for store, without in ((local_store, ["presigned put"]), (s3_store, [])):
        report = probe_store(store)
        report.require_conforming()
        assert len(report.checks) == 7
        assert [check.name for check in report.checks if check.outcome != "passed"] == without


def test_store_that_overwrites_is_refused_with_every_broken_promise(tmp_path: Path) -> None:
    report = probe_store(OverwritingStore(tmp_path))
    broken = {check.name for check in report.failures()}
    assert broken >= {"create twice", "stale swap", "create race", "swap race", "checksum"}
    with pytest.raises(StoreNotConforming) as caught:
        report.require_conforming()
    assert all(name in str(caught.value) for name in broken)


def test_probe_leaves_nothing(store: ObjectStore) -> None:
    store.create("mine", b"1")
    probe_store(store)
    assert [stored.key for stored in store.list("")] == ["mine"]


def test_store_out_of_reach_is_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="away"):
        probe_store(AbsentStore(tmp_path))


def test_probe_sweeps_what_a_killed_one_left_an_hour_ago_and_nothing_younger(store: ObjectStore) -> None:
    now = int(time.time())
    old, young = f"probe/{now - 3700}-{'0' * 32}/create", f"probe/{now - 60}-{'1' * 32}/create"
    for key in (old, young):
        store.create(key, b"left")
    probe_store(store)
    assert [found.key for found in store.list("probe/")] == [young]

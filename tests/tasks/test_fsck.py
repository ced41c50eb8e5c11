import hashlib
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from infra.errors import StoreError, StoreUnavailable
from infra.store.interface import ObjectStore
from infra.store.local import LocalStore
from infra.store.opening import open_store
from tasks.domain.ledger import LedgerEntry, pointer_document
from tasks.domain.schemas import RunManifest
from tasks.fsck import fsck
from tasks.keys import champion_key, manifest_key, photo_key, plan_key, shard_key, submission_key, table_key
from tasks.photo_workers import PhotoWorkers
from tasks.rendering import rendered_shard
from tests.corruptions import corruptions
from tests.ledger_entries import PORTAL
from tests.sealed_store import build_sealed_store, planned, seal

CHAMPION = champion_key(PORTAL)
FIRST, SECOND, PRUNED = (f"submission_calibguard_dim_safe_20261123_120{minute}00" for minute in range(3))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, workers: PhotoWorkers) -> Path:
    """Folder with the folder of a sealed store in it; not to be changed."""
    folder = tmp_path_factory.mktemp("sealed")
    build_sealed_store(folder, workers)
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """Folder of a sealed store of the test's own."""
    return Path(copytree(template / "store", tmp_path / "store"))


@pytest.fixture
def store(folder: Path) -> ObjectStore:
    return open_store(str(folder))


def found(store: ObjectStore) -> list[tuple[str, str]]:
    return [(finding.key, finding.kind) for finding in fsck(store).findings]


def entry_key(store: ObjectStore, event: str, name: str) -> str:
    (key,) = (one.key for one in store.list("ledger/") if f"_{event}_{name}_" in one.key)
    return key


def test_a_whole_store_is_clean_and_every_object_in_it_was_read(store: ObjectStore) -> None:
    report = fsck(store)
    listed = list(store.list(""))
    assert (report.findings, report.unfinished) == ((), ())
    assert (report.objects, report.bytes) == (len(listed), sum(one.size for one in listed))
    rooms = {one.key.partition("/")[0] for one in listed}
    assert len(rooms) == 11, "the store lacks a kind of object that corruptions should hit"
    assert store.head(submission_key(PRUNED)) is None


def test_all_of_200_seeded_corruptions_are_found(template: Path) -> None:
    found, missed = 0, []
    for folder, corruption in corruptions(template / "store", count=200, seed=0):
        if corruption.is_found(fsck(open_store(str(folder)))):
            found += 1
        else:
            missed.append(corruption.name)
    assert (found, missed) == (200, [])
    assert fsck(open_store(str(folder))).is_clean, "damage was left behind, and found instead of the next"


def test_no_entry_of_the_ledger_can_vanish_unseen(folder: Path, store: ObjectStore) -> None:
    for key in [one.key for one in store.list("ledger/")]:
        document = (folder / key).read_bytes()
        (folder / key).unlink()
        assert found(store), key
        (folder / key).write_bytes(document)
    assert found(store) == []


def test_a_manifest_that_no_rendered_entry_seals_is_a_finding_and_still_seals_its_run(
    folder: Path, store: ObjectStore
) -> None:
    (folder / entry_key(store, "rendered", FIRST)).unlink()
    assert found(store) == [(manifest_key(FIRST), "unsealed")]
    (folder / submission_key(FIRST)).unlink()
    assert (submission_key(FIRST), "missing") in found(store)


def test_a_run_that_never_finished_is_no_finding(
    template: Path, store: ObjectStore, workers: PhotoWorkers
) -> None:
    plan = planned(template / "photos", store, minute=3, quality=80)
    rendered_shard(plan.shards[0], plan.engine, template / "photos", workers, store)
    store.delete(shard_key(plan.shards[0].digest))
    report = fsck(store)
    assert report.is_clean
    photos = [one.key for one in store.list(f"renders/{plan.shards[0].digest}/")]
    assert len(photos) == 4
    assert report.unfinished == (*photos, plan_key(plan.name), table_key(plan.name))


def test_a_finished_shard_of_an_unfinished_run_is_held_against_its_own_record(
    template: Path, folder: Path, store: ObjectStore, workers: PhotoWorkers
) -> None:
    plan = planned(template / "photos", store, minute=3, quality=80)
    rendered_shard(plan.shards[0], plan.engine, template / "photos", workers, store)
    assert fsck(store).is_clean
    photo = f"renders/{plan.shards[0].digest}/home000_g0.jpg"
    (folder / photo).write_bytes(b"other bytes")
    assert found(store) == [(photo, "altered")]


def test_steps_of_an_attempt_that_no_entry_seals_are_unfinished(store: ObjectStore) -> None:
    step = f"flights/{PORTAL.key}/{'0' * 64}/attempts/001/intent.json"
    store.create(step, b"{}")
    report = fsck(store)
    assert (report.findings, report.unfinished) == ((), (step,))


def test_a_step_that_its_attempts_entry_does_not_seal_is_a_finding(store: ObjectStore) -> None:
    sealed = next(one.key for one in store.list("flights/") if one.key.endswith("/intent.json"))
    late = sealed.replace("intent.json", "failed.json")
    store.create(late, b"{}")
    assert found(store) == [(late, "unsealed")]


@pytest.mark.parametrize(
    "key", ["stray.txt", "ledger/stray", "reports/a/stray.html", "submissions/stray.zip", "runs/a/stray"]
)
def test_an_object_that_nothing_accounts_for_is_a_finding(key: str, store: ObjectStore) -> None:
    store.create(key, b"stray")
    assert [place for place, _ in found(store)] == [key]


def test_a_pointer_that_is_gone_or_older_than_the_last_promotion_is_found(
    folder: Path, store: ObjectStore
) -> None:
    first = LedgerEntry.model_validate_json(store.read(entry_key(store, "promoted", FIRST)))
    assert first.pointer is not None
    (folder / CHAMPION).write_bytes(pointer_document(first.pointer))
    assert found(store) == [(CHAMPION, "altered")]
    (folder / CHAMPION).unlink()
    assert found(store) == [(CHAMPION, "missing")]


def test_a_pointer_is_unrecorded_only_if_it_is_the_next_promotion_under_its_own_judge(
    folder: Path, store: ObjectStore
) -> None:
    last = LedgerEntry.model_validate_json(store.read(entry_key(store, "promoted", SECOND))).pointer
    assert last is not None
    ahead = last.model_copy(update={"generation": 3})  # the same move, since the nonce is the same
    (folder / CHAMPION).write_bytes(pointer_document(ahead))
    first = last.model_copy(update={"generation": 1})
    store.create("champions/other-judge.json", pointer_document(first))
    assert found(store) == [(CHAMPION, "altered"), ("champions/other-judge.json", "unsealed")]


def test_a_promotion_that_the_ledger_does_not_tell_is_unrecorded(folder: Path, store: ObjectStore) -> None:
    (folder / entry_key(store, "promoted", SECOND)).unlink()
    last = dict(found(store))
    assert last.pop(CHAMPION) == "unrecorded"
    assert list(last.values()) == ["unsealed"]  # the decision it rests on


def test_a_gap_between_promotions_is_found(folder: Path, store: ObjectStore) -> None:
    (folder / entry_key(store, "promoted", FIRST)).unlink()
    assert (CHAMPION, "unrecorded") in found(store)


def test_a_pruned_zip_that_is_there_all_the_same_must_be_the_one_that_was_made(store: ObjectStore) -> None:
    store.create(submission_key(PRUNED), b"no such zip")
    assert found(store) == [(submission_key(PRUNED), "altered")]


def test_photos_that_pruning_was_cut_off_from_are_unfinished(store: ObjectStore) -> None:
    manifest = RunManifest.model_validate_json(store.read(manifest_key(PRUNED)))
    photo = photo_key(manifest.shards[1], "home001_g0")
    store.create(photo, b"photo")
    report = fsck(store)
    assert (report.findings, report.unfinished) == ((), (photo,))


def test_photos_whose_record_is_unreadable_are_not_judged(folder: Path, store: ObjectStore) -> None:
    record = next(one.key for one in store.list("renders/") if one.key.endswith("/shard.json"))
    (folder / record).write_bytes(b"{}")
    assert found(store) == [(record, "unreadable")]
    assert fsck(store).unfinished == ()


def test_an_entry_under_another_time_is_misplaced(folder: Path, store: ObjectStore) -> None:
    key = entry_key(store, "rendered", FIRST)
    later = key.replace("ledger/2026", "ledger/2027")
    (folder / key).rename(folder / later)
    assert found(store) == [(later, "misplaced")]


def test_a_lease_may_change_but_must_be_one(folder: Path, store: ObjectStore) -> None:
    lease = next(one.key for one in store.list("flights/") if one.key.endswith("/lease.json"))
    (folder / lease).write_bytes(b'{"owner": "host 2", "expires": 1.5, "nonce": "n"}')
    assert fsck(store).is_clean
    (folder / lease).write_bytes(b'{"owner": "host 2"}')
    assert found(store) == [(lease, "unreadable")]


def test_a_finding_steers_no_terminal_whatever_a_record_holds(folder: Path, store: ObjectStore) -> None:
    body = (folder / CHAMPION).read_bytes()
    (folder / CHAMPION).write_bytes(body[:-1] + b',"\\u001b[2J\\n": 1}')
    (finding,) = fsck(store).findings
    assert r"\x1b[2J\n: is an unknown key" in finding.sentence
    assert finding.sentence.isprintable()


def test_objects_of_a_probe_are_left_alone(store: ObjectStore) -> None:
    store.create("probe/1-0/create-twice", b"first")
    assert fsck(store).is_clean


def test_what_rented_machines_were_told_and_said_is_left_alone(store: ObjectStore) -> None:
    store.create(f"batches/{'0' * 64}/0/manifest.json", b"a claim")
    store.create("remote/cg-k-0123456789abcdef0123-0/intent.json", b"a record")
    assert found(store) == []


@pytest.mark.parametrize("room", ["inputs/{}.jpg", "agents/{}.zip"])
def test_an_object_named_by_its_content_is_held_against_its_name(room: str, store: ObjectStore) -> None:
    whole, other = (hashlib.sha256(text).hexdigest() for text in (b"whole", b"other"))
    store.create(room.format(whole), b"whole")
    assert found(store) == []
    store.create(room.format(other), b"altered")
    assert found(store) == [(room.format(other), "altered")]


def test_what_is_added_and_removed_meanwhile_is_seen_as_it_is_in_the_end(store: ObjectStore) -> None:
    store.create("stray", b"stray")

    def work_goes_on(read: int, listed: int) -> None:
        if read == 1:
            seal("rejected", SECOND, {f"decisions/{SECOND}/late.json": b"{}"}, store)
            store.delete("stray")

    before = len(list(store.list("")))
    report = fsck(store, progress=work_goes_on)
    assert (report.findings, report.objects) == ((), before + 1)


def test_a_record_too_long_to_be_one_is_not_read_into_memory(folder: Path, store: ObjectStore) -> None:
    with (folder / manifest_key(FIRST)).open("r+b") as manifest:
        manifest.truncate((64 << 20) + 1)
    (finding,) = fsck(store).findings
    assert (finding.key, finding.kind) == (manifest_key(FIRST), "unreadable")
    assert "it has 67108865 bytes" in finding.sentence


class _BadDisk(LocalStore):
    """Cannot read zips."""

    error: StoreError

    def stream(self, key: str, *, chunk_size: int = 1 << 20) -> Iterator[bytes]:
        if key.endswith(".zip"):
            raise self.error
        return super().stream(key, chunk_size=chunk_size)


def test_an_object_that_the_disk_cannot_read_is_a_finding_and_an_outage_is_none(folder: Path) -> None:
    store = _BadDisk(folder)
    store.error = StoreError("could not read it (Input/output error)")
    assert found(store) == [(submission_key(name), "unreadable") for name in (FIRST, SECOND)]
    store.error = StoreUnavailable("not now")
    with pytest.raises(StoreUnavailable):
        fsck(store)

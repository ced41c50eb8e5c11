import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from infra.errors import RemoteRefused
from infra.kaggle.refusals import KernelGone
from tasks.dataset import DatasetMissing, DiskTooSmall, Downloaded, dimensions, download, mounted_dataset
from tasks.unpacking import ArchiveUnusable
from tests.fake_kaggle.faults import Fault, seeded_faults
from tests.fake_kaggle.running import running_fake_kaggle
from tests.fake_kaggle.service import TOKEN, FakeKaggle
from tests.infra.kaggle.accounts import account
from tests.photos import jpeg

PAIRS, PHOTOS = "lens-correction-train-cleaned", "test-originals"


def put_dataset(root: Path, *, pairs: int, photos: int) -> None:
    for folder in (PAIRS, PHOTOS):
        (root / folder).mkdir(parents=True)
    for number in range(pairs):
        for half in ("original", "generated"):
            name = f"home{number:03}_g0_{half}.jpg"
            (root / PAIRS / name).write_bytes(f"pair {number} {half}".encode() * 20)
    for number in range(photos):
        (root / PHOTOS / f"test{number:03}_g0.jpg").write_bytes(f"photo {number}".encode() * 20)


def files_of(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    put_dataset(source, pairs=40, photos=5)
    (source / "sample_submission.csv").write_text("id,score\n")
    (source / PAIRS / "half_g0_original.jpg").write_bytes(b"its target is missing")
    return source


@pytest.fixture
def kaggle(tmp_path: Path, source: Path) -> Iterator[FakeKaggle]:
    with running_fake_kaggle(tmp_path / "kaggle", competition=source) as kaggle:
        yield kaggle


@pytest.mark.parametrize("shape", ["object", "array", "snake"])
def test_the_data_set_is_fetched_whatever_shape_the_listing_has(
    kaggle: FakeKaggle, source: Path, tmp_path: Path, shape: str
) -> None:
    assert kaggle.competition is not None
    kaggle.competition.shape = shape  # type: ignore[assignment]
    kaggle.competition.longest_page = 20
    root = tmp_path / "got"
    fetched = download(account(kaggle), "competition", root)
    expected = files_of(source)
    del expected["sample_submission.csv"], expected[f"{PAIRS}/half_g0_original.jpg"]
    assert files_of(root) == expected
    assert fetched == Downloaded(root, 40, 5, sum(map(len, expected.values())))


def test_no_more_pairs_are_fetched_than_asked_for_and_always_the_same(
    kaggle: FakeKaggle, tmp_path: Path
) -> None:
    few = download(account(kaggle), "competition", tmp_path / "few", most_pairs=7, photos=False)
    more = download(account(kaggle), "competition", tmp_path / "more", most_pairs=9, photos=False)
    assert (few.pairs, few.photos, more.pairs) == (7, 0, 9)
    assert set(files_of(tmp_path / "few")) < set(files_of(tmp_path / "more"))
    assert len(kaggle.journal.all("file")) == 2 * (7 + 9)


def test_a_download_that_was_stopped_fetches_only_what_is_missing(
    kaggle: FakeKaggle, source: Path, tmp_path: Path
) -> None:
    root = tmp_path / "got"
    kaggle.faults.add(*[Fault("DownloadDataFile", "denied")] * 3)
    with pytest.raises(KernelGone):
        download(account(kaggle), "competition", root)
    there = [name for name in files_of(root) if not name.endswith(".part")]
    before = len(kaggle.journal.all("file"))
    download(account(kaggle), "competition", root)
    assert len(kaggle.journal.all("file")) == before + 85 - len(there)
    download(account(kaggle), "competition", root)
    assert len(kaggle.journal.all("file")) == before + 85 - len(there)
    assert len(files_of(root)) == 85


def test_what_passes_is_survived(kaggle: FakeKaggle, tmp_path: Path) -> None:
    methods = ["ListDataFiles", "DownloadDataFile", "file"]
    kaggle.faults.add(*seeded_faults(3, methods=methods, count=25))
    download(account(kaggle), "competition", tmp_path / "got")
    assert (len(files_of(tmp_path / "got")), kaggle.faults.left()) == (85, 0)


def test_the_disk_is_checked_before_anything_is_fetched(kaggle: FakeKaggle, tmp_path: Path) -> None:
    with pytest.raises(DiskTooSmall, match=r"MiB are free at .*; name fewer pairs"):
        download(account(kaggle), "competition", tmp_path / "got", min_free_mb=1 << 40)
    assert kaggle.journal.all("file") == []
    assert not (tmp_path / "got").exists()


def test_hostile_names_in_the_listing_are_left_out(kaggle: FakeKaggle, tmp_path: Path) -> None:
    names = [f"{PHOTOS}/../../evil.jpg", "/etc/x_original.jpg", "../x_g0_original.jpg", f"{PHOTOS}/a\0.jpg"]
    names += [f"{PAIRS}/ok_g1_original.jpg", f"{PAIRS}/ok_g1_generated.jpg"]
    listing = [{"name": name, "totalBytes": 1} for name in names]
    kaggle.faults.add(Fault("ListDataFiles", "answer", answer=listing))
    with pytest.raises(RemoteRefused):  # the fake has no such file
        download(account(kaggle), "competition", tmp_path / "a" / "b")
    asked = {str(asked.members["fileName"]) for asked in kaggle.journal.all("DownloadDataFile")}
    assert asked <= {f"{PAIRS}/ok_g1_original.jpg", f"{PAIRS}/ok_g1_generated.jpg"}
    assert {path.name for path in tmp_path.iterdir()} <= {"source", "a"}


def test_a_competition_without_the_data_set_is_named(kaggle: FakeKaggle, tmp_path: Path) -> None:
    kaggle.faults.add(Fault("ListDataFiles", "answer", answer=[{"name": "a.csv", "totalBytes": 1}]))
    with pytest.raises(DatasetMissing, match="none of the 1 files of 'competition'"):
        download(account(kaggle), "competition", tmp_path / "got")


def zipped(source: Path, target: Path, **more: bytes) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files_of(source), **more}.items():
            archive.writestr(f"extracted/{name}", content)


@pytest.fixture
def packed(source: Path, tmp_path: Path) -> Path:
    packed = tmp_path / "packed"
    packed.mkdir()
    zipped(source, packed / "all.zip", **{"../../evil_g0_original.jpg": b"x", "/abs_g0_generated.jpg": b"y"})
    return packed


def test_a_competition_of_one_zip_is_unpacked_by_layout(packed: Path, source: Path, tmp_path: Path) -> None:
    root = tmp_path / "got"
    with running_fake_kaggle(tmp_path / "kaggle", competition=packed) as kaggle:
        fetched = download(account(kaggle), "competition", root, most_pairs=10)
    assert (fetched.pairs, fetched.photos) == (10, 5)
    assert files_of(root).items() <= files_of(source).items()
    assert len(files_of(root)) == 25
    assert not list(tmp_path.glob("evil*"))


def test_a_damaged_zip_leaves_no_damaged_photo(packed: Path, source: Path, tmp_path: Path) -> None:
    content = bytearray((packed / "all.zip").read_bytes())
    for place in range(200, len(content) // 2, 97):
        content[place] ^= 0xFF
    (packed / "all.zip").write_bytes(content)
    root = tmp_path / "got"
    with (
        running_fake_kaggle(tmp_path / "kaggle", competition=packed) as kaggle,
        pytest.raises(ArchiveUnusable),
    ):
        download(account(kaggle), "competition", root)
    kept = {name: data for name, data in files_of(root).items() if name.endswith(".jpg")}
    assert kept.items() <= files_of(source).items()


def test_a_photo_that_kaggle_wraps_in_a_zip_is_unwrapped(
    kaggle: FakeKaggle, source: Path, tmp_path: Path
) -> None:
    name = f"{PHOTOS}/test000_g0.jpg"
    with zipfile.ZipFile(tmp_path / "test000_g0.jpg.zip", "w") as archive:
        archive.write(source / name, "test000_g0.jpg")
    assert kaggle.competition is not None
    kaggle.competition.wrapped[name] = tmp_path / "test000_g0.jpg.zip"
    download(account(kaggle), "competition", tmp_path / "got", most_pairs=0)
    expected = {name: data for name, data in files_of(source).items() if name.startswith(PHOTOS)}
    assert files_of(tmp_path / "got") == expected


@pytest.mark.parametrize(
    "mount",
    ["slug", "competitions/slug", "datasets/owner/slug", "datasets/owner/slug/extracted/slug", "."],
)
def test_mounted_inputs_are_found_in_every_layout(tmp_path: Path, mount: str) -> None:
    put_dataset(tmp_path / "input" / mount, pairs=1, photos=1)
    found = mounted_dataset(tmp_path / "input")
    assert found.root is not None
    assert found.root.resolve() == (tmp_path / "input" / mount).resolve()


def test_pairs_and_photos_may_be_mounted_apart_or_nested_twice(tmp_path: Path) -> None:
    put_dataset(tmp_path / "all", pairs=1, photos=1)
    shutil.copytree(tmp_path / "all" / PAIRS, tmp_path / "input" / "one" / PAIRS / PAIRS)
    shutil.copytree(tmp_path / "all" / PHOTOS, tmp_path / "input" / "two" / PHOTOS)
    found = mounted_dataset(tmp_path / "input")
    assert found.pairs == tmp_path / "input" / "one" / PAIRS / PAIRS
    assert found.photos == tmp_path / "input" / "two" / PHOTOS
    assert found.root is None


def test_nothing_mounted_is_said(tmp_path: Path) -> None:
    (tmp_path / "input" / "slug" / PHOTOS).mkdir(parents=True)  # and nothing in it
    for root in (tmp_path / "input", tmp_path / "missing"):
        with pytest.raises(DatasetMissing, match="add the competition's data as an input, or download it"):
            mounted_dataset(root)


def test_sizes_are_counted_by_bucket_and_pairs_once(tmp_path: Path) -> None:
    for name, size in {"a_g0": (96, 64), "a_g1": (96, 64), "b_g0": (64, 96)}.items():
        for half in ("original", "generated"):
            (tmp_path / f"{name}_{half}.jpg").write_bytes(jpeg(*size))
    (tmp_path / "broken_original.jpg").write_bytes(b"no photo")
    rows, unreadable = dimensions(tmp_path)
    counted = [(row.bucket, row.width, row.height, row.count) for row in rows]
    assert counted == [("heavy_crop", 96, 64, 2), ("portrait_cropped", 64, 96, 1)]
    assert unreadable == 1


def invoked(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["dataset", *arguments])


def test_the_commands_find_fetch_and_measure(
    kaggle: FakeKaggle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALIBGUARD_KAGGLE_API_URL", kaggle.url)
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    monkeypatch.setenv("CALIBGUARD_MIN_FREE_DISK_MB", "0")
    mounts = tmp_path / "input"
    common = ("--competition", "c", "--to", "got", "--root", str(mounts), "--max-pairs", "3")
    assert isinstance(invoked("find", "--root", str(mounts)).exception, DatasetMissing)
    fetched = invoked("download", *common)
    assert fetched.exit_code == 0, fetched.output
    assert fetched.output.splitlines()[-1] == f"AUTOHDR_DATA_ROOT={tmp_path / 'got'}"
    assert len(files_of(tmp_path / "got")) == 11
    put_dataset(mounts / "c", pairs=1, photos=1)
    before = len(kaggle.journal.all())
    there = invoked("download", *common)
    assert f"AUTOHDR_DATA_ROOT={mounts / 'c'}" in there.output
    assert len(kaggle.journal.all()) == before
    assert invoked("find", "--root", str(mounts)).exit_code == 0
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(jpeg(96, 64))
    shown = invoked("dimensions", "--folder", "photos")
    assert "96x64" in shown.output
    assert '"heavy_crop": 1' in invoked("dimensions", "--folder", "photos", "--json").output

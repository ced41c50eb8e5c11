import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import RemoteError, RemoteRefused
from infra.kaggle.downloading import Download, FileDamaged, UrlExpired, fetch, place_of
from infra.kaggle.refusals import KaggleBusy
from infra.web.address import WebAddress, web_address
from tests.fake_kaggle.faults import Fault
from tests.fake_kaggle.running import running_fake_kaggle
from tests.fake_kaggle.service import FakeKaggle

_CONTENT = bytes(range(256)) * 40


class FakeTime:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeTime:
    return FakeTime()


@pytest.fixture
def kaggle(tmp_path: Path, clock: FakeTime) -> Iterator[FakeKaggle]:
    with running_fake_kaggle(tmp_path / "kaggle", clock=clock) as kaggle:
        yield kaggle


@pytest.fixture
def served(tmp_path: Path) -> Path:
    served = tmp_path / "served.bin"
    served.write_bytes(_CONTENT)
    return served


def wanted(
    kaggle: FakeKaggle, served: Path, *, size: int | None = len(_CONTENT), most: int = 1 << 20
) -> Download:
    return Download("a/b.bin", kaggle.urls.sign(served), size, most)


def begun(kaggle: FakeKaggle, served: Path, tmp_path: Path) -> Path:
    """Give the part that a download left when it broke off."""
    kaggle.faults.add(Fault("file", "cut"))
    with pytest.raises(KaggleBusy, match="broke off"):
        fetch(wanted(kaggle, served), tmp_path / "got", api=api(kaggle))
    (part,) = (tmp_path / "got" / "a").iterdir()
    return part


def api(kaggle: FakeKaggle) -> WebAddress:
    return web_address(kaggle.url)


def test_a_file_is_fetched_whole(kaggle: FakeKaggle, served: Path, tmp_path: Path) -> None:
    place = fetch(wanted(kaggle, served), tmp_path / "got", api=api(kaggle))
    assert place == tmp_path / "got" / "a" / "b.bin"
    assert place.read_bytes() == _CONTENT
    assert [path.name for path in place.parent.iterdir()] == ["b.bin"]
    assert kaggle.journal.all("file")[0].authorization == ""


def test_a_file_that_is_there_is_left_alone(kaggle: FakeKaggle, served: Path, tmp_path: Path) -> None:
    fetch(wanted(kaggle, served), tmp_path / "got", api=api(kaggle))
    fetch(wanted(kaggle, served), tmp_path / "got", api=api(kaggle))
    assert len(kaggle.journal.all("file")) == 1


@pytest.mark.parametrize("size", [len(_CONTENT), None])
def test_a_download_that_broke_off_goes_on_from_there(
    kaggle: FakeKaggle, served: Path, tmp_path: Path, size: int | None
) -> None:
    kaggle.faults.add(Fault("file", "cut"))
    with pytest.raises(KaggleBusy, match="broke off"):
        fetch(wanted(kaggle, served, size=size), tmp_path / "got", api=api(kaggle))
    assert not (tmp_path / "got" / "a" / "b.bin").exists()
    place = fetch(wanted(kaggle, served, size=size), tmp_path / "got", api=api(kaggle))
    assert place.read_bytes() == _CONTENT
    start = int(kaggle.journal.all("file")[1].headers["Range"].removeprefix("bytes=").removesuffix("-"))
    assert 0 < start < len(_CONTENT)


@pytest.mark.parametrize("size", [len(_CONTENT), None])
def test_nothing_is_added_to_a_part_of_another_version(
    kaggle: FakeKaggle, served: Path, tmp_path: Path, size: int | None
) -> None:
    kaggle.tells_md5 = False
    begun(kaggle, served, tmp_path)
    served.write_bytes(_CONTENT[::-1])
    with pytest.raises(KaggleBusy, match="fetched anew"):
        fetch(wanted(kaggle, served, size=size), tmp_path / "got", api=api(kaggle))
    place = fetch(wanted(kaggle, served, size=size), tmp_path / "got", api=api(kaggle))
    assert place.read_bytes() == _CONTENT[::-1]
    assert [path.name for path in place.parent.iterdir()] == ["b.bin"]


def test_a_download_of_no_known_version_begins_anew(kaggle: FakeKaggle, served: Path, tmp_path: Path) -> None:
    kaggle.tells_version = False
    begun(kaggle, served, tmp_path)
    place = fetch(wanted(kaggle, served), tmp_path / "got", api=api(kaggle))
    assert "Range" not in kaggle.journal.all("file")[1].headers
    assert place.read_bytes() == _CONTENT
    assert [path.name for path in place.parent.iterdir()] == ["b.bin"]


def test_an_expired_url_is_an_error_and_no_file(
    kaggle: FakeKaggle, served: Path, tmp_path: Path, clock: FakeTime
) -> None:
    download = wanted(kaggle, served)
    clock.now = 901.0
    with pytest.raises(UrlExpired, match="expired"):
        fetch(download, tmp_path / "got", api=api(kaggle))
    assert [path for path in (tmp_path / "got").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("size", "most", "expected"), [(7, 1 << 20, FileDamaged), (None, 5000, RemoteRefused)]
)
def test_a_file_of_another_size_is_not_kept(
    kaggle: FakeKaggle, served: Path, tmp_path: Path, size: int | None, most: int, expected: type[RemoteError]
) -> None:
    with pytest.raises(expected):
        fetch(wanted(kaggle, served, size=size, most=most), tmp_path / "got", api=api(kaggle))
    assert not (tmp_path / "got" / "a" / "b.bin").exists()


def test_a_part_that_was_damaged_is_found_by_its_digest(
    kaggle: FakeKaggle, served: Path, tmp_path: Path
) -> None:
    begun(kaggle, served, tmp_path).write_bytes(b"damaged on disk")
    with pytest.raises(FileDamaged, match="MD5"):
        fetch(wanted(kaggle, served), tmp_path / "got", api=api(kaggle))
    assert fetch(wanted(kaggle, served), tmp_path / "got", api=api(kaggle)).read_bytes() == _CONTENT


def test_a_part_that_is_too_long_is_fetched_anew(kaggle: FakeKaggle, served: Path, tmp_path: Path) -> None:
    begun(kaggle, served, tmp_path).write_bytes(_CONTENT + b"more")
    with pytest.raises(KaggleBusy):
        fetch(wanted(kaggle, served), tmp_path / "got", api=api(kaggle))
    assert fetch(wanted(kaggle, served), tmp_path / "got", api=api(kaggle)).read_bytes() == _CONTENT


@pytest.mark.parametrize(
    "name",
    [
        *("../x", "a/../x", "/etc/x", "a//b", "", ".", "a/.", "a\\b", "c:x", "a\0b", "a\nb", "\u202ex", " a"),
        *("n" * 201, "/".join("a" * 17)),
    ],
)
def test_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(RemoteRefused):
        place_of(name, tmp_path)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "got").mkdir()
    (tmp_path / "got" / "out").symlink_to(tmp_path)
    with pytest.raises(RemoteRefused, match="outside"):
        place_of("out/x", tmp_path / "got")


@given(name=st.text(max_size=30) | st.lists(st.sampled_from(["..", "a", "", ".", "b c", "\\"])).map("/".join))
def test_every_place_is_inside(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp()
    try:
        place = place_of(name, folder)
    except RemoteRefused:
        return
    assert place.resolve().is_relative_to(folder.resolve())
    assert place != folder


@pytest.mark.parametrize(
    "url",
    [
        "http://storage.googleapis.com/x",
        "https://169.254.169.254/latest/meta-data",
        "https://storage.googleapis.com.evil.example/x",
        "https://evilgoogleapis.com/x",
        "https://user@storage.googleapis.com/x",
        "http://127.0.0.1:1/x",
        "https://[::1]/x",
        "https://2852039166/x",
        "file:///etc/passwd",
        "https://storage.googleapis.com/x y",
    ],
)
def test_hosts_that_are_not_kaggles_get_no_request(url: str, tmp_path: Path) -> None:
    with pytest.raises(RemoteRefused):
        fetch(Download("x", url, None, 10), tmp_path, api=web_address("https://api.kaggle.com"))


def test_the_fake_tells_the_right_md5(kaggle: FakeKaggle, served: Path) -> None:
    told = httpx.get(kaggle.urls.sign(served), trust_env=False).headers["x-goog-hash"]
    assert told == f"md5={base64.b64encode(hashlib.md5(_CONTENT).digest()).decode()}"  # noqa: S324

from pathlib import Path

import pytest
from pydantic import SecretStr

from infra.errors import StoreError
from infra.store.local import LocalStore
from infra.store.opening import open_store
from infra.store.s3_connection import S3Credentials

KEYS = S3Credentials(
    access_key_id="id", secret_access_key=SecretStr("canary"), endpoint_url="http://127.0.0.1:9"
)


def test_path_and_file_url_open_the_same_folder(tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    open_store(str(folder)).create("a", b"1")
    opened = open_store(folder.as_uri())
    assert isinstance(opened, LocalStore)
    assert (opened.url, opened.read("a")) == (folder.as_uri(), b"1")


def test_bucket_url_names_bucket_and_prefix() -> None:
    assert open_store("s3://bucket/some/prefix/", s3=KEYS).url == "s3://bucket/some/prefix"
    assert open_store("s3://bucket", s3=KEYS).url == "s3://bucket"


@pytest.mark.parametrize(
    "url", ["relative/folder", "http://host/x", "s3:///x", "file://host/x", "", "s3://b/../c"]
)
def test_url_that_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"store|key"):
        open_store(url, s3=KEYS)


@pytest.mark.parametrize(
    "url", ["s3://user:canary@bucket/x", "s3://bucket/x?token=canary", "file:///x#canary"]
)
def test_secret_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="holds no user") as caught:
        open_store(url, s3=KEYS)
    assert "canary" not in str(caught.value)


def test_bucket_without_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="s3://bucket/x needs an access key"):
        open_store("s3://bucket/x")


def test_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match=r"file was to hold the objects but is no folder"):
        open_store(str(tmp_path / "file"))


def test_secret_shows_nowhere_in_what_is_printed() -> None:
    assert "canary" not in repr(KEYS) + str(KEYS) + repr(open_store("s3://bucket", s3=KEYS))

"""Stores to try: each test gets an empty one of each kind."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import pytest

from infra.store.interface import ObjectStore
from infra.store.local import LocalStore
from infra.store.s3 import S3Store
from infra.store.s3_connection import S3Credentials, connect
from tests.quick_folder import quick_folder

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="session")
def s3_client(s3_server: S3Credentials) -> "S3Client":
    """One connection for all tests: to make one takes a third of a second."""
    return connect(s3_server)


@pytest.fixture
def s3_store(s3_client: "S3Client") -> S3Store:
    return S3Store(s3_client, bucket="tests", prefix=uuid.uuid4().hex)


@pytest.fixture(scope="session")
def quick_folder_factory() -> Iterator[Callable[[], Path]]:
    """Make folders for the exhaustive tests, which make tens of thousands of fsyncs."""
    with quick_folder() as top:
        yield lambda: Path(mkdtemp(dir=top))


@pytest.fixture
def local_store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    """The store of either kind; what is tested on it holds for both."""
    opened: ObjectStore = request.getfixturevalue(f"{request.param}_store")
    return opened


@pytest.fixture
def leftovers(request: pytest.FixtureRequest) -> Callable[[ObjectStore], list[str]]:
    """Tell what a store holds besides objects: temporary files or open uploads."""

    def found(store: ObjectStore) -> list[str]:
        if store.url.startswith("file:"):
            folder = Path(store.url.removeprefix("file://")) / ".store" / "tmp"
            return [path.name for path in folder.iterdir()] if folder.exists() else []
        return _open_uploads(request.getfixturevalue("s3_client"), store.url)

    return found


def _open_uploads(client: "S3Client", url: str) -> list[str]:
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    listing = client.list_multipart_uploads(Bucket=bucket)
    return [upload["Key"] for upload in listing.get("Uploads", ()) if upload["Key"].startswith(prefix)]

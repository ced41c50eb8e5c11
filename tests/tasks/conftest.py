import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.store.interface import ObjectStore
from infra.store.opening import open_store
from infra.store.s3 import S3Store
from infra.store.s3_connection import S3Credentials, connect
from tasks.domain.schemas import RenderRequest
from tasks.photo_workers import PhotoWorkers, open_photo_workers
from tests.render_requests import request_for


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def s3_prefix(s3_server: S3Credentials) -> ObjectStore:
    """An empty store that has URLs to hand out."""
    return S3Store(connect(s3_server), bucket="tests", prefix=uuid.uuid4().hex)


@pytest.fixture(scope="session")
def workers() -> Iterator[PhotoWorkers]:
    with open_photo_workers(processes=2, timeout_s=30, memory_mb=2048) as running:
        yield running


@pytest.fixture
def render_request(tmp_path: Path) -> RenderRequest:
    return request_for(tmp_path / "photos")

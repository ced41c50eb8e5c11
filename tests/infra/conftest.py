"""The outside systems that adapter tests run against."""

from collections.abc import Iterator

import pytest

from infra.store.s3_connection import S3Credentials
from infra.store.seaweedfs import seaweedfs


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Credentials]:
    """A real SeaweedFS with the bucket ``tests``, for the whole session."""
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs"), bucket="tests") as credentials:
        yield credentials

import uuid
from pathlib import Path

import pytest

from infra.store.interface import ObjectStore
from infra.store.s3 import S3Store
from infra.store.s3_connection import S3Credentials, connect
from tasks.domain.schemas import RenderRequest
from tests.photos import fill_folder, listing_ids
from tests.remote_batch import RemoteBatch, sent_batch


@pytest.fixture
def store(s3_server: S3Credentials) -> ObjectStore:
    """A store that has URLs to hand out."""
    return S3Store(connect(s3_server), bucket="tests", prefix=uuid.uuid4().hex)


@pytest.fixture
def batch(render_request: RenderRequest, store: ObjectStore) -> RemoteBatch:
    """Two shards of four photos, sent."""
    fill_folder(Path(render_request.photos_folder), listing_ids(8))
    return sent_batch(render_request, store)

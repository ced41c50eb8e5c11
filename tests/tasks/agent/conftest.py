from pathlib import Path

import pytest

from infra.store.interface import ObjectStore
from tasks.domain.schemas import RenderRequest
from tests.photos import fill_folder, listing_ids
from tests.remote_batch import RemoteBatch, sent_batch


@pytest.fixture
def store(s3_prefix: ObjectStore) -> ObjectStore:
    return s3_prefix


@pytest.fixture
def batch(render_request: RenderRequest, store: ObjectStore) -> RemoteBatch:
    """Two shards of four photos, sent."""
    fill_folder(Path(render_request.photos_folder), listing_ids(8))
    return sent_batch(render_request, store)

from pathlib import Path

import pytest

from infra.store.interface import ObjectStore
from infra.store.opening import open_store
from tests.photos import fill_folder, listing_ids


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of ten photos."""
    return fill_folder(tmp_path / "photos", listing_ids(10))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """A local store of this test's own, which settings name; no ``.env`` is near."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALIBGUARD_STORE_URL", str(tmp_path / "store"))
    return open_store(str(tmp_path / "store"))

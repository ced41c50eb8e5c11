from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fake_kaggle.running import running_fake_kaggle
from tests.fake_kaggle.service import FakeKaggle


@pytest.fixture
def kaggle(tmp_path: Path) -> Iterator[FakeKaggle]:
    with running_fake_kaggle(tmp_path / "kaggle") as kaggle:
        yield kaggle

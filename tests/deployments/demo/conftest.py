"""One small set of photos that the tests of the demo's pictures look at."""

from pathlib import Path

import pytest

from deployments.demo.photos import DemoPhoto, draw_photos


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[DemoPhoto, ...]:
    """Fourteen photos of 320 px with their targets, drawn in this process."""
    folder: Path = tmp_path_factory.mktemp("demo") / "photos"
    return draw_photos(folder, count=14, seed=7, processes=1, with_targets=True, long_side=320)

import pytest

from tests.hostile_images import jpeg


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A 320x240 baseline 4:2:0 JPEG with nothing but a JFIF segment."""
    return jpeg()

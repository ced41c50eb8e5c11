"""Builders for photos and for the JSON of tables."""

import json
from collections.abc import Callable
from copy import deepcopy

import pytest

from tasks.domain.schemas import PhotoRef
from tasks.domain.tables import shipped_text

PhotoOf = Callable[[int, int], PhotoRef]
TableJson = Callable[[Callable[[dict[str, object]], object]], str]


@pytest.fixture
def photo_of() -> PhotoOf:
    """Make a photo of a width and height in pixels."""
    return lambda width, height: PhotoRef(
        id="house_g1", width=width, height=height, size=1000, sha256="0" * 64
    )


@pytest.fixture
def changed_table() -> TableJson:
    """Give the shipped CalibGuard-Dim table as JSON after an edit of its parsed form."""
    shipped = json.loads(shipped_text("calibguard_dim.json"))

    def changed(edit: Callable[[dict[str, object]], object]) -> str:
        document = deepcopy(shipped)
        edit(document)
        return json.dumps(document)

    return changed

"""Method ``laplacian_proxy``: of a few pairs, each photo takes the one that keeps the most Laplacian energy.

Kept as a baseline: it scored 21.21.
"""

from typing import Final

from gpu.search.per_photo import sharpest
from tasks.domain.methods.per_photo import per_photo_method

METHOD: Final = per_photo_method(
    "laplacian_proxy",
    "Chooses among candidate pairs for each photo by Laplacian energy.",
    variant="candidates",
    choose=sharpest,
    by="negative Laplacian energy",
)

"""Training pairs with a known correction: each target is its original rendered with one legacy pair."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from gpu.coordinates import ImageSize
from gpu.legacy import legacy_radial_map
from gpu.render import RenderJob, render_photo
from tests.photos import jpeg

K1: Final = -0.18
K2: Final = 0.36
TABLE: Final = (
    f'{{"schema_version": 1, "name": "truth", "source": "a test", "pair": {{"k1": {K1}, "k2": {K2}}}}}'
)
"""Table of ``global_grid`` that corrects every pair exactly."""


def corrected(
    original: bytes, *, k1: float = K1, k2: float = K2, width: int = 320, height: int = 214
) -> bytes:
    """The target of an original: what the flow makes of it with the right table at its defaults."""
    return render_photo(
        RenderJob(
            photo=original,
            mapping=legacy_radial_map(k1, k2, 0.0, ImageSize(width, height)),
            interpolation="cubic",
            border="reflect",
            quality=95,
            backend="opencv",
        )
    ).jpeg


def pair_files(
    k1: float, k2: float, *, width: int = 1024, height: int = 683, seed: int = 0
) -> tuple[bytes, bytes]:
    """An original and the target that this legacy pair makes of it."""
    original = jpeg(width, height, seed=seed)
    return original, corrected(original, k1=k1, k2=k2, width=width, height=height)


def fill_pairs(folder: Path, ids: Iterable[str], *, width: int = 320, height: int = 214) -> Path:
    """Write one pair for each id into a folder of the runbook's layout."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, pair_id in enumerate(ids):
        original = jpeg(width, height, seed=number)
        (folder / f"{pair_id}_original.jpg").write_bytes(original)
        (folder / f"{pair_id}_generated.jpg").write_bytes(corrected(original, width=width, height=height))
    return folder

"""The folder that a comparison works on: training pairs, test photos, their targets, perhaps the truth.

    lens-correction-train-cleaned/{id}_original.jpg, {id}_generated.jpg   what methods may learn from
    test-originals/{id}.jpg                                               what they correct
    test-targets/{id}.jpg, truth.csv                                      what only the scoring looks at

A folder is taken as it is, or drawn: rooms seen through real lenses, other rooms for training than for the
test.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deployments.demo.lenses import shown_radii
from deployments.demo.photos import DemoPhoto, draw_photos
from tasks.domain.naming import listing_of
from tasks.domain.pairs import original_name, target_name
from tasks.domain.schemas import PhotoRef
from tests.bench.quality.truth import TrueWarp, write_truth

_OTHER_ROOMS = 1_000_000  # added to the seed; a multiple of the lenses there are, so these are met again
_POWERS = 7  # of a lens curve; Lensfun's own polynomials have fewer


@dataclass(frozen=True, slots=True)
class BenchFolder:
    """A folder in the runbook's layout."""

    root: Path

    @property
    def pairs(self) -> Path:
        """Where training pairs lie."""
        return self.root / "lens-correction-train-cleaned"

    @property
    def originals(self) -> Path:
        """Where test photos lie."""
        return self.root / "test-originals"

    @property
    def targets(self) -> Path:
        """Where their corrections lie; for the scoring."""
        return self.root / "test-targets"

    @property
    def truth(self) -> Path:
        """File of the true warps; for the scoring, and not in every folder."""
        return self.root / "truth.csv"


def drawn_folder(root: Path, *, pairs: int, photos: int, seed: int, long_side: int = 2048) -> BenchFolder:
    """Draw a folder; what is there already from the same numbers is taken as it is.

    Args:
        root: Of this folder alone.
        pairs: Training pairs, 2 or more.
        photos: Test photos, 2 or more.
        seed: Decides everything.
        long_side: Of the photos, in pixels.
    """
    folder = BenchFolder(root)
    folder.pairs.mkdir(parents=True, exist_ok=True)
    learnt_from = draw_photos(
        root / "train-originals",
        count=pairs,
        seed=seed + _OTHER_ROOMS,
        with_targets=True,
        long_side=long_side,
    )
    for photo in learnt_from:
        _lay_out(photo, folder.pairs)
    shown = draw_photos(folder.originals, count=photos, seed=seed, with_targets=True, long_side=long_side)
    write_truth(folder.truth, map(true_warp, shown))
    return folder


def true_warp(photo: DemoPhoto) -> TrueWarp:
    """Write the lens that a photo was drawn through as a row of the truth.

    Lensfun's curves are polynomials, so a polynomial through what the lens shows is the curve itself.
    """
    size = photo.size
    ideal, shown = shown_radii(photo.lens, photo.focal_mm, size)
    unit = size.half_diagonal / np.hypot(1.0, 1.5)
    within = ideal <= 1.1 * size.half_diagonal
    powers = (ideal[within] / unit)[:, None] ** np.arange(1, _POWERS + 1)
    factors = np.linalg.lstsq(powers, shown[within] / unit, rcond=None)[0]
    return TrueWarp(
        id=photo.photo_id,
        model="series",
        coef=tuple(float(factor) for factor in factors),
        aspect="3:2",
        width=size.width,
        height=size.height,
        full_w=size.width,
        full_h=size.height,
    )


def whole_listings(photos: Sequence[PhotoRef], *, most: int | None, seed: int) -> tuple[PhotoRef, ...]:
    """Draw listings until there are this many photos, so that photos of one listing stay together.

    Args:
        photos: Of the folder.
        most: How many to keep; None for all. Of the last listing drawn some photos may be left out.
        seed: Another one draws other listings.
    """
    listings: defaultdict[str, list[PhotoRef]] = defaultdict(list)
    for photo in photos:
        listings[listing_of(photo.id)].append(photo)
    order = sorted(listings, key=lambda name: hashlib.sha256(f"{seed}\0{name}".encode()).digest())
    drawn = [photo for name in order for photo in listings[name]]
    return tuple(sorted(drawn[:most], key=lambda photo: photo.id))


def _lay_out(photo: DemoPhoto, pairs: Path) -> None:
    """Give a drawn photo and its target the names of a pair; its property is not one of the test's."""
    pair_id = f"train_{photo.photo_id}"
    for name, path in ((original_name(pair_id), photo.path), (target_name(pair_id), photo.target)):
        link = pairs / name
        link.unlink(missing_ok=True)
        if path is not None:
            link.hardlink_to(path)

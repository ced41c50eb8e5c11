"""Chooses one of a photo's estimates, or abstains from the better ones and says why.

    snap               a lens of the atlas or of a database was recognised
    pooled             measured on the listing's photos together
    already_corrected  measured to need no correction: the photo is left alone
    photo              measured on this photo alone
    dimension          what photos of its size get
    bucket             what photos of its bucket get
    global             what any photo gets

From the top: the first rung that passes the profile's thresholds and all guards. A photo that nothing was
measured on never takes the identity, because doing nothing scores nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from gpu.coordinates import ImageSize
from gpu.curve_space import FRAME
from gpu.errors import LensModelError
from gpu.filling import filling_zoom
from gpu.lens_curve import LensCurve
from gpu.plumb_line.guards import objection
from tasks.domain.atlas import LensAtlas
from tasks.domain.errors import UnusableWarpError
from tasks.domain.estimators.estimate import RUNGS, Estimate, Row, Rung
from tasks.domain.observations import LinesFound
from tasks.domain.routing import Profile
from tasks.domain.shipped_atlas import shipped_atlas

_MEASURED: Final[frozenset[Rung]] = frozenset({"pooled", "photo", "already_corrected"})
_KEPT_ATLASES: Final = 8
_OF_THE_PHOTO: Final[frozenset[Rung]] = frozenset({"snap", "pooled", "photo"})


@dataclass(frozen=True, slots=True)
class Ladder:
    """The thresholds of a profile.

    Attributes:
        confidence: Least probability that a lens, or a corrected photo, was recognised.
        expected_px: Most error that a measurement may foretell, in pixels of 2048x1367.
        bowed: Least probability that the scenes of a listing are bowed themselves, whatever pairs taught.
        support: Least training pairs behind a size; a bucket's curves are led by all others already.
        row: Which curve of a group is taken.
    """

    confidence: float
    expected_px: float
    bowed: float
    support: int
    row: Row


# On 386 training photos, each routed by an atlas of other listings, what lines tell was better than what a
# size makes likely even where 8 px were expected of it, since its prior knows the size too (2026-11-28).
# Six of 22 photographed scenes were bowed by 2 to 6 px; presuming somewhat more cost nothing where none was.
LADDERS: Final[dict[Profile, Ladder]] = {
    "safe": Ladder(confidence=0.9, expected_px=8.0, bowed=0.35, support=100, row="safe"),
    "balanced": Ladder(confidence=0.8, expected_px=8.0, bowed=0.0, support=30, row="safe"),
    "aggressive": Ladder(confidence=0.6, expected_px=16.0, bowed=0.0, support=10, row="primary"),
}


@dataclass(frozen=True, slots=True)
class AtlasRoute:
    """The estimate that was chosen.

    Attributes:
        curve: Zoomed, where needed, until the frame is filled; None leaves the photo alone.
        abstained: One sentence for each better rung that was not taken.
    """

    estimate: Estimate
    curve: LensCurve | None
    abstained: tuple[str, ...]


@lru_cache(maxsize=_KEPT_ATLASES)
def as_trusted(atlas: LensAtlas, ladder: Ladder) -> LensAtlas:
    """Give the atlas with what the profile presumes of scenes."""
    rule = atlas.line_rule
    bowed = max(rule.bowed, ladder.bowed)
    return atlas.model_copy(update={"line_rule": rule.model_copy(update={"bowed": bowed})})


def route_by_atlas(
    estimates: Iterable[Estimate],
    *,
    ladder: Ladder,
    atlas: LensAtlas,
    size: ImageSize,
    lines: LinesFound | None = None,
) -> AtlasRoute:
    """Climb down the ladder to the first estimate that may be used.

    Args:
        estimates: In any order.
        ladder: Thresholds.
        atlas: Its envelope is a guard, with that of the shipped one.
        size: Of the photo.
        lines: Of the photo, that what claims to know it must not bend.

    Raises:
        UnusableWarpError: None may, not even the one for all photos; the text names the size.
    """
    abstained: list[str] = []
    for estimate in sorted(estimates, key=_from_the_top):
        refusal = _doubt(estimate, ladder, size) or _outside(estimate.curve, atlas) or _bent(estimate, lines)
        if refusal is None:
            try:
                return AtlasRoute(estimate, _filled(estimate.curve, size), tuple(abstained))
            except LensModelError as error:
                refusal = str(error)
        abstained.append(f"{estimate.rung} by {estimate.by} not taken: {refusal}")
    told = "; ".join(abstained) or "its curves fold there"
    raise UnusableWarpError(f"no curve of atlas {atlas.name} serves a photo of {size}: {told}")


def _from_the_top(estimate: Estimate) -> tuple[int, float]:
    return RUNGS.index(estimate.rung), estimate.expected_px if estimate.expected_px is not None else 1e9


def _doubt(estimate: Estimate, ladder: Ladder, size: ImageSize) -> str | None:
    """Say why the profile does not trust an estimate; the last rung is not doubted."""
    if estimate.confidence < ladder.confidence:
        return f"confidence {estimate.confidence:.2f}, {ladder.confidence:g} is the least"
    most = _at(size, ladder.expected_px)
    if estimate.rung in _MEASURED and not _is_good(estimate.expected_px, most):
        found = "unknown" if estimate.expected_px is None else f"{estimate.expected_px:.2f} px"
        return f"expected error {found}, {most:.3g} px is the most at this size"
    if estimate.objections:
        return "; ".join(estimate.objections)
    if estimate.rung == "dimension" and (estimate.support or 0) < ladder.support:
        return f"{estimate.support or 0} training pairs, {ladder.support} are the least"
    return None


def _at(size: ImageSize, px: float) -> float:
    """Turn pixels of 2048x1367 into those of a photo."""
    return px * size.half_diagonal / FRAME.half_diagonal


def _bent(estimate: Estimate, lines: LinesFound | None) -> str | None:
    """Say so where a curve that is claimed to be the photo's own bends its straight lines."""
    if estimate.curve is None or lines is None or estimate.rung not in _OF_THE_PHOTO:
        return None
    size = ImageSize(lines.width, lines.height)
    return objection(estimate.curve, [np.array(line) for line in lines.long_lines], size)


def _is_good(expected: float | None, most: float) -> bool:
    return expected is not None and expected <= most


def _outside(curve: LensCurve | None, atlas: LensAtlas) -> str | None:
    """Say so where neither pairs nor the shipped lenses displace a photo so; few pairs show few lenses."""
    if curve is None or atlas.holds(curve) or shipped_atlas().holds(curve):
        return None
    factors = ", ".join(f"{factor:.4f}" for factor in curve.factors)
    return f"factors ({factors}) displace the photo as no curve of the atlas does"


def _filled(curve: LensCurve | None, size: ImageSize) -> LensCurve | None:
    """Zoom a curve that would show a border until it shows none: no pixel is invented.

    One that folds inside the frame never reaches the corner, and ``filling_zoom`` refuses it.
    """
    if curve is None:
        return None
    return curve.zoomed(max(1.0, filling_zoom(curve, size)))

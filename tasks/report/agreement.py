"""How far the warps within each listing agree: its photos share a camera, so they should.

Displacements are compared on one frame, see ``tasks.report.curves``, so a crop is no disagreement.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

import numpy as np

from gpu.curve_space import FRAME
from gpu.plumb_line.shape import frame_radii
from tasks.domain.naming import listing_of
from tasks.domain.schemas import RoutedPhoto
from tasks.report.curves import curve_on_frame, displacement_px

_RADII: Final = frame_radii(FRAME)


@dataclass(frozen=True, slots=True)
class ListingAgreement:
    """The warps of one listing of two or more photos."""

    listing: str
    photos: int
    mean_score: float
    routes: tuple[tuple[str, int], ...]
    """With photos, the commonest first."""
    expected_px: float | None
    """Mean expected error of the photos for which it was foretold; None: for none."""
    worst_expected_px: float | None
    bound_px: float | None
    """The largest of the photos' 90 % bounds; None: there is none."""
    foretold: int
    """Photos for which it was."""
    spread_px: float
    """RMS distance of the warps from their mean, of a photo of 2048x1367."""
    farthest: str
    """The photo whose warp lies farthest from the mean,"""
    farthest_px: float
    """and how far."""


def listing_agreement(
    routed: Iterable[RoutedPhoto], mean_scores: Mapping[str, float]
) -> tuple[ListingAgreement, ...]:
    """Compare the warps within each listing, the least agreement first; then the largest expected error."""
    listings: defaultdict[str, list[RoutedPhoto]] = defaultdict(list)
    for one in routed:
        listings[listing_of(one.photo.id)].append(one)
    compared = [
        _compared(name, photos, mean_scores[name]) for name, photos in listings.items() if len(photos) > 1
    ]
    return tuple(sorted(compared, key=lambda one: (-one.spread_px, -(one.expected_px or 0.0), one.listing)))


def _compared(listing: str, photos: Sequence[RoutedPhoto], mean_score: float) -> ListingAgreement:
    moved = np.array([displacement_px(curve_on_frame(one), _RADII) for one in photos])
    distances = np.sqrt(np.square(moved - moved.mean(axis=0)).mean(axis=1))
    farthest = int(distances.argmax())
    foretold = [one.expected_error_px for one in photos if one.expected_error_px is not None]
    bounds = [one.error_bound_px for one in photos if one.error_bound_px is not None]
    return ListingAgreement(
        listing=listing,
        photos=len(photos),
        mean_score=mean_score,
        routes=tuple(Counter(one.route for one in photos).most_common()),
        expected_px=fmean(foretold) if foretold else None,
        worst_expected_px=max(foretold, default=None),
        bound_px=max(bounds, default=None),
        foretold=len(foretold),
        spread_px=float(np.sqrt(np.square(distances).mean())),
        farthest=photos[farthest].photo.id,
        farthest_px=float(distances[farthest]),
    )

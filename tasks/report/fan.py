"""The curve fan of a run with an atlas: what its groups know, and the curves that the photos got.

All curves as displacements over the radius of one frame, see ``tasks.report.curves``. However many sizes an
atlas has and curves a run chose, the fan draws a bounded number of each, those of most pairs and photos.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Final

import numpy as np

from gpu.curve_space import FRAME
from gpu.errors import LensModelError
from tasks.domain.atlas import AtlasCurve, Group, LensAtlas
from tasks.domain.schemas import RoutedPhoto
from tasks.report.curves import FAN_RADII, Array, curve_on_frame, displacement_px

_MOST_GROUPS: Final = 100
_MOST_CHOSEN: Final = 60
_SAME_PX: Final = 0.1  # well within the width of a line


@dataclass(frozen=True, slots=True)
class FanCurve:
    """One line of the fan."""

    name: str
    """The group's, or the route's."""
    count: int
    """Training pairs behind a group, photos that got a chosen curve."""
    expected_px: float | None
    """Mean expected error, where it was foretold; of a group the mean distance of its pairs, where known."""
    bound_px: float | None
    """The largest of the photos' 90 % bounds, which holds for each; nine in ten of a group are within."""
    displacement: tuple[float, ...]
    """In pixels of a photo of 2048x1367 at each of ``FAN_RADII``, outwards positive."""


@dataclass(frozen=True, slots=True)
class CurveFan:
    """The atlas' groups and the chosen curves; each begins with those of most pairs or photos."""

    atlas: str
    groups: tuple[FanCurve, ...]
    chosen: tuple[FanCurve, ...]
    left_out: int
    """Chosen curves that are not drawn."""


def curve_fan(atlas: LensAtlas, routed: Iterable[RoutedPhoto]) -> CurveFan:
    """Gather the lines of a run's fan."""
    chosen = _by_count(_chosen(routed))
    return CurveFan(
        atlas=atlas.name,
        groups=tuple(_by_count(_groups(atlas))[:_MOST_GROUPS]),
        chosen=tuple(chosen[:_MOST_CHOSEN]),
        left_out=len(chosen[_MOST_CHOSEN:]),
    )


def _by_count(curves: Iterable[FanCurve]) -> list[FanCurve]:
    return sorted(curves, key=lambda curve: (-curve.count, curve.name, curve.displacement))


def _groups(atlas: LensAtlas) -> Iterator[FanCurve]:
    groups: list[tuple[str, Group]] = [
        *((f"size {size}", group) for size, group in atlas.dimensions.items()),
        *((f"bucket {bucket}", group) for bucket, group in atlas.buckets.items()),
        ("photos of any size", atlas.everything),
    ]
    for name, group in groups:
        if (line := _line(group.safe)) is not None:
            yield FanCurve(name, group.pairs, group.expected_px, group.bound_px, line)


def _line(known: AtlasCurve) -> tuple[float, ...] | None:
    """Draw a group's curve; None where it folds on the frame."""
    try:
        return tuple(map(float, displacement_px(known.at(FRAME), FAN_RADII)))
    except LensModelError:
        return None


def _chosen(routed: Iterable[RoutedPhoto]) -> Iterator[FanCurve]:
    """Draw the photos' curves, as one those of one route that round to the same tenths of a pixel."""
    alike: defaultdict[tuple[str, tuple[int, ...]], list[RoutedPhoto]] = defaultdict(list)
    for one in routed:
        tenths = np.round(_of_photo(one) / _SAME_PX).astype(int)
        alike[one.route, tuple(map(int, tenths))].append(one)
    for (route, _), photos in alike.items():
        foretold = [one.expected_error_px for one in photos if one.expected_error_px is not None]
        bounds = [one.error_bound_px for one in photos if one.error_bound_px is not None]
        yield FanCurve(
            name=route,
            count=len(photos),
            expected_px=fmean(foretold) if foretold else None,
            bound_px=max(bounds, default=None),
            displacement=tuple(map(float, _of_photo(photos[0]))),
        )


def _of_photo(routed: RoutedPhoto) -> Array:
    return displacement_px(curve_on_frame(routed), FAN_RADII)

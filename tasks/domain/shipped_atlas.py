"""The atlas that comes with the product, made of two things that are known before any pair was seen.

What sizes and buckets get are the primary rows of the shipped CalibGuard-Dim table, as curves with one
isotropic zoom that just fills the frame. Profiles are the wide-angle calibrations of the Lensfun database as
lensfunpy brings it along; nothing of it is copied into the product. How far photos lie from a group's curve
no pair tells; how far those lenses lie from it is what estimates foretell, all being equally likely.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np

from gpu.brown import BrownLens, curve_from_brown
from gpu.coordinates import ImageSize
from gpu.curve_groups import cover
from gpu.curve_space import FRAME, curve_at, points_of
from gpu.errors import LensModelError
from gpu.filling import filling_zoom
from gpu.lensfun_database import KnownLens, database_version, wide_lenses
from gpu.pair_fit.model import Array
from tasks.domain.atlas import (
    Group,
    LensAtlas,
    LensProfile,
    ZoomRule,
    bucket_of_dimension,
    size_of_dimension,
)
from tasks.domain.atlas_groups import atlas_curve
from tasks.domain.buckets import NOMINAL_SIZE, Bucket
from tasks.domain.coefficients import CoefficientPair
from tasks.domain.tables import shipped_correction_table

_RADIUS_PX: Final = 0.5  # as in learning
_LONGEST_WORDS: Final = 200


@cache
def shipped_atlas() -> LensAtlas:
    """Give the atlas that comes with the product."""
    table = shipped_correction_table()
    supports = {key: row.support for key, row in table.dimensions.items()}
    return LensAtlas(
        schema_version=1,
        name="shipped_atlas",
        source=(
            f"Sizes and buckets: primary rows of table {table.name} with one isotropic zoom. Profiles: "
            f"wide-angle lenses of the Lensfun database (CC BY-SA 3.0) in {database_version()}."
        ),
        date=table.date,
        profiles=_profiles(),
        dimensions={
            key: _group(row.primary, size_of_dimension(key), row.support)
            for key, row in table.dimensions.items()
        },
        buckets={
            bucket: _group(parent.primary, NOMINAL_SIZE[bucket], _in_bucket(supports, bucket))
            for bucket, parent in table.parents.items()
            if parent is not None
        },
        everything=_group(table.global_fallback, NOMINAL_SIZE["standard"], sum(supports.values())),
        zoom_rule=ZoomRule(surplus=0.0, sigma=0.0, curves=0),
        pairs_used=0,
        quarantined={},
    )


def _group(pair: CoefficientPair, size: ImageSize, support: int) -> Group:
    """Write a row as a group that has one curve for all purposes and was learned by others."""
    brown = curve_from_brown(BrownLens(pair.k1, pair.k2), size)
    curve = atlas_curve(brown.zoomed(filling_zoom(brown, size)), frame=str(size))
    return Group(
        listings=0,
        pairs=support,
        already_corrected=0,
        median=curve,
        primary=curve,
        safe=curve,
        expected_px=None,
        bound_px=None,
    )


def _in_bucket(supports: Mapping[str, int], bucket: Bucket) -> int:
    return sum(support for key, support in supports.items() if bucket_of_dimension(key) == bucket)


def _profiles() -> tuple[LensProfile, ...]:
    """Gather the database's curves, those within one radius into one; the most lenses first."""
    lenses = [lens for lens in map(_filled, wide_lenses(FRAME)) if lens is not None]
    points = points_of([lens.curve for lens in lenses])
    labels = cover(points, np.ones(len(lenses)), _RADIUS_PX)
    groups = [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]
    groups.sort(key=len, reverse=True)
    return tuple(
        _profile([lenses[index] for index in group], points[group], f"lensfun_{number:04d}")
        for number, group in enumerate(groups, start=1)
    )


def _profile(lenses: Sequence[KnownLens], points: Array, name: str) -> LensProfile:
    middle = points.mean(axis=0)
    spread = np.sqrt(np.square(points - middle).sum(axis=1).mean())
    words = "; ".join(dict.fromkeys(f"{lens.name} {lens.focal_mm:g} mm" for lens in lenses))
    return LensProfile(
        name=name,
        about=words[:_LONGEST_WORDS],
        curve=atlas_curve(curve_at(middle), frame=str(FRAME)),
        spread_px=round(float(spread), 4),
        listings=0,
        sizes={},
    )


def _filled(lens: KnownLens) -> KnownLens | None:
    """Zoom a calibration until it fills the frame; one that folds there is left out."""
    try:
        return replace(lens, curve=lens.curve.zoomed(filling_zoom(lens.curve, FRAME)))
    except LensModelError:
        return None

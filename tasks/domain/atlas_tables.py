"""Writes an atlas as the tables of the legacy methods, which know (k1, k2, alpha) with a zoom of their own.

``safe`` is the pair whose legacy map is nearest to the group's safe curve, ``primary`` the pair with the
least mean distance to all profiles, as often as the group meets them; what the form loses is told in pixels
beside the table. Sizes with too few pairs get no row of their own: their bucket's serves them. What no pair
speaks for is kept from the base table, and the new table's source says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.legacy_fit import AT_ZERO, LegacyFit, middle_legacy, nearest_legacy
from gpu.lens_curve import LensCurve
from tasks.domain.atlas import AtlasCurve, Group, LensAtlas, profile_weights, size_of_dimension
from tasks.domain.buckets import BUCKETS, NOMINAL_SIZE
from tasks.domain.coefficients import CoefficientPair
from tasks.domain.searched_tables import TableLabel
from tasks.domain.tables import (
    BucketTable,
    CorrectionTable,
    Defaults,
    DimensionRow,
    GlobalTable,
    ParentRow,
    TableHeader,
)

Table = TypeVar("Table", bound=TableHeader)
T = TypeVar("T", bound=str)

MIN_DIM_SUPPORT: Final = 30
"""Pairs that a size needs for a row of its own, as in the runbook's table build."""


@dataclass(frozen=True, slots=True)
class AtlasTable(Generic[Table]):
    """A table and, for each of its pairs, the RMS distance in pixels to the (nearest) curve it stands for."""

    table: Table
    residual_px: Mapping[str, float]


def correction_table_of(
    atlas: LensAtlas,
    base: CorrectionTable,
    label: TableLabel,
    *,
    min_dim_support: int = MIN_DIM_SUPPORT,
    alphas: Sequence[float] = AT_ZERO,
) -> AtlasTable[CorrectionTable]:
    """Write the CalibGuard-Dim table of an atlas.

    Args:
        atlas: ``primary`` and ``safe`` of its groups become the rows.
        base: Says what was last scored, and has the parents of buckets that the atlas does not know.
        label: Of the new table.
        min_dim_support: Pairs that a size needs for a row of its own.
        alphas: Those that a row may have; each is tried.
    """
    rows = {size: group for size, group in atlas.dimensions.items() if group.pairs >= min_dim_support}
    fits = dict(_fits(rows, {size: size_of_dimension(size) for size in rows}, atlas, alphas))
    fits |= dict(_fits(atlas.buckets, NOMINAL_SIZE, atlas, alphas))
    fits["global_fallback"] = _fit(atlas.everything.safe, NOMINAL_SIZE["standard"], alphas)
    kept = [f"parent {bucket}" for bucket in BUCKETS if bucket not in atlas.buckets]
    table = CorrectionTable(
        schema_version=1,
        name=label.name,
        source=_source(atlas, fits, kept),
        date=label.date,
        defaults=Defaults(),
        dimensions={size: _dimension_row(size, group, fits, base) for size, group in rows.items()},
        parents={
            bucket: _parent_row(bucket, fits) if bucket in atlas.buckets else base.parents[bucket]
            for bucket in BUCKETS
        },
        global_fallback=_pair(fits["global_fallback"]),
    )
    return AtlasTable(table, _residuals(fits))


def bucket_table_of(
    atlas: LensAtlas, base: BucketTable, label: TableLabel, *, alphas: Sequence[float] = AT_ZERO
) -> AtlasTable[BucketTable]:
    """Write the seven-bucket table of an atlas: the best pair for each, and everybody's as fallback."""
    fits = {str(bucket): _middle(atlas, NOMINAL_SIZE[bucket], alphas) for bucket in atlas.buckets}
    fits["fallback"] = _fit(atlas.everything.safe, NOMINAL_SIZE["standard"], alphas)
    kept = [f"bucket {bucket}" for bucket in BUCKETS if bucket not in atlas.buckets]
    table = BucketTable(
        schema_version=1,
        name=label.name,
        source=_source(atlas, fits, kept),
        date=label.date,
        defaults=Defaults(),
        buckets={b: _pair(fits[b]) if b in atlas.buckets else base.buckets[b] for b in BUCKETS},
        fallback=_pair(fits["fallback"]),
    )
    return AtlasTable(table, _residuals(fits))


def global_table_of(
    atlas: LensAtlas, label: TableLabel, *, alphas: Sequence[float] = AT_ZERO
) -> AtlasTable[GlobalTable]:
    """Write the one pair that is best for the photos of all sizes, as often as listings meet each profile."""
    fits = {"all": _middle_of(profile_weights(atlas), atlas, NOMINAL_SIZE["standard"], alphas)}
    table = GlobalTable(
        schema_version=1,
        name=label.name,
        source=_source(atlas, fits, []),
        date=label.date,
        defaults=Defaults(),
        pair=_pair(fits["all"]),
    )
    return AtlasTable(table, _residuals(fits))


def _fits(
    groups: Mapping[T, Group], sizes: Mapping[T, ImageSize], atlas: LensAtlas, alphas: Sequence[float]
) -> Iterator[tuple[str, LegacyFit]]:
    for key, group in groups.items():
        yield f"{key}.primary", _middle(atlas, sizes[key], alphas)
        yield f"{key}.safe", _fit(group.safe, sizes[key], alphas)


def _fit(curve: AtlasCurve, size: ImageSize, alphas: Sequence[float]) -> LegacyFit:
    return nearest_legacy(curve.at(size), size, alphas=alphas)


def _middle(atlas: LensAtlas, size: ImageSize, alphas: Sequence[float]) -> LegacyFit:
    return _middle_of(profile_weights(atlas, size), atlas, size, alphas)


def _middle_of(
    shares: Mapping[str, float], atlas: LensAtlas, size: ImageSize, alphas: Sequence[float]
) -> LegacyFit:
    known = {profile.name: curve for profile in atlas.profiles if (curve := _curve_at(profile.curve, size))}
    weights = np.array([shares[name] for name in known])
    return middle_legacy(tuple(known.values()), weights, size, alphas=alphas)


def _curve_at(curve: AtlasCurve, size: ImageSize) -> LensCurve | None:
    try:
        return curve.at(size)
    except LensModelError:
        return None


def _dimension_row(
    size: str, group: Group, fits: Mapping[str, LegacyFit], base: CorrectionTable
) -> DimensionRow:
    known = base.dimensions.get(size)
    return DimensionRow(
        primary=_pair(fits[f"{size}.primary"]),
        safe=_pair(fits[f"{size}.safe"]),
        support=group.pairs,
        last_zero_rate=known.last_zero_rate if known else None,
        test_photos=known.test_photos if known else None,
    )


def _parent_row(bucket: str, fits: Mapping[str, LegacyFit]) -> ParentRow:
    return ParentRow(primary=_pair(fits[f"{bucket}.primary"]), safe=_pair(fits[f"{bucket}.safe"]))


def _pair(fit: LegacyFit) -> CoefficientPair:
    return CoefficientPair(k1=fit.k1, k2=fit.k2, alpha=fit.alpha or None)


def _residuals(fits: Mapping[str, LegacyFit]) -> dict[str, float]:
    return {place: round(fit.residual_px, 3) for place, fit in fits.items()}


def _source(atlas: LensAtlas, fits: Mapping[str, LegacyFit], kept: list[str]) -> str:
    worst = max(fits, key=lambda place: fits[place].residual_px)
    unknown = f" Kept from the base table: {', '.join(kept)}." if kept else ""
    return (
        f"Nearest legacy pairs to the curves of atlas {atlas.name}, {atlas.pairs_used} pairs; at worst "
        f"{fits[worst].residual_px:.2f} px RMS away ({worst}).{unknown}"
    )

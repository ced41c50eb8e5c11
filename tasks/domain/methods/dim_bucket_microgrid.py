"""Method ``dim_bucket_microgrid``: one coefficient pair for each of the seven buckets.

It renders; the micro-grid search over training pairs is done elsewhere and handed in as a table.
"""

from typing import Final

from tasks.domain.buckets import bucket_of
from tasks.domain.coefficients import usable_warp
from tasks.domain.methods.method import (
    CoefficientSource,
    Method,
    RouteOptions,
    chosen_table,
    chosen_variant,
    origin,
    routed,
    size_of,
)
from tasks.domain.schemas import PhotoRef, RoutedPhoto
from tasks.domain.tables import BucketTable, load_bucket_table, shipped_bucket_table

_NAME: Final = "dim_bucket_microgrid"
_VARIANTS: Final = ("tuned",)


def _table(options: RouteOptions) -> BucketTable:
    return chosen_table(options, BucketTable, shipped=shipped_bucket_table, method=_NAME)


def _variant(options: RouteOptions) -> str:
    return chosen_variant(options, _VARIANTS, method=_NAME)


def _route(photo: PhotoRef, options: RouteOptions) -> RoutedPhoto:
    _variant(options)
    return route_by_bucket(photo, _table(options), options=options, source=origin(options))


def route_by_bucket(
    photo: PhotoRef, table: BucketTable, *, options: RouteOptions, source: CoefficientSource
) -> RoutedPhoto:
    """Give a photo its bucket's pair, or the table's fallback where the bucket has none.

    Args:
        photo: Its size names the bucket.
        table: Pairs to choose from.
        options: Interpolation and border of the run.
        source: Where the table came from; a fallback is recorded as such instead.
    """
    bucket = bucket_of(photo.width, photo.height)
    pair = table.buckets.get(bucket)
    if pair is None:
        reason = f"bucket {bucket} has no pair in table {table.name} and takes its fallback {table.fallback}"
    else:
        reason = f"bucket {bucket} takes {pair} of table {table.name}"
    return routed(
        photo,
        usable_warp(pair or table.fallback, alpha=table.defaults.alpha, size=size_of(photo)),
        options=options,
        defaults=table.defaults,
        route=f"bucket_{bucket}" if pair else "global_fallback",
        reason=reason,
        source=source if pair else "fallback",
    )


METHOD: Final = Method(
    name=_NAME,
    family=_NAME,
    summary="One coefficient pair for each dimension bucket.",
    variants=_VARIANTS,
    load_table=load_bucket_table,
    table=_table,
    variant=_variant,
    route=_route,
)

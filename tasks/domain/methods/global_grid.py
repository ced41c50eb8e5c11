"""Method ``global_grid``: one coefficient pair for all photos, the baseline of all others.

It renders; searching the pair on training pairs is done elsewhere and handed in as a table.
"""

from typing import Final

from tasks.domain.coefficients import CoefficientPair, usable_warp
from tasks.domain.methods.method import (
    Method,
    RouteOptions,
    chosen_table,
    chosen_variant,
    origin,
    routed,
    size_of,
)
from tasks.domain.schemas import PhotoRef, RoutedPhoto
from tasks.domain.tables import GlobalTable, load_global_table, shipped_global_table

_NAME: Final = "global_grid"
_VARIANTS: Final = ("seed",)


def table_of_pair(pair: CoefficientPair) -> GlobalTable:
    """Make the table of a pair that was given as an option of the run."""
    return GlobalTable(schema_version=1, name="explicit_pair", source="An option of the run.", pair=pair)


def _table(options: RouteOptions) -> GlobalTable:
    return chosen_table(options, GlobalTable, shipped=shipped_global_table, method=_NAME)


def _variant(options: RouteOptions) -> str:
    return chosen_variant(options, _VARIANTS, method=_NAME)


def _route(photo: PhotoRef, options: RouteOptions) -> RoutedPhoto:
    _variant(options)
    table = _table(options)
    return routed(
        photo,
        usable_warp(table.pair, alpha=table.defaults.alpha, size=size_of(photo)),
        options=options,
        defaults=table.defaults,
        route="global",
        reason=f"every photo takes {table.pair} of table {table.name}",
        source=origin(options),
    )


METHOD: Final = Method(
    name=_NAME,
    family=_NAME,
    summary="One coefficient pair for all photos.",
    variants=_VARIANTS,
    load_table=load_global_table,
    table=_table,
    variant=_variant,
    route=_route,
)

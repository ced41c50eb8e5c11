"""Method ``calibguard_dim``: coefficients by exact size, with guardrails that fall back to safe rows.

The rules are in ``tasks.domain.routing``; this module only turns their decision into a routed photo.
"""

from typing import Final

from tasks.domain.coefficients import usable_warp
from tasks.domain.methods.method import Method, RouteOptions, chosen_table, chosen_variant, origin, size_of
from tasks.domain.routing import PROFILES, Profile, route
from tasks.domain.schemas import PhotoRef, RoutedPhoto
from tasks.domain.tables import CorrectionTable, load_table, shipped_correction_table

_NAME: Final = "calibguard_dim"


def _table(options: RouteOptions) -> CorrectionTable:
    return chosen_table(options, CorrectionTable, shipped=shipped_correction_table, method=_NAME)


def _variant(options: RouteOptions) -> Profile:
    name = chosen_variant(options, PROFILES, method=_NAME)
    return next(profile for profile in PROFILES if profile == name)


def _route(photo: PhotoRef, options: RouteOptions) -> RoutedPhoto:
    table, size = _table(options), size_of(photo)
    decision = route(
        size,
        table,
        profile=_variant(options),
        interpolation=options.interpolation,
        border=options.border,
    )
    return RoutedPhoto(
        photo=photo,
        warp=usable_warp(decision.pair, alpha=table.defaults.alpha, size=size),
        route=decision.route,
        reason=decision.reason,
        guardrails=decision.guardrails,
        coefficient_source="fallback" if decision.route == "global_fallback" else origin(options),
        interpolation=decision.interpolation,
        border=decision.border,
    )


METHOD: Final = Method(
    name=_NAME,
    family=_NAME,
    summary="Coefficients by exact dimension, with guardrails for rare and risky sizes.",
    variants=PROFILES,
    load_table=load_table,
    table=_table,
    variant=_variant,
    route=_route,
)

"""Method ``shoot_atlas``: each photo's curve from whatever tells it best, judged against a lens atlas.

Estimators answer, ``tasks.domain.atlas_routing`` chooses; this module turns the choice into a routed photo.
"""

from collections.abc import Sequence
from typing import Final

from gpu.lens_curve import LensCurve
from gpu.plumb_line.looking import LensClues, LensLook, look_for_lens
from tasks.domain.atlas import LensAtlas, load_atlas
from tasks.domain.atlas_routing import LADDERS, AtlasRoute, as_trusted, route_by_atlas
from tasks.domain.estimators.estimate import Estimator, Question
from tasks.domain.estimators.plumb_line import lines_found
from tasks.domain.estimators.registry import ESTIMATORS, all_estimates
from tasks.domain.line_prior import line_prior
from tasks.domain.methods.method import (
    CoefficientSource,
    Method,
    Observer,
    RouteOptions,
    chosen_table,
    chosen_variant,
    origin,
    size_of,
)
from tasks.domain.observations import CameraFound, Listing, Observation, observation_on
from tasks.domain.routing import PROFILES, Profile
from tasks.domain.schemas import CurveWarp, IdentityWarp, PhotoRef, RoutedPhoto
from tasks.domain.shipped_atlas import shipped_atlas

_NAME: Final = "shoot_atlas"


def _atlas(options: RouteOptions) -> LensAtlas:
    return chosen_table(options, LensAtlas, shipped=shipped_atlas, method=_NAME)


def _variant(options: RouteOptions) -> Profile:
    name = chosen_variant(options, PROFILES, method=_NAME)
    return next(profile for profile in PROFILES if profile == name)


def _routed(
    photo: PhotoRef, options: RouteOptions, listing: Listing, *, estimators: Sequence[Estimator]
) -> RoutedPhoto:
    ladder, seen = LADDERS[_variant(options)], observation_on(photo.id, listing)
    atlas = as_trusted(_atlas(options), ladder)
    found = route_by_atlas(
        all_estimates(Question(photo, listing, atlas), ladder.row, estimators),
        ladder=ladder,
        atlas=atlas,
        size=size_of(photo),
        lines=seen.lines if seen else None,
    )
    return RoutedPhoto(
        photo=photo,
        warp=_warp(found.curve),
        route=f"atlas_{found.estimate.rung}",
        reason=found.estimate.reason,
        guardrails=(*_not_seen(photo, listing), *found.abstained),
        coefficient_source=_source(found, options),
        interpolation=options.interpolation or atlas.defaults.interpolation,
        border=options.border or atlas.defaults.border,
        expected_error_px=found.estimate.expected_px,
        error_bound_px=found.estimate.bound_px,
    )


def _not_seen(photo: PhotoRef, listing: Listing) -> tuple[str, ...]:
    """Say what a look at the photo did not show."""
    seen = observation_on(photo.id, listing)
    if seen is not None and seen.problem:
        return (f"not looked at: {seen.problem}",)
    if seen is None or seen.lines is None or seen.lines.chains:
        return ()
    others = [other.lines.chains for other in listing if other.photo_id != photo.id and other.lines]
    shown = f"; others of its listing that show some: {sum(map(bool, others))} of {len(others)}"
    return (f"no straight line was found in it{shown if others else ''}",)


def _warp(curve: LensCurve | None) -> CurveWarp | IdentityWarp:
    return IdentityWarp() if curve is None else CurveWarp(factors=curve.factors)


def _source(found: AtlasRoute, options: RouteOptions) -> CoefficientSource:
    if found.estimate.support is None:
        return "searched"  # on the photo or its listing
    return "fallback" if found.estimate.rung == "global" else origin(options)


def _job(photo: bytes, options: RouteOptions) -> LensLook:
    return LensLook(photo, line_prior(_atlas(options)))


def _recorded(photo_id: str, clues: LensClues) -> Observation:
    camera = clues.camera
    return Observation(
        photo_id=photo_id,
        camera=camera
        and CameraFound(maker=camera.maker, model=camera.model, lens=camera.lens, focal_mm=camera.focal_mm),
        lines=lines_found(clues),
    )


def method_of(estimators: Sequence[Estimator]) -> Method:
    """Make the method of these estimators."""

    def route(photo: PhotoRef, options: RouteOptions) -> RoutedPhoto:
        return _routed(photo, options, (), estimators=estimators)

    def route_observed(photo: PhotoRef, options: RouteOptions, listing: Listing) -> RoutedPhoto:
        return _routed(photo, options, listing, estimators=estimators)

    return Method(
        name=_NAME,
        family=_NAME,
        summary="Lens curves by metadata, by lines in a listing's photos, or by what a size makes likely.",
        variants=PROFILES,
        load_table=load_atlas,
        table=_atlas,
        variant=_variant,
        route=route,
        observer=Observer(job=_job, look=look_for_lens, record=_recorded, route=route_observed),
    )


METHOD: Final = method_of(ESTIMATORS)

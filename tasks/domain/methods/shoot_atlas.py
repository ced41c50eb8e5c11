"""Method ``shoot_atlas``: each photo's curve from whatever tells it best, judged against a lens atlas.

Estimators answer, ``tasks.domain.atlas_routing`` chooses; this module turns the choice into a routed photo.
"""

from typing import Final

from gpu.jpeg.camera import Camera, read_camera
from gpu.lens_curve import LensCurve
from tasks.domain.atlas import LensAtlas, load_atlas
from tasks.domain.atlas_routing import LADDERS, AtlasRoute, route_by_atlas
from tasks.domain.estimators.estimate import Question
from tasks.domain.estimators.registry import all_estimates
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
from tasks.domain.observations import CameraFound, Observation
from tasks.domain.routing import PROFILES, Profile
from tasks.domain.schemas import CurveWarp, IdentityWarp, PhotoRef, RoutedPhoto
from tasks.domain.shipped_atlas import shipped_atlas

_NAME: Final = "shoot_atlas"


def _atlas(options: RouteOptions) -> LensAtlas:
    return chosen_table(options, LensAtlas, shipped=shipped_atlas, method=_NAME)


def _variant(options: RouteOptions) -> Profile:
    name = chosen_variant(options, PROFILES, method=_NAME)
    return next(profile for profile in PROFILES if profile == name)


def _route(photo: PhotoRef, options: RouteOptions) -> RoutedPhoto:
    return _routed(photo, options, None)


def _route_observed(photo: PhotoRef, options: RouteOptions, observation: Observation) -> RoutedPhoto:
    return _routed(photo, options, observation)


def _routed(photo: PhotoRef, options: RouteOptions, observation: Observation | None) -> RoutedPhoto:
    atlas, ladder = _atlas(options), LADDERS[_variant(options)]
    estimates = all_estimates(Question(photo, observation, atlas), ladder.row)
    found = route_by_atlas(estimates, ladder=ladder, atlas=atlas, size=size_of(photo))
    return RoutedPhoto(
        photo=photo,
        warp=_warp(found.curve),
        route=f"atlas_{found.estimate.rung}",
        reason=found.estimate.reason,
        guardrails=found.abstained,
        coefficient_source=_source(found, options),
        interpolation=options.interpolation or atlas.defaults.interpolation,
        border=options.border or atlas.defaults.border,
        expected_error_px=found.estimate.expected_px,
    )


def _warp(curve: LensCurve | None) -> CurveWarp | IdentityWarp:
    return IdentityWarp() if curve is None else CurveWarp(factors=curve.factors)


def _source(found: AtlasRoute, options: RouteOptions) -> CoefficientSource:
    if found.estimate.support is None:
        return "searched"  # on the photo or its listing
    return "fallback" if found.estimate.rung == "global" else origin(options)


def _job(photo: bytes, _: RouteOptions) -> bytes:
    return photo


def _recorded(photo_id: str, camera: Camera | None) -> Observation:
    if camera is None:
        return Observation(photo_id=photo_id)
    found = CameraFound(maker=camera.maker, model=camera.model, lens=camera.lens, focal_mm=camera.focal_mm)
    return Observation(photo_id=photo_id, camera=found)


METHOD: Final = Method(
    name=_NAME,
    family=_NAME,
    summary="Lens curves by metadata, or by what training pairs of the photo's size make likely.",
    variants=PROFILES,
    load_table=load_atlas,
    table=_atlas,
    variant=_variant,
    route=_route,
    observer=Observer(job=_job, look=read_camera, record=_recorded, route=_route_observed),
)

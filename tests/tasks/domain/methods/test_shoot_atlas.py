from collections.abc import Callable

import pytest

from gpu.coordinates import ImageSize
from gpu.jpeg.camera import read_camera
from gpu.lens_curve import LensCurve
from gpu.plumb_line.shape import frame_rms_px
from tasks.domain.atlas import LensAtlas, LineRule, load_atlas
from tasks.domain.methods.method import RouteOptions
from tasks.domain.methods.shoot_atlas import METHOD
from tasks.domain.observations import Observation
from tasks.domain.schemas import CurveWarp, PhotoRef, RoutedPhoto
from tasks.domain.shipped_atlas import shipped_atlas
from tasks.domain.tables import canonical_json, shipped_correction_table
from tasks.warps import radial_map_of
from tests.camera_photos import photo_by
from tests.fitted_pairs import MIDDLE, STRONG, WEAK, learned, listing
from tests.line_observations import observed_lines, seen_through

PhotoOf = Callable[[int, int], PhotoRef]


@pytest.fixture(scope="module")
def atlas() -> LensAtlas:
    many = [pair for n in range(12) for pair in listing(f"ash{n}", STRONG, 10)]
    return learned([*many, *listing("birch", WEAK, 12, frame="2048x1366")])


def routed(photo: PhotoRef, atlas: LensAtlas, variant: str = "balanced") -> RoutedPhoto:
    return METHOD.route(photo, RouteOptions(table=atlas, variant=variant))


def test_a_size_with_support_takes_its_own_curve(photo_of: PhotoOf, atlas: LensAtlas) -> None:
    found = routed(photo_of(2048, 1367), atlas)
    assert (found.route, found.coefficient_source) == ("atlas_dimension", "loaded")
    assert isinstance(found.warp, CurveWarp)
    assert found.warp.factors == pytest.approx(STRONG.factors, abs=1e-4)
    assert found.expected_error_px is not None
    assert found.error_bound_px is not None
    assert 0.0 < found.expected_error_px < found.error_bound_px


def test_profiles_ask_for_more_or_less_support(photo_of: PhotoOf, atlas: LensAtlas) -> None:
    rare = photo_of(2048, 1366)  # 12 pairs
    routes = {variant: routed(rare, atlas, variant).route for variant in METHOD.variants}
    assert routes == {"safe": "atlas_bucket", "balanced": "atlas_bucket", "aggressive": "atlas_dimension"}
    assert routed(rare, atlas).guardrails == (
        "dimension by dimension_prior not taken: 12 training pairs, 30 are the least",
    )


def test_a_size_of_an_unknown_bucket_falls_back_to_all(photo_of: PhotoOf, atlas: LensAtlas) -> None:
    found = routed(photo_of(2048, 1536), atlas)
    assert (found.route, found.coefficient_source) == ("atlas_global", "fallback")


def test_metadata_beats_what_the_size_makes_likely(photo_of: PhotoOf) -> None:
    assert METHOD.observer is not None
    options = METHOD.options(variant="balanced")
    photo = photo_by("Canon", "Canon EOS 5D Mark II", "EF16-35mm f/2.8L II USM", 16)
    seen = METHOD.observer.look(METHOD.observer.job(photo, options))
    assert seen.camera == read_camera(photo)
    observation = METHOD.observer.record("house_g1", seen)
    assert Observation.model_validate_json(observation.model_dump_json()) == observation
    found = METHOD.choose(photo_of(2048, 1366), options, (observation,))
    assert (found.route, found.coefficient_source) == ("atlas_snap", "searched")
    assert "16 mm" in found.reason
    assert METHOD.choose(photo_of(2048, 1366), options, ()).route == "atlas_dimension"


def test_an_observation_without_a_camera_changes_nothing(photo_of: PhotoOf) -> None:
    photo, options = photo_of(2048, 1366), RouteOptions()
    nothing = Observation(photo_id=photo.id)
    assert METHOD.choose(photo, options, (nothing,)) == METHOD.route(photo, options)


def test_the_shipped_atlas_knows_the_sizes_of_the_shipped_table_and_hundreds_of_lenses() -> None:
    found = shipped_atlas()
    assert set(found.dimensions) == set(shipped_correction_table().dimensions)
    assert len(found.profiles) > 200
    assert load_atlas(canonical_json(found), source="shipped") == found
    assert found.everything.expected_px is None


@pytest.mark.parametrize("size", [(2048, 1367), (2048, 1536), (1367, 2048), (3, 2), (1, 1), (65535, 1)])
def test_every_size_gets_a_map_from_the_shipped_atlas(photo_of: PhotoOf, size: tuple[int, int]) -> None:
    found = METHOD.route(photo_of(*size), RouteOptions())
    assert radial_map_of(found.warp, ImageSize(*size)) is not None


def test_lines_of_a_listing_beat_what_the_size_makes_likely(photo_of: PhotoOf, atlas: LensAtlas) -> None:
    photo, options = photo_of(2048, 1367), RouteOptions(table=atlas, variant="balanced")
    seen = [observed_lines(f"house_g{number}", seen_through(WEAK, seed=number), atlas) for number in range(4)]
    found = METHOD.choose(photo, options, tuple(seen))
    assert (found.route, found.coefficient_source) == ("atlas_snap", "searched")
    assert found.reason == (
        "its lines and those of 3 other photos of its listing are those of a lens that the atlas knows"
    )
    assert isinstance(found.warp, CurveWarp)
    assert frame_rms_px(LensCurve(found.warp.factors), WEAK, ImageSize(2048, 1367)) < 2.0


def test_the_safe_profile_suspects_the_scene_sooner(photo_of: PhotoOf) -> None:
    pairs = [pair for n in range(20) for pair in listing(f"ash{n}", WEAK, 2)]
    rule = LineRule(bowed=0.001)
    atlas = learned(pairs).model_copy(update={"line_rule": rule})
    seen = tuple(observed_lines(f"house_g{n}", seen_through(MIDDLE, seed=n), atlas) for n in range(3))
    moved = {}
    for variant in ("safe", "balanced"):
        found = METHOD.choose(photo_of(2048, 1367), RouteOptions(table=atlas, variant=variant), seen)
        assert isinstance(found.warp, CurveWarp)
        moved[variant] = frame_rms_px(LensCurve(found.warp.factors), WEAK, ImageSize(2048, 1367))
    assert moved["safe"] < 1.0 < 3.0 < moved["balanced"]


def test_a_photo_that_could_not_be_looked_at_is_routed_by_its_size_and_says_so(
    photo_of: PhotoOf, atlas: LensAtlas
) -> None:
    photo, options = photo_of(2048, 1367), RouteOptions(table=atlas)
    lost = Observation(photo_id=photo.id, problem="it is damaged")
    sibling = observed_lines("house_g2", seen_through(WEAK), atlas)
    routed, unseen = METHOD.choose(photo, options, (lost, sibling)), METHOD.route(photo, options)
    assert (routed.warp, routed.route) == (unseen.warp, unseen.route)
    assert routed.guardrails == ("not looked at: it is damaged", *unseen.guardrails)


@pytest.mark.parametrize(
    ("siblings", "sentence"),
    [
        ((), "no straight line was found in it"),
        ((0, 0), "no straight line was found in it; others of its listing that show some: 0 of 2"),
        ((40, 0), "no straight line was found in it; others of its listing that show some: 1 of 2"),
    ],
)
def test_a_photo_without_a_straight_line_says_so(
    photo_of: PhotoOf, siblings: tuple[int, ...], sentence: str
) -> None:
    photo, options = photo_of(2048, 1367), RouteOptions()
    lined = [
        observed_lines(f"house_g{number}", seen_through(WEAK, count=count), shipped_atlas())
        for number, count in enumerate((0, *siblings), start=1)
    ]
    lost = Observation(photo_id="house_g9", problem="it is damaged")
    routed = METHOD.choose(photo, options, (*lined, lost))
    assert routed.guardrails[0] == sentence
    assert METHOD.choose(photo, options, tuple(lined[1:])).guardrails[:1] != (sentence,)
    assert (routed.route in {"atlas_snap", "atlas_pooled"}) == any(siblings)
    assert None not in (routed.expected_error_px, routed.error_bound_px)


def test_a_photo_with_straight_lines_says_nothing_of_the_kind(photo_of: PhotoOf) -> None:
    seen = observed_lines("house_g1", seen_through(WEAK), shipped_atlas())
    routed = METHOD.choose(photo_of(2048, 1367), RouteOptions(), (seen,))
    assert not [each for each in routed.guardrails if "was found" in each]

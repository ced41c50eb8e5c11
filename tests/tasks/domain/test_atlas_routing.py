from dataclasses import replace

import pytest

from gpu.coordinates import ImageSize
from gpu.filling import filling_zoom
from gpu.lens_curve import LensCurve
from gpu.pair_fit.frame import forward_gap
from tasks.domain.atlas_routing import LADDERS, AtlasRoute, as_trusted, route_by_atlas
from tasks.domain.errors import UnusableWarpError
from tasks.domain.estimators.estimate import RUNGS, Estimate, Rung
from tasks.domain.routing import Profile
from tests.fitted_pairs import MIDDLE, STRONG, WEAK, learned, lens, listing
from tests.line_observations import observed_lines, seen_through

SIZE = ImageSize(2048, 1367)
ATLAS = learned([*listing("ash", STRONG, 3), *listing("birch", MIDDLE, 3), *listing("elm", WEAK, 3)])


def estimate(rung: Rung, curve: LensCurve | None = MIDDLE, **changes: object) -> Estimate:
    """Give an estimate that every profile trusts."""
    measured = rung in ("snap", "pooled", "photo", "already_corrected")
    good = Estimate(
        rung=rung,
        by="a test",
        curve=None if rung == "already_corrected" else curve,
        reason=f"it is {rung}",
        expected_px=0.2,
        support=None if measured else 1000,
    )
    return replace(good, **changes)  # type: ignore[arg-type]


def routed(*estimates: Estimate, profile: Profile = "balanced") -> AtlasRoute:
    return route_by_atlas(estimates, ladder=LADDERS[profile], atlas=ATLAS, size=SIZE)


@pytest.mark.parametrize("profile", ["safe", "balanced", "aggressive"])
def test_the_ladder_is_climbed_down_rung_by_rung(profile: Profile) -> None:
    estimates = [estimate(rung) for rung in reversed(RUNGS)]
    for rung in RUNGS:
        assert routed(*estimates, profile=profile).estimate.rung == rung
        estimates.pop()


def test_of_one_rung_the_surest_is_taken() -> None:
    sure, unsure = estimate("photo", expected_px=0.3), estimate("photo", WEAK, expected_px=0.9)
    assert routed(unsure, sure).estimate == sure


@pytest.mark.parametrize(
    ("profile", "doubted", "trusted"),
    [("safe", 0.89, 0.9), ("balanced", 0.79, 0.8), ("aggressive", 0.59, 0.6)],
)
def test_a_lens_is_snapped_to_from_the_profiles_confidence_on(
    profile: Profile, doubted: float, trusted: float
) -> None:
    fallback = estimate("global")
    found = routed(estimate("snap", confidence=doubted), fallback, profile=profile)
    assert found.estimate == fallback
    assert found.abstained == (f"snap by a test not taken: confidence {doubted:.2f}, {trusted} is the least",)
    assert routed(estimate("snap", confidence=trusted), fallback, profile=profile).estimate.rung == "snap"


@pytest.mark.parametrize("rung", ["pooled", "photo", "already_corrected"])
@pytest.mark.parametrize(("profile", "most"), [("safe", 8.0), ("balanced", 8.0), ("aggressive", 16.0)])
def test_a_measurement_is_taken_up_to_the_profiles_error(rung: Rung, profile: Profile, most: float) -> None:
    fallback = estimate("global")
    assert routed(estimate(rung, expected_px=most), fallback, profile=profile).estimate.rung == rung
    for expected in (most + 0.01, None):
        assert routed(estimate(rung, expected_px=expected), fallback, profile=profile).estimate == fallback


@pytest.mark.parametrize(("profile", "least"), [("safe", 100), ("balanced", 30), ("aggressive", 10)])
def test_a_size_needs_the_profiles_support_and_else_its_bucket_serves(profile: Profile, least: int) -> None:
    bucket = estimate("bucket", support=1)
    assert routed(estimate("dimension", support=least), bucket, profile=profile).estimate.rung == "dimension"
    found = routed(estimate("dimension", support=least - 1), bucket, profile=profile)
    assert found.estimate == bucket
    assert f"{least - 1} training pairs, {least} are the least" in found.abstained[0]


def test_only_a_photo_measured_as_corrected_is_left_alone() -> None:
    assert routed(estimate("already_corrected"), estimate("photo")).curve is None
    assert routed(estimate("photo"), estimate("global")).curve is not None


def test_a_curve_outside_the_atlas_is_not_taken() -> None:
    found = routed(estimate("snap", lens(0.5)), estimate("global"))
    assert found.estimate.rung == "global"
    assert "displace the photo as no curve of the atlas does" in found.abstained[0]


def test_a_curve_that_folds_is_not_taken() -> None:
    folding = LensCurve((*STRONG.factors[:3], STRONG.factors[3] - 0.35, 0.12))
    wide = learned([*listing("ash", STRONG, 1), *listing("birch", lens(-0.3), 1)])
    found = route_by_atlas(
        [estimate("snap", folding), estimate("global")], ladder=LADDERS["balanced"], atlas=wide, size=SIZE
    )
    assert found.estimate.rung == "global"


@pytest.mark.parametrize("rung", ["snap", "pooled", "photo", "dimension", "bucket", "global"])
def test_whatever_is_taken_fills_the_frame(rung: Rung) -> None:
    empty = MIDDLE.zoomed(0.995)
    assert filling_zoom(empty, SIZE) > 1.004
    found = routed(estimate(rung, empty))
    assert found.curve is not None
    assert forward_gap(found.curve, SIZE, content=SIZE) > -0.05  # px between two of the border's places


def test_a_curve_that_fills_the_frame_is_not_touched() -> None:
    zoomed = MIDDLE.zoomed(1.002)
    assert routed(estimate("global", zoomed)).curve == zoomed


def test_where_nothing_may_be_used_a_sentence_names_the_size_and_every_reason() -> None:
    with pytest.raises(UnusableWarpError, match=r"serves a photo of 2048x1367: snap .*; global .* not taken"):
        routed(estimate("snap", confidence=0.1), estimate("global", lens(0.5)))


def test_the_safe_profile_presumes_bowed_scenes_and_the_others_what_pairs_taught() -> None:
    def presumed(profile: Profile, taught: float) -> float:
        rule = ATLAS.line_rule.model_copy(update={"bowed": taught})
        atlas = ATLAS.model_copy(update={"line_rule": rule})
        return as_trusted(atlas, LADDERS[profile]).line_rule.bowed

    assert {profile: presumed(profile, 0.1) for profile in LADDERS} == {
        "safe": 0.35,
        "balanced": 0.1,
        "aggressive": 0.1,
    }
    assert {presumed(profile, 0.6) for profile in LADDERS} == {0.6}


def test_what_is_objected_to_is_not_taken() -> None:
    doubted = estimate("pooled", objections=("2 of 3 photos tell of other curves",))
    found = routed(doubted, estimate("photo"))
    assert found.estimate.rung == "photo"
    assert found.abstained == ("pooled by a test not taken: 2 of 3 photos tell of other curves",)


@pytest.mark.parametrize("rung", ["snap", "pooled", "photo"])
def test_a_curve_that_bends_the_straight_lines_of_its_photo_is_not_taken(rung: Rung) -> None:
    estimates = [estimate(rung, STRONG), estimate("dimension", STRONG)]
    straight, bent = (
        observed_lines("house_g1", seen_through(curve), ATLAS).lines for curve in (LensCurve((1.0,)), STRONG)
    )
    for lines, taken in ((straight, "dimension"), (bent, rung), (None, rung)):
        found = route_by_atlas(estimates, ladder=LADDERS["balanced"], atlas=ATLAS, size=SIZE, lines=lines)
        assert found.estimate.rung == taken
    refused = route_by_atlas(estimates, ladder=LADDERS["balanced"], atlas=ATLAS, size=SIZE, lines=straight)
    assert "a curve must not bend what is straight" in refused.abstained[0]

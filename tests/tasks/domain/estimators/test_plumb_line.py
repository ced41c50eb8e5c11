from collections.abc import Iterator
from dataclasses import replace

import pytest

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.jpeg.rejection import PhotoRejected
from gpu.lens_curve import LensCurve
from gpu.plumb_line.looking import LensLook, look_for_lens
from gpu.plumb_line.prior import CurvePrior
from gpu.plumb_line.shape import frame_rms_px
from tasks.domain.atlas import LensAtlas
from tasks.domain.estimators.estimate import Estimate, Question, Rung
from tasks.domain.estimators.plumb_line import ESTIMATOR, line_estimator, lines_found
from tasks.domain.line_prior import line_prior, line_prior_of
from tasks.domain.observations import Listing, Observation
from tasks.domain.schemas import PhotoRef
from tests.fitted_pairs import MIDDLE, STRONG, WEAK, learned, lens, listing, quarantined
from tests.lens_pairs import jpeg
from tests.line_observations import SIZE, observed_lines, seen_through
from tests.straight_lines import WIDE, draw, filled, grid_of_lines, letterboxed

STRAIGHT = LensCurve((1.0,))
LENSES = {f"lens{number}": lens(-0.01 * number) for number in range(1, 14)}
ATLAS = learned(
    [
        *(pair for name, curve in LENSES.items() for pair in listing(name, curve, 2)),
        *(quarantined(f"level_g{number}", "", verdict="already_identical") for number in range(8)),
    ]
)


def photos(*curves: LensCurve | None, atlas: LensAtlas = ATLAS) -> Listing:
    """Observe a photo through each curve; through None one without any line."""
    return tuple(
        observed_lines(
            f"house_g{number}", seen_through(curve or WEAK, count=40 if curve else 0, seed=number), atlas
        )
        for number, curve in enumerate(curves)
    )


def ref(number: int) -> PhotoRef:
    return PhotoRef(id=f"house_g{number}", width=SIZE.width, height=SIZE.height, size=1000, sha256="0" * 64)


def estimates(seen: Listing, number: int = 0) -> dict[Rung, Estimate]:
    found = list(ESTIMATOR.estimates(Question(ref(number), seen, ATLAS), "safe"))
    assert len({each.rung for each in found}) == len(found)
    return {each.rung: each for each in found}


def error_px(estimate: Estimate, curve: LensCurve, size: ImageSize = SIZE) -> float:
    assert estimate.curve is not None
    return frame_rms_px(estimate.curve, curve, size)


def test_a_listing_of_one_photo_is_told_by_its_own_lines() -> None:
    found = estimates(photos(STRONG))

    assert "pooled" not in found
    assert error_px(found["photo"], STRONG) < 2.0
    assert found["photo"].reason == "the curve that its own 40 lines tell"
    assert (found["photo"].by, found["photo"].support) == ("plumb_line", None)


def test_siblings_add_to_what_a_photo_tells() -> None:
    seen = photos(STRONG, STRONG, STRONG, STRONG)

    found = estimates(seen, 2)

    assert found["pooled"].reason == (
        "the curve that its lines and those of 3 other photos of its listing tell"
    )
    assert found["pooled"].expected_px is not None
    assert found["photo"].expected_px is not None
    rule = ATLAS.line_rule
    assert found["pooled"].expected_px / rule.pooled_width < found["photo"].expected_px / rule.width
    assert error_px(found["pooled"], STRONG) < 2.0


def test_a_photo_without_a_line_and_without_siblings_gets_nothing() -> None:
    assert estimates(photos(None)) == {}
    assert estimates(photos(None, None), 1) == {}


def test_a_photo_without_a_line_gets_what_its_siblings_tell() -> None:
    found = estimates(photos(STRONG, None, STRONG), 1)

    assert set(found) <= {"snap", "pooled"}
    assert error_px(found["pooled"], STRONG) < 2.0
    assert found["pooled"].reason == "the curve that the lines of 2 other photos of its listing tell"


def test_where_a_scene_is_probably_bowed_the_reason_says_so() -> None:
    weak = learned([pair for number in range(20) for pair in listing(f"ash{number}", WEAK, 2)])
    bowed, straight = (
        list(ESTIMATOR.estimates(Question(ref(0), photos(curve, atlas=weak), weak), "safe"))[-1]
        for curve in (MIDDLE, WEAK)
    )

    assert ", less what a bowed scene adds to it (probability 0." in bowed.reason
    assert straight.reason == "the curve that its own 40 lines tell"
    for found in (bowed, straight):
        assert error_px(found, WEAK) < 1.0  # px; MIDDLE is 4 px from it
        assert found.expected_px is not None
        assert found.bound_px is not None
        assert found.expected_px < found.bound_px < 2.0


def test_two_lenses_in_one_listing_are_not_averaged() -> None:
    seen = photos(STRONG, WEAK, STRONG, WEAK, STRONG)

    for number, curve in ((0, STRONG), (1, WEAK), (3, WEAK)):
        assert error_px(estimates(seen, number)["pooled"], curve) < 2.0  # px; they are 11 px apart


def test_siblings_that_disagree_with_the_curve_they_share_object() -> None:
    def too_sure(atlas: LensAtlas, dimension: str) -> CurvePrior:
        known = line_prior_of(atlas, dimension)
        return replace(known, trust=replace(known.trust, width=0.01, pooled_width=0.01))

    seen = photos(*[lens(-0.105)] * 3)  # between two that are known
    found = line_estimator(too_sure).estimates(Question(ref(0), seen, ATLAS), "safe")

    (pooled,) = [each for each in found if each.rung == "pooled"]
    assert "3 of 3 photos that seem to share it tell of other curves" in pooled.objections[0]
    assert estimates(seen)["pooled"].objections == ()


def test_lines_that_are_straight_as_taken_need_no_correction() -> None:
    found = estimates(photos(STRAIGHT))

    assert found["already_corrected"].curve is None
    assert found["already_corrected"].confidence > 0.9
    assert found["already_corrected"].bound_px == 0.5  # px: what counts as no correction
    assert "already_corrected" not in estimates(photos(STRONG))


def test_where_a_photo_may_well_need_a_correction_the_bound_is_that_of_none() -> None:
    doubtful = ATLAS.model_copy(
        update={"line_rule": ATLAS.line_rule.model_copy(update={"scene_bow_px": 2.0})}
    )
    seen = photos(STRAIGHT, atlas=doubtful)
    found = next(
        each
        for each in ESTIMATOR.estimates(Question(ref(0), seen, doubtful), "safe")
        if each.rung == "already_corrected"
    )

    assert 0.5 < found.confidence < 0.9
    assert found.bound_px is not None
    assert found.bound_px > 2.0


def test_a_known_lens_is_named_with_its_probability() -> None:
    sure = learned([*listing("ash", STRONG, 9), *listing("birch", lens(-0.2), 1)]).model_copy(
        update={"line_rule": ATLAS.line_rule.model_copy(update={"scene_bow_px": 0.1})}
    )
    seen = photos(*[STRONG] * 6, atlas=sure)

    found = {each.rung: each for each in ESTIMATOR.estimates(Question(ref(0), seen, sure), "safe")}

    assert found["snap"].confidence > 0.5
    assert error_px(found["snap"], STRONG) < 0.1
    assert "are those of a lens that the atlas knows" in found["snap"].reason
    assert found["snap"].objections == ()


def test_siblings_object_to_a_lens_that_was_recognised_too() -> None:
    sure = learned([*listing("ash", STRONG, 9), *listing("birch", lens(-0.2), 1)]).model_copy(
        update={"line_rule": ATLAS.line_rule.model_copy(update={"scene_bow_px": 0.1})}
    )

    def too_sure(atlas: LensAtlas, dimension: str) -> CurvePrior:
        known = line_prior_of(atlas, dimension)
        return replace(known, trust=replace(known.trust, width=1e-4, pooled_width=1e-4))

    seen = photos(*[STRONG] * 6, atlas=sure)
    found = line_estimator(too_sure).estimates(Question(ref(0), seen, sure), "safe")
    (snap,) = [each for each in found if each.rung == "snap"]
    assert "photos that seem to share it tell of other curves" in snap.objections[0]


def test_a_curve_that_folds_costs_its_own_rung_only(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = estimates(photos(STRONG, STRONG))

    def folding(*_: object) -> Iterator[Estimate]:
        raise LensModelError("it folds")
        yield  # a generator, as the rungs are

    monkeypatch.setattr("tasks.domain.estimators.plumb_line._pooled", folding)
    left = estimates(photos(STRONG, STRONG))
    assert set(left) == set(whole) - {"pooled"}
    assert left["photo"] == whole["photo"]


def test_a_photo_that_was_not_looked_at_gets_nothing_and_takes_nothing_from_its_siblings() -> None:
    seen = photos(STRONG, STRONG)
    lost = Observation(photo_id="house_g2", problem="it is damaged")

    assert estimates((*seen, lost), 2) == {}
    assert estimates((*seen, lost), 0) == estimates(seen, 0)
    assert list(ESTIMATOR.estimates(Question(ref(0), (), ATLAS), "safe")) == []


def test_a_listing_is_estimated_once_and_each_photo_once_by_itself() -> None:
    asked: list[str] = []

    def counted(atlas: LensAtlas, dimension: str) -> CurvePrior:
        asked.append(dimension)
        return line_prior_of(atlas, dimension)

    seen, estimator = photos(STRONG, STRONG, STRONG, STRONG), line_estimator(counted)
    for number in range(4):
        list(estimator.estimates(Question(ref(number), seen, ATLAS), "safe"))

    assert asked == ["2048x1367"] * (1 + 4)


def test_lines_survive_their_way_through_json() -> None:
    (seen,) = photos(STRONG)

    assert Observation.model_validate_json(seen.model_dump_json()) == seen
    assert len(seen.model_dump_json()) < 10_000  # bytes a photo


@pytest.mark.parametrize("bar", [0, 90])
def test_a_photo_tells_its_curve_with_and_without_bars_over_it(bar: int) -> None:
    size = ImageSize(1200, 800)
    picture = letterboxed(draw(grid_of_lines(), WIDE), bar=bar) if bar else draw(grid_of_lines(), WIDE)

    clues = look_for_lens(LensLook(jpeg(picture), line_prior(ATLAS)))
    seen = (Observation(photo_id="house_g0", lines=lines_found(clues)),)
    photo = PhotoRef(id="house_g0", width=1200, height=800, size=1000, sha256="0" * 64)
    found = {each.rung: each for each in ESTIMATOR.estimates(Question(photo, seen, ATLAS), "safe")}

    assert clues.lines.chains >= 10
    assert error_px(found["photo"], filled(WIDE, size), size) < 1.5  # px; it is 10 px from none


def test_a_damaged_photo_is_refused() -> None:
    photo = jpeg(draw(grid_of_lines(), WIDE))

    with pytest.raises(PhotoRejected):
        look_for_lens(LensLook(photo[: len(photo) // 2], line_prior(ATLAS)))

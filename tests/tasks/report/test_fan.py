import pytest

from tasks.domain.schemas import CurveWarp, RoutedPhoto
from tasks.domain.shipped_atlas import shipped_atlas
from tasks.report.curves import FAN_RADII, curve_on_frame, displacement_px
from tasks.report.drawing import at_radius, fan_points, fan_scale
from tasks.report.fan import CurveFan, FanCurve, curve_fan
from tests.report_cases import SNAPPED, atlas_routed


def line(*displacement: float) -> FanCurve:
    return FanCurve(
        "a", 1, None, None, (*displacement, *[displacement[-1]] * (len(FAN_RADII) - len(displacement)))
    )


def fan_of(*curves: FanCurve) -> CurveFan:
    return CurveFan("mine", groups=(), chosen=curves, left_out=0)


def with_zooms(count: int) -> list[RoutedPhoto]:
    """Photos whose curves are told apart, the later ones more photos each."""
    base = atlas_routed()[0]
    zooms = [CurveWarp(factors=(1.0 + number / 1000,)) for number in range(1, count + 1)]
    return [
        base.model_copy(update={"warp": warp}) for number, warp in enumerate(zooms) for _ in range(number + 1)
    ]


def test_all_groups_of_the_atlas_are_drawn_those_of_most_pairs_first() -> None:
    atlas = shipped_atlas()
    fan = curve_fan(atlas, [])
    names = {f"size {size}" for size in atlas.dimensions} | {f"bucket {bucket}" for bucket in atlas.buckets}
    assert {curve.name for curve in fan.groups} == names | {"photos of any size"}
    counts = [curve.count for curve in fan.groups]
    assert counts == sorted(counts, reverse=True)
    assert (fan.atlas, fan.chosen) == ("shipped_atlas", ())


def test_every_photo_is_counted_with_the_curve_it_got() -> None:
    fan = curve_fan(shipped_atlas(), atlas_routed())
    assert sum(curve.count for curve in fan.chosen) == 1000
    assert fan.left_out == 0
    for one in atlas_routed()[::97]:
        got = displacement_px(curve_on_frame(one), FAN_RADII)
        misses = [
            max(abs(a - b) for a, b in zip(curve.displacement, got, strict=True))
            for curve in fan.chosen
            if curve.name == one.route
        ]
        assert min(misses) <= 0.1  # px: what is drawn as one


def test_a_recognised_lens_is_a_line_of_its_own_with_its_expected_error_and_bound() -> None:
    fan = curve_fan(shipped_atlas(), atlas_routed())
    snapped = [curve for curve in fan.chosen if curve.name == "atlas_snap"]
    assert sum(curve.count for curve in snapped) == 200
    assert {(curve.expected_px, curve.bound_px) for curve in snapped} == {(0.75, 1.5)}
    r = 0.5
    expected = (sum(f * r ** (n + 1) for n, f in enumerate(SNAPPED)) - r) * 1231.2
    assert at_radius(snapped[0], r) == pytest.approx(expected, abs=0.2)  # px: carried to the frame


def test_the_largest_bound_holds_for_all_photos_of_a_curve() -> None:
    base = atlas_routed()[0]
    photos = [base.model_copy(update={"error_bound_px": bound}) for bound in (2.0, None, 3.5)]
    (line,) = curve_fan(shipped_atlas(), photos).chosen
    assert line.bound_px == 3.5


def test_a_run_of_many_curves_draws_those_of_most_photos_and_counts_the_rest() -> None:
    fan = curve_fan(shipped_atlas(), with_zooms(70))
    assert [curve.count for curve in fan.chosen] == list(range(70, 10, -1))
    assert fan.left_out == 10


@pytest.mark.parametrize(
    ("curve", "marks"),
    [
        pytest.param(line(0.0), (0.0, 0.2, 0.4, 0.6, 0.8, 1.0), id="nothing"),
        pytest.param(line(0.0, 4.0, -7.7), (-8.0, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0), id="both sides"),
        pytest.param(
            line(0.0, -130.0), (-140.0, -120.0, -100.0, -80.0, -60.0, -40.0, -20.0, 0.0), id="inwards"
        ),
    ],
)
def test_the_scale_shows_every_line_whole_at_round_marks(curve: FanCurve, marks: tuple[float, ...]) -> None:
    assert fan_scale(fan_of(curve)).marks == pytest.approx(marks)


def test_points_run_from_the_centre_to_the_corner_and_up_is_outwards() -> None:
    curve = line(0.0, 4.0, -8.0)
    points = fan_points(curve, fan_scale(fan_of(curve))).split()
    assert points[:3] == ["0,33.33", "3.125,0.00", "6.25,100.00"]
    assert points[-1] == "100,100.00"

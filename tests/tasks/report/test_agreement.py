import numpy as np
import pytest

from gpu.coordinates import ImageSize
from gpu.curve_space import FRAME
from gpu.filling import carried
from gpu.lens_curve import LensCurve
from gpu.plumb_line.shape import frame_radii
from tasks.domain.schemas import CurveWarp, PhotoRef, RoutedPhoto
from tasks.report.agreement import listing_agreement

ONE, OTHER = (1.0, 0.0, -0.02), (1.0, 0.0, -0.04)
MEANS = {"a": 10.0, "b": 20.0, "c": 30.0}


def photo(
    name: str,
    factors: tuple[float, ...] = ONE,
    *,
    route: str = "atlas_photo",
    expected: float | None = None,
    bound: float | None = None,
    size: ImageSize = FRAME,
) -> RoutedPhoto:
    return RoutedPhoto(
        photo=PhotoRef(id=name, width=size.width, height=size.height, size=1, sha256="0" * 64),
        warp=CurveWarp(factors=factors),
        route=route,
        reason="",
        coefficient_source="shipped",
        interpolation="cubic",
        border="reflect",
        expected_error_px=expected,
        error_bound_px=bound,
    )


def rms_apart() -> float:
    r = frame_radii(FRAME)
    return float(np.sqrt(np.mean(np.square(0.02 * r**3)))) * FRAME.half_diagonal


def test_the_spread_is_the_distance_from_the_mean_and_the_farthest_photo_is_named() -> None:
    (found,) = listing_agreement([photo("a_g1"), photo("a_g2"), photo("a_g3", OTHER)], MEANS)
    assert found.farthest == "a_g3"
    assert found.farthest_px == pytest.approx(2 / 3 * rms_apart())
    assert found.spread_px == pytest.approx(np.sqrt(2 / 9) * rms_apart())
    assert (found.listing, found.photos, found.mean_score) == ("a", 3, 10.0)


def test_listings_that_agree_least_come_first_and_then_those_of_larger_error() -> None:
    photos = [
        *(photo("a_g1", expected=1.0), photo("a_g2")),
        *(photo("b_g1", expected=2.0), photo("b_g2")),
        *(photo("c_g1"), photo("c_g2", OTHER)),
    ]
    assert [one.listing for one in listing_agreement(photos, MEANS)] == ["c", "b", "a"]


def test_a_photo_alone_disagrees_with_nobody() -> None:
    assert listing_agreement([photo("a_g1"), photo("b_g1", OTHER)], MEANS) == ()


def test_a_crop_through_the_same_lens_agrees() -> None:
    crop = ImageSize(2048, 1536)
    on_crop = carried(LensCurve(ONE), FRAME, crop).factors
    (found,) = listing_agreement([photo("a_g1"), photo("a_g2", on_crop, size=crop)], MEANS)
    assert found.spread_px < 1e-6


def test_expected_errors_are_of_the_photos_that_have_one() -> None:
    photos = [
        photo("a_g1", expected=1.0),
        photo("a_g2", expected=3.0),
        photo("a_g3"),
        photo("b_g1"),
        photo("b_g2"),
    ]
    by_name = {one.listing: one for one in listing_agreement(photos, MEANS)}
    assert (by_name["a"].expected_px, by_name["a"].worst_expected_px, by_name["a"].foretold) == (2.0, 3.0, 2)
    assert (by_name["b"].expected_px, by_name["b"].worst_expected_px, by_name["b"].foretold) == (
        None,
        None,
        0,
    )


def test_the_largest_bound_holds_for_all_photos_of_a_listing() -> None:
    photos = [photo("a_g1", bound=2.0), photo("a_g2", bound=3.5), photo("a_g3"), photo("b_g1"), photo("b_g2")]
    assert {one.listing: one.bound_px for one in listing_agreement(photos, MEANS)} == {"a": 3.5, "b": None}


def test_routes_are_counted_the_commonest_first() -> None:
    photos = [photo("a_g1", route="x"), photo("a_g2", route="y"), photo("a_g3", route="y")]
    (found,) = listing_agreement(photos, MEANS)
    assert found.routes == (("y", 2), ("x", 1))

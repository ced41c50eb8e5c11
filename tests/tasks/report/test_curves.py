import numpy as np
import pytest

from gpu.coordinates import ImageSize
from gpu.curve_space import FRAME
from gpu.filling import carried
from gpu.lens_curve import LensCurve
from tasks.domain.schemas import CurveWarp, IdentityWarp, LegacyWarp, PhotoRef, RoutedPhoto, Warp
from tasks.report.curves import FAN_RADII, curve_on_frame, displacement_px
from tasks.warps import radial_map_of

CURVE = LensCurve((1.02, 0.0, -0.05, 0.0, 0.02))


def routed(warp: Warp, size: ImageSize = FRAME) -> RoutedPhoto:
    photo = PhotoRef(id="a_g1", width=size.width, height=size.height, size=1, sha256="0" * 64)
    return RoutedPhoto(
        photo=photo,
        warp=warp,
        route="a",
        reason="a",
        coefficient_source="shipped",
        interpolation="cubic",
        border="reflect",
    )


def test_a_photo_that_is_left_alone_is_displaced_nowhere() -> None:
    assert not displacement_px(curve_on_frame(routed(IdentityWarp())), FAN_RADII).any()


def test_a_curve_on_the_frame_is_itself() -> None:
    found = curve_on_frame(routed(CurveWarp(factors=CURVE.factors)))
    np.testing.assert_allclose(found.factors, CURVE.factors, rtol=1e-12)


def test_a_lens_on_a_crop_is_the_same_lens_on_the_frame() -> None:
    crop = ImageSize(2048, 1536)
    on_crop = carried(CURVE, FRAME, crop)
    assert on_crop.factors != pytest.approx(CURVE.factors)
    found = curve_on_frame(routed(CurveWarp(factors=on_crop.factors), crop))
    np.testing.assert_allclose(found.factors, CURVE.factors, rtol=1e-9)


def test_a_curve_that_folds_in_the_frame_s_corner_stays_as_it_is() -> None:
    folding = LensCurve((1.0, 0.0, -0.334))  # at 0.999 half diagonals; the small photo ends at 0.99
    small = ImageSize(60, 40)
    assert curve_on_frame(routed(CurveWarp(factors=folding.factors), small)).factors == pytest.approx(
        folding.factors
    )


def test_a_legacy_warp_reads_the_diagonal_where_its_map_does() -> None:
    warp = LegacyWarp(k1=-0.17, k2=0.35)
    mapping = radial_map_of(warp, FRAME)
    assert mapping
    corner = np.array([FRAME.width, FRAME.height]) / 2
    for radius in (0.25, 0.5, 1.0):
        p = radius * corner / mapping.out_scale
        growth = np.polynomial.polynomial.polyval(np.hypot(*p), mapping.factors)
        read = np.hypot(*(p * growth * mapping.src_scale))
        shown = radius * FRAME.half_diagonal
        (found,) = displacement_px(curve_on_frame(routed(warp)), [radius])
        assert found == pytest.approx(read - shown, abs=0.02)  # px: its two scales differ by 0.007

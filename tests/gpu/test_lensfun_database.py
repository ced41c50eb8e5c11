import pytest

from gpu.coordinates import ImageSize
from gpu.curve_space import distance_px
from gpu.jpeg.camera import Camera
from gpu.lensfun import PtLens, curve_from_lensfun
from gpu.lensfun_database import find_lens, wide_lenses

SIZE = ImageSize(2048, 1366)
ZOOM = Camera("Canon", "Canon EOS 5D Mark II", "EF16-35mm f/2.8L II USM", 16.0)
COMPACT = Camera("SONY", "DSC-RX100", "", 10.4)


def test_a_lens_of_the_database_is_found_with_its_published_curve() -> None:
    found = find_lens(ZOOM, SIZE)
    assert found is not None
    assert (found.name, found.focal_mm) == ("Canon EF 16-35mm f/2.8L II USM", 16.0)
    published = curve_from_lensfun(PtLens(0.0065, -0.01669, -0.01549), SIZE)
    assert distance_px(found.curve, published, SIZE) < 0.1  # the library samples in float32 pixels


def test_a_compact_camera_need_not_name_its_lens() -> None:
    found = find_lens(COMPACT, SIZE)
    assert found is not None
    assert "RX100" in found.name


@pytest.mark.parametrize(
    "camera",
    [
        Camera("Canon", "Canon EOS 5D Mark II", "", 16.0),
        Camera("Canon", "Canon EOS 5D Mark II", "nonsense 9000 mm", 16.0),
        Camera("Canon", "no such body", "EF16-35mm f/2.8L II USM", 16.0),
        Camera("", "Canon EOS 5D Mark II", "EF16-35mm f/2.8L II USM", 16.0),
        Camera("Canon", "Canon EOS 5D Mark II", "EF16-35mm f/2.8L II USM", None),
        Camera("Canon", "Canon EOS 5D Mark II", "EF16-35mm f/2.8L II USM", 70.0),
    ],
    ids=["lens not named", "lens unknown", "body unknown", "no maker", "no focal length", "beyond the zoom"],
)
def test_what_the_database_does_not_know_is_not_guessed(camera: Camera) -> None:
    assert find_lens(camera, SIZE) is None


def test_a_smaller_sensor_sees_the_middle_of_the_lens() -> None:
    full, cropped = (
        find_lens(Camera("Canon", body, ZOOM.lens, 16.0), SIZE)
        for body in ("Canon EOS 5D Mark II", "Canon EOS 7D")
    )
    assert full is not None
    assert cropped is not None
    inner = full.curve.distort(1 / 1.62) * 1.62
    assert float(cropped.curve.distort(1.0)) == pytest.approx(float(inner), rel=1e-3)


def test_the_wide_lenses_are_the_hundreds_that_the_database_holds() -> None:
    lenses = list(wide_lenses(SIZE))
    assert len(lenses) > 400
    assert list(wide_lenses(SIZE)) == lenses

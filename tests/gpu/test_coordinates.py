import pytest

from gpu.coordinates import ImageSize


def test_the_unit_of_lens_curves_is_half_the_diagonal_in_pixels() -> None:
    assert ImageSize(400, 300).half_diagonal == 250.0


def test_the_short_side_does_not_depend_on_orientation() -> None:
    assert ImageSize(400, 300).short_side == ImageSize(300, 400).short_side == 300


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (-1, 5)])
def test_a_photo_without_pixels_is_refused(width: int, height: int) -> None:
    with pytest.raises(ValueError, match=f"at least 1x1 pixels, got {width}x{height}"):
        ImageSize(width, height)

import pytest
import simplejpeg

from gpu.contact_sheet import SheetRow, contact_sheet
from tests.photos import jpeg


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_sheet_has_two_photos_in_a_row_and_a_row_for_every_two(count: int) -> None:
    one = contact_sheet([SheetRow("a", jpeg(), jpeg())])
    sheet = contact_sheet([SheetRow("a", jpeg(), jpeg())] * count)
    height, width, _, _ = simplejpeg.decode_jpeg_header(one)
    rows = (count + 1) // 2
    assert simplejpeg.decode_jpeg_header(sheet)[:2] == (height * rows, width)


@pytest.mark.parametrize("size", [(214, 320), (20_000, 16), (16, 20_000), (16, 16)])
def test_photos_of_any_shape_fit_a_tile(size: tuple[int, int]) -> None:
    photo = jpeg(*size)
    assert contact_sheet([SheetRow("any", photo, photo)])

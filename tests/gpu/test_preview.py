import numpy as np
import pytest
import simplejpeg

from gpu.preview import fitted_photo, preview_jpeg
from tests.photos import jpeg, picture


@pytest.mark.parametrize(
    ("size", "long_side", "preview"),
    [
        ((640, 427), 320, (320, 214)),
        ((427, 640), 320, (214, 320)),
        ((641, 428), 96, (96, 64)),
        ((160, 107), 320, (160, 107)),
        ((20_000, 16), 320, (320, 1)),
    ],
)
def test_a_preview_has_the_long_side_asked_for_or_the_photo_s_own(
    size: tuple[int, int], long_side: int, preview: tuple[int, int]
) -> None:
    height, width, _, _ = simplejpeg.decode_jpeg_header(preview_jpeg(jpeg(*size), long_side))
    assert (width, height) == preview


@pytest.mark.parametrize("size", [(2048, 1365), (1367, 2048), (333, 222)])
def test_previews_of_an_original_and_its_corrected_photo_are_of_one_size(size: tuple[int, int]) -> None:
    pair = jpeg(*size, seed=1), jpeg(*size, seed=2, subsampling="444")
    sizes = {simplejpeg.decode_jpeg_header(preview_jpeg(photo, 200))[:2] for photo in pair}
    assert len(sizes) == 1


def test_a_fitted_photo_shows_the_whole_photo() -> None:
    whole = picture(640, 428).reshape(107, 4, 160, 4, 3).mean(axis=(1, 3))
    fitted = fitted_photo(jpeg(640, 428), width=160, height=160)
    assert fitted.shape == whole.shape
    # 2 grey levels in the mean: what JPEG quality 92 and the decoder's own shrinking cost on drawn edges
    assert np.abs(fitted - whole).mean() < 2.0

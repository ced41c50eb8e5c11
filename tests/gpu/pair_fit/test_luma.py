import numpy as np
import pytest
import simplejpeg

from gpu.coordinates import ImageSize
from gpu.jpeg.codec import Reduction
from gpu.jpeg.header import read_header
from gpu.pair_fit.luma import Luma, barred_alone, common_bars, content_size, read_luma

WIDTH, HEIGHT = 203, 150  # multiples of no reduction


def ramp(*, down: bool) -> bytes:
    """A photo whose level tells the place: 1 grey level a pixel."""
    u, v = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    return bytes(simplejpeg.encode_jpeg((v if down else u).astype(np.uint8)[..., None], 100, "GRAY"))


@pytest.mark.parametrize("halvings", [0, 1, 2])
@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
@pytest.mark.parametrize("down", [False, True])
def test_every_sample_lies_where_it_says(reduction: Reduction, halvings: int, down: bool) -> None:
    photo = ramp(down=down)
    luma = read_luma(photo, read_header(photo), reduction=reduction)
    for _ in range(halvings):
        luma = luma.halved()

    count = luma.samples.shape[0 if down else 1]
    places = luma.first[1 if down else 0] + luma.step * np.arange(count)

    assert luma.step == reduction * 2**halvings
    assert places[-1] + luma.step / 2 <= (HEIGHT if down else WIDTH)
    level = luma.samples.mean(axis=1 if down else 0)
    np.testing.assert_allclose(level, places, atol=0.5)  # grey levels: rounding of the decoder


def test_a_cut_luma_remembers_where_it_was() -> None:
    photo = ramp(down=False)
    luma = read_luma(photo, read_header(photo), reduction=2)

    cut = luma.without((3, 5, 7, 9))

    assert cut.samples.shape == (75 - 14, 101 - 10)
    assert cut.first.tolist() == [6.5, 10.5]
    np.testing.assert_allclose(cut.samples[0], 6.5 + 2.0 * np.arange(91), atol=0.5)


def barred(left: int, top: int, right: int, bottom: int) -> Luma:
    samples = np.random.default_rng(1).uniform(0, 255, (60, 90)).astype(np.float32)
    samples[:top], samples[60 - bottom :] = 0.0, 0.0
    samples[:, :left], samples[:, 90 - right :] = 3.0, 3.0
    return Luma(samples, 4)


def test_bars_that_both_photos_have_are_counted_with_their_ringing() -> None:
    assert common_bars(barred(0, 6, 0, 9), barred(0, 7, 0, 9)) == (0, 9, 0, 11)
    assert common_bars(barred(5, 0, 4, 0), barred(5, 0, 4, 0)) == (7, 0, 6, 0)


def test_what_only_one_photo_has_is_no_bar() -> None:
    assert common_bars(barred(0, 6, 0, 9), barred(0, 0, 0, 4)) == (0, 0, 0, 0)


def test_a_photo_that_alone_has_bars_is_named() -> None:
    assert barred_alone(barred(0, 6, 0, 6), barred(0, 0, 0, 0)) == "original"
    assert barred_alone(barred(0, 0, 0, 0), barred(5, 0, 4, 0)) == "target"


def test_bars_of_both_and_a_line_that_jpeg_may_have_made_are_nobodys_alone() -> None:
    assert barred_alone(barred(0, 6, 0, 6), barred(0, 9, 0, 4)) is None
    assert barred_alone(barred(0, 1, 0, 0), barred(0, 0, 0, 0)) is None


def test_a_blank_photo_has_no_bars() -> None:
    blank = Luma(np.full((60, 90), 7.0, np.float32), 4)

    assert common_bars(blank, blank) == (0, 0, 0, 0)


def test_bars_are_taken_off_the_size_in_pixels() -> None:
    assert content_size(ImageSize(400, 300), (1, 2, 3, 4), 4) == ImageSize(384, 276)

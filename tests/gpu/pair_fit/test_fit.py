import cv2
import numpy as np
import pytest

from gpu.coordinates import ImageSize
from gpu.jpeg.codec import Reduction
from gpu.jpeg.rejection import PhotoRejected
from gpu.lens_curve import LensCurve
from gpu.pair_fit.fit import PairFit, fit_pair
from gpu.remap.opencv import OpenCvRemap
from tests.lens_pairs import BARREL, PTLENS, SIZE, Pixels, corrected, error_px, filled, jpeg, pair, room

PINCUSHION = LensCurve((0.955, 0.0, 0.045))
MOUSTACHE = filled(0.0, -0.16, 0.12)


def fit(original: Pixels | bytes, target: Pixels | bytes, *, reduction: Reduction = 1) -> PairFit:
    one, other = (photo if isinstance(photo, bytes) else jpeg(photo) for photo in (original, target))
    return fit_pair(one, other, reduction=reduction)


def warped(picture: Pixels, matrix: list[list[float]]) -> Pixels:
    """Read each place from where the matrix takes it."""
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    size = (picture.shape[1], picture.shape[0])
    return np.asarray(
        cv2.warpPerspective(picture, np.array(matrix), size, flags=flags, borderMode=cv2.BORDER_REFLECT),
        np.uint8,
    )


def verdict(found: PairFit) -> tuple[str, str | None]:
    return found.verdict, found.reason


@pytest.mark.parametrize(
    "curve", [BARREL, PTLENS, PINCUSHION, MOUSTACHE], ids=["barrel", "ptlens", "pincushion", "moustache"]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_known_curve_is_recovered_to_a_thirtieth_of_a_pixel(curve: LensCurve, seed: int) -> None:
    found = fit(*pair(curve, seed=seed))

    assert verdict(found) == ("radial", None), found.sentence
    assert error_px(found.curve, curve) < 0.03  # px RMS; 0.004 to 0.014 measured


def test_even_powers_may_be_asked_for() -> None:
    found = fit_pair(*pair(BARREL), reduction=1, powers=(0, 2, 4))

    assert found.curve is not None
    assert found.curve.factors[1::2] == (0.0, 0.0)
    assert error_px(found.curve, BARREL) < 0.03


@pytest.mark.parametrize(
    ("reduction", "tolerance"), [(1, 0.03), (2, 0.06), (4, 0.30)]
)  # px RMS: half to a third used
def test_the_decoded_size_is_selectable(reduction: Reduction, tolerance: float) -> None:
    size = ImageSize(723, 481)  # no multiple of 2 or 4
    found = fit(*pair(BARREL, size=size), reduction=reduction)

    assert verdict(found) == ("radial", None), found.sentence
    assert error_px(found.curve, BARREL, size=size) < tolerance


def test_tone_sharpening_and_low_quality_cost_little() -> None:
    target = corrected(room(), BARREL)
    toned = 255.0 * (target / 255.0) ** 0.75
    sharp = np.clip(1.8 * toned - 0.8 * cv2.GaussianBlur(toned, (0, 0), 1.2), 0, 255).astype(np.uint8)

    found = fit(room(), jpeg(sharp, quality=80))

    assert verdict(found) == ("radial", None), found.sentence
    assert error_px(found.curve, BARREL) < 0.06  # px RMS


def test_a_small_shift_of_the_axis_is_part_of_the_curve() -> None:
    curve = LensCurve(BARREL.factors, (1.0 / SIZE.half_diagonal, -1.5 / SIZE.half_diagonal))

    found = fit(room(), corrected(room(), curve))

    assert verdict(found) == ("radial", None), found.sentence
    assert found.centre_shift_px == pytest.approx((1.0, -1.5), abs=0.03)


@pytest.mark.parametrize("quality", [95, 60])
def test_a_pair_of_one_photo_is_already_identical(quality: int) -> None:
    found = fit(jpeg(room()), jpeg(room(), quality=quality))

    assert verdict(found) == ("already_identical", None)
    assert error_px(found.curve, LensCurve((1.0,))) < 0.02


def test_photos_of_two_sizes_are_not_fitted() -> None:
    found = fit(room(), room()[:, :-2])

    assert verdict(found) == ("not_radial", "size_differs")
    assert found.curve is None
    assert "480x320" in found.sentence
    assert "478x320" in found.sentence


@pytest.mark.parametrize("curve", [BARREL, PINCUSHION], ids=["barrel", "pincushion"])
def test_exchanged_roles_are_seen_whatever_the_sign_of_the_curve(curve: LensCurve) -> None:
    original, target = pair(curve)

    assert verdict(fit(target, original)) == ("not_radial", "swapped")


@pytest.mark.parametrize(("across", "down"), [(5.0, 0.0), (0.0, -5.0)])
def test_a_shift_of_5_pixels_is_reported_with_its_direction(across: float, down: float) -> None:
    target = warped(corrected(room(), BARREL), [[1, 0, across], [0, 1, down], [0, 0, 1]])

    found = fit(room(), target)

    assert verdict(found) == ("not_radial", "shifted")
    assert found.centre_shift_px == pytest.approx((across, down), abs=0.3)


@pytest.mark.parametrize("corner", [0.5, 0.1], ids=["centred", "off the centre"])
def test_a_target_cropped_by_3_percent_is_seen(corner: float) -> None:
    left, top = 0.03 * SIZE.width * corner, 0.03 * SIZE.height * corner
    target = warped(corrected(room(), BARREL), [[0.97, 0, left], [0, 0.97, top], [0, 0, 1]])

    assert verdict(fit(room(), target)) == ("not_radial", "cropped")


def test_a_pair_cut_from_larger_photos_beside_their_centre_is_cropped() -> None:
    whole = ImageSize(640, 427)
    original = room(size=whole)
    target = corrected(original, filled(0.0, -0.2, size=whole))

    assert verdict(fit(original[100:420, 150:630], target[100:420, 150:630])) == ("not_radial", "cropped")


@pytest.mark.parametrize("tilt", [2e-5, -1e-4])
def test_an_edited_perspective_is_seen(tilt: float) -> None:
    target = warped(corrected(room(), BARREL), [[1, 0, 0], [0, 1, 0], [tilt, 0.5 * tilt, 1]])

    assert verdict(fit(room(), target)) == ("not_radial", "perspective")


def test_a_local_warp_is_seen() -> None:
    u, v = np.meshgrid(*(np.arange(length, dtype=np.float32) for length in (SIZE.width, SIZE.height)))
    bulge = 4.0 * np.exp(-((u - 150.0) ** 2 + (v - 160.0) ** 2) / (2.0 * 100.0**2))
    target = cv2.remap(corrected(room(), BARREL), u + bulge, v, cv2.INTER_CUBIC)

    assert verdict(fit(room(), np.asarray(target, np.uint8))) == ("not_radial", "perspective")


def test_photos_of_two_scenes_do_not_converge() -> None:
    assert verdict(fit(room(0), room(1))) == ("not_radial", "not_converged")


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_photos_have_too_little_texture(level: int) -> None:
    blank = np.full((SIZE.height, SIZE.width), level, np.uint8)

    found = fit(blank, blank)

    assert verdict(found) == ("not_radial", "low_texture")
    assert found.curve is None


def test_noise_on_a_bare_wall_is_no_texture() -> None:
    walls = [
        np.clip(np.random.default_rng(seed).normal(180, 1, (SIZE.height, SIZE.width)), 0, 255).astype(
            np.uint8
        )
        for seed in (0, 1)
    ]

    assert verdict(fit(*walls)) == ("not_radial", "low_texture")


def test_bars_of_both_photos_are_left_out() -> None:
    original, target = room().copy(), corrected(room(), BARREL)
    for photo in (original, target):
        photo[:24], photo[-24:] = 0, 0

    found = fit(original, target)

    assert verdict(found) == ("radial", None), found.sentence
    assert error_px(found.curve, BARREL) < 0.06  # px RMS: the corners are seen no more


def test_a_pair_refused_for_bars_of_the_target_says_so() -> None:
    original, target = room(1), corrected(room(1), BARREL).copy()
    target[:, :16], target[:, -16:] = 0, 0

    found = fit(original, target)

    assert found.verdict == "not_radial"
    assert found.sentence.endswith("; the target alone has bars, which may be the cause")


def test_the_foretold_error_grows_where_texture_is_masked() -> None:
    original, target = room(), corrected(room(), BARREL)
    masked = [photo.copy() for photo in (original, target)]
    for photo in masked:
        middle = photo[60:260, 100:380].copy()
        photo[:] = 150
        photo[60:260, 100:380] = middle

    whole, middle_only = fit(original, target), fit(*masked)

    assert middle_only.expected_error_px > 5.0 * whole.expected_error_px


def test_the_foretold_error_is_of_the_size_of_the_error() -> None:
    fits = [fit(*pair(PTLENS, seed=seed)) for seed in range(6)]

    ratios = [error_px(found.curve, PTLENS) / found.expected_error_px for found in fits]

    assert 0.3 < np.sqrt(np.mean(np.square(ratios))) < 3.0


def test_a_damaged_photo_is_refused() -> None:
    original, target = pair()

    with pytest.raises(PhotoRejected):
        fit_pair(original, target[: len(target) // 2])


def test_a_map_of_the_found_curve_renders_the_target() -> None:
    original, target = room(), corrected(room(), BARREL)
    found = fit(original, target)
    assert found.curve is not None

    (rendered,) = OpenCvRemap().remap(
        [original], found.curve.radial_map(SIZE), interpolation="cubic", border="reflect", fill=[0]
    )

    assert np.abs(rendered.astype(int) - target).mean() < 0.5  # grey levels; a shift of 0.1 px makes 1.4

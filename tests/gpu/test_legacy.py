import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.legacy import aspect_defect, legacy_radial_map
from gpu.remap.opencv import OpenCvRemap
from gpu.remap.strip_map import map_strips

ROWS = [(-0.178, 0.368), (-0.2195, 0.4486), (-0.1, 0.0), (-0.006, 0.028), (0.008, 0.008), (0.0, 0.0)]
SIZES = [ImageSize(2048, 1367), ImageSize(1367, 2048), ImageSize(501, 333)]


def opencv_maps(k1: float, k2: float, alpha: float, size: ImageSize) -> NDArray[np.float32]:
    shape, distortion = (size.width, size.height), np.array([k1, k2, 0.0, 0.0, 0.0])
    camera = np.array([[size.width, 0, size.width / 2], [0, size.width, size.height / 2], [0, 0, 1.0]])
    new, _ = cv2.getOptimalNewCameraMatrix(camera, distortion, shape, alpha, shape)
    return np.stack(cv2.initUndistortRectifyMap(camera, distortion, np.eye(3), new, shape, cv2.CV_32FC1))


@pytest.mark.parametrize("alpha", [0.0, 0.37, 1.0])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("k1", "k2"), ROWS)
def test_the_map_is_opencvs_own_float_by_float(k1: float, k2: float, size: ImageSize, alpha: float) -> None:
    expected = opencv_maps(k1, k2, alpha, size)

    (strip,) = map_strips(legacy_radial_map(k1, k2, alpha, size), size, rows=size.height)

    difference = np.abs(np.stack([strip.map_x, strip.map_y]) - expected)
    assert difference.max() <= np.spacing(np.float32(max(size.width, size.height)))
    assert np.count_nonzero(difference > 1e-10) <= 3  # of 5.6 million: sums of rays 1e-12 px apart


@pytest.mark.parametrize(("k1", "k2"), ROWS)
def test_a_legacy_photo_is_opencvs_own_byte_by_byte(k1: float, k2: float) -> None:
    size = ImageSize(1021, 683)
    plane = np.random.default_rng(2).integers(0, 256, (size.height, size.width), dtype=np.uint8)
    map_x, map_y = opencv_maps(k1, k2, 0.0, size)
    expected = cv2.remap(plane, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)

    (found,) = OpenCvRemap().remap(
        [plane], legacy_radial_map(k1, k2, 0.0, size), interpolation="cubic", border="reflect", fill=[0]
    )

    np.testing.assert_array_equal(found, expected)


def test_k1_of_minus_a_tenth_stretches_the_photo_by_15_pixels_at_the_right_edge() -> None:
    defect = aspect_defect(-0.10, 0.0, 0.0, ImageSize(2048, 1366))

    assert defect.stretch == pytest.approx(-0.0152, abs=1e-4)
    assert defect.edge_shift == pytest.approx(-15.5, abs=0.1)  # px


@pytest.mark.parametrize(("k1", "k2"), [(-0.17, 0.35), (0.0, 0.0)])
def test_the_ridge_of_the_users_coefficients_hides_the_defect(k1: float, k2: float) -> None:
    defect = aspect_defect(k1, k2, 0.0, ImageSize(2048, 1366))

    assert abs(defect.edge_shift) < 0.01  # px


def test_a_row_that_folds_inside_the_frame_is_refused_with_its_radius() -> None:
    # 1 + 3 k1 r^2 = 0 at r = 0.3798 widths, that is 0.632 of the half diagonal of this photo
    with pytest.raises(
        LensModelError, match=r"k1=-2\.31, k2=0 folds .* 2048x1366 at radius 0\.63 of the half"
    ):
        legacy_radial_map(-2.31, 0.0, 0.0, ImageSize(2048, 1366))


def test_a_row_that_cannot_reach_the_corners_of_the_original_is_refused() -> None:
    # The branch ends at r = 0.68 widths with a source radius of 0.45, and the corner lies at 0.60.
    with pytest.raises(LensModelError, match="folds the map"):
        legacy_radial_map(-0.72, 0.0, 0.0, ImageSize(2048, 1366))


def test_a_moustache_whose_corrected_frame_reaches_past_its_fold_is_refused() -> None:
    # The branch reaches the corners of the original, but the frame that keeps its edges is larger.
    with pytest.raises(LensModelError, match=r"k1=6\.887, k2=-21\.99 folds"):
        legacy_radial_map(6.887, -21.99, 1.0, ImageSize(2048, 1366))


@pytest.mark.parametrize("row", [(float("nan"), 0.0, 0.0), (0.0, float("inf"), 0.0), (0.0, 0.0, 1.5)])
def test_numbers_that_mean_nothing_are_refused(row: tuple[float, float, float]) -> None:
    with pytest.raises(LensModelError, match="must"):
        legacy_radial_map(*row, ImageSize(2048, 1366))

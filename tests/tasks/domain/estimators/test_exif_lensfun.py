from collections.abc import Callable

import pytest

from gpu.coordinates import ImageSize
from gpu.filling import filling_zoom
from gpu.lensfun import PtLens, curve_from_lensfun
from tasks.domain.atlas import ZoomRule
from tasks.domain.estimators.estimate import Question
from tasks.domain.estimators.exif_lensfun import ESTIMATOR
from tasks.domain.observations import CameraFound, Observation
from tasks.domain.schemas import PhotoRef
from tests.fitted_pairs import STRONG, apart_px, learned, listing

PhotoOf = Callable[[int, int], PhotoRef]
ATLAS = learned(listing("ash", STRONG, 4))
CAMERA = CameraFound(
    maker="Canon", model="Canon EOS 5D Mark II", lens="EF16-35mm f/2.8L II USM", focal_mm=16.0
)


def question(photo: PhotoRef, camera: CameraFound | None, surplus: float = 0.0) -> Question:
    atlas = ATLAS.model_copy(update={"zoom_rule": ZoomRule(surplus=surplus, sigma=0.002, curves=9)})
    return Question(photo, (Observation(photo_id=photo.id, camera=camera),), atlas)


def test_a_lens_of_the_database_gives_its_curve_zoomed_to_fill(photo_of: PhotoOf) -> None:
    size = ImageSize(2048, 1366)
    (found,) = ESTIMATOR.estimates(question(photo_of(2048, 1366), CAMERA), "safe")
    published = curve_from_lensfun(PtLens(0.0065, -0.01669, -0.01549), size)
    assert found.curve is not None
    assert apart_px(found.curve, published.zoomed(filling_zoom(published, size))) < 0.1
    assert (found.rung, found.support) == ("snap", None)
    assert found.reason == (
        "its metadata names Canon EF 16-35mm f/2.8L II USM at 16 mm, which Lensfun's database knows"
    )


def test_the_zoom_follows_the_rule_of_the_atlas_and_its_spread_the_expected_error(photo_of: PhotoOf) -> None:
    (found,) = ESTIMATOR.estimates(question(photo_of(2048, 1366), CAMERA, surplus=0.01), "safe")
    assert found.curve is not None
    assert -filling_zoom(found.curve, ImageSize(2048, 1366)) == pytest.approx(-0.99005, abs=1e-4)
    assert found.expected_px is not None
    assert found.expected_px > 0.002 * 0.5 * 1231  # sigma of the zoom at the mean radius
    assert found.bound_px == pytest.approx(1.94 * found.expected_px, rel=0.01)  # 0.9 / 0.95 of a normal


@pytest.mark.parametrize("camera", [None, CAMERA.model_copy(update={"lens": "nonsense"})])
def test_without_metadata_or_a_known_lens_it_says_nothing(photo_of: PhotoOf, camera: CameraFound) -> None:
    assert list(ESTIMATOR.estimates(question(photo_of(2048, 1366), camera), "safe")) == []


def test_a_photo_that_was_not_observed_gets_nothing(photo_of: PhotoOf) -> None:
    assert list(ESTIMATOR.estimates(Question(photo_of(2048, 1366), (), ATLAS), "safe")) == []

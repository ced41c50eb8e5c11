from dataclasses import replace
from math import inf

import numpy as np
import pytest
import simplejpeg

from gpu.coordinates import ImageSize
from gpu.jpeg.rejection import PhotoRejected
from gpu.lens_curve import LensCurve
from gpu.metric.profile import PROFILES, MetricProfile
from gpu.metric.score import score_photo
from gpu.pair_score import PairJob, PixelDifference, score_pair
from gpu.render import RenderJob, render_photo
from tests.photos import jpeg

ORIGINAL = jpeg()
RENDER = RenderJob(
    photo=ORIGINAL,
    mapping=LensCurve((0.98, 0.0, 0.02)).radial_map(ImageSize(320, 214)),
    interpolation="cubic",
    border="reflect",
    quality=95,
    backend="opencv",
)
TARGET = render_photo(
    replace(RENDER, mapping=LensCurve((0.97, 0.0, 0.04)).radial_map(ImageSize(320, 214)))
).jpeg


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_the_encoded_output_is_scored_as_any_other_photo(profile: MetricProfile) -> None:
    measured = score_pair(PairJob(RENDER, TARGET, profile))
    output, original, target = (
        simplejpeg.decode_jpeg(photo, "BGR") for photo in (render_photo(RENDER).jpeg, ORIGINAL, TARGET)
    )
    assert measured.metrics == score_photo(output, original, target, profile)
    assert measured.original.mae == np.abs(original.astype(int) - target).mean()


def test_the_target_itself_differs_from_nothing() -> None:
    measured = score_pair(PairJob(replace(RENDER, photo=TARGET, mapping=None), TARGET, PROFILES["portal"]))
    assert measured.output == measured.original == PixelDifference(mae=0.0, psnr=inf)


def test_a_damaged_target_is_told_apart_from_a_damaged_original() -> None:
    with pytest.raises(PhotoRejected, match=r"^the target: expected an end-of-image marker"):
        score_pair(PairJob(RENDER, TARGET[:-500], PROFILES["portal"]))
    with pytest.raises(PhotoRejected, match=r"^expected an end-of-image marker"):
        score_pair(PairJob(replace(RENDER, photo=ORIGINAL[:-500]), TARGET, PROFILES["portal"]))

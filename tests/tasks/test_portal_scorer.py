"""The scorers against the metric itself, and whose fault a photo that cannot be scored is."""

from functools import partial
from typing import get_args

import cv2
import numpy as np
import pytest

from gpu.metric.pixels import Pixels
from gpu.metric.profile import PROFILES
from gpu.metric.score import score_photo
from infra.errors import TargetSetUnusable
from infra.portal.server.photo_scoring import Scorer, load_scorer
from tasks.portal import Mode, Profile, scorer_name
from tests.photos import jpeg, picture

TARGET = jpeg(seed=1)
ORIGINAL = jpeg(seed=2)
DAMAGED = TARGET[: len(TARGET) // 2]


def scorer(profile: Profile = "portal", mode: Mode = "improvement") -> Scorer:
    return load_scorer(scorer_name(profile, mode))


def pixels(photo: bytes) -> Pixels:
    return np.asarray(cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR), np.uint8)


@pytest.mark.parametrize("mode", get_args(Mode))
@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_and_mode_has_a_scorer_that_gives_what_the_metric_gives(
    profile: Profile, mode: Mode
) -> None:
    output = jpeg(seed=1, subsampling="444")
    wanted = score_photo(pixels(output), pixels(ORIGINAL), pixels(TARGET), PROFILES[profile], mode=mode)
    found = scorer(profile, mode)(output, ORIGINAL, TARGET)
    assert 0 < wanted.score < 100
    assert (found["score"], found["hard_fail"]) == (wanted.score, False)
    assert found["metrics"] == {
        "edge_similarity": wanted.output.edge,
        "line_straightness": wanted.output.line,
        "gradient_orientation": wanted.output.gradient,
        "ssim": wanted.output.ssim,
        "l1_pixel_diff": 1.0 - wanted.output.pixel,
        "max_regional_diff": wanted.regional_difference,
        "gt_edge_density": wanted.target_edge_density,
    }


def test_the_command_line_offers_exactly_the_profiles_and_modes_there_are() -> None:
    assert set(get_args(Profile)) == set(PROFILES)
    scorers = [scorer(profile, mode) for profile in get_args(Profile) for mode in get_args(Mode)]
    assert all(isinstance(each, partial) for each in scorers)
    told = {(each.args[0].name, each.args[1]) for each in scorers if isinstance(each, partial)}
    assert told == {(profile, mode) for profile in PROFILES for mode in get_args(Mode)}


def test_the_original_scores_0_and_the_target_100() -> None:
    assert scorer()(ORIGINAL, ORIGINAL, TARGET)["score"] == 0.0
    assert scorer()(TARGET, ORIGINAL, TARGET)["score"] == 100.0


def test_an_output_that_differs_from_its_target_everywhere_is_a_hard_fail() -> None:
    negative = cv2.imencode(".jpg", 255 - cv2.threshold(picture(seed=1), 127, 255, cv2.THRESH_BINARY)[1])[1]
    found = scorer("portal", "plain")(negative.tobytes(), ORIGINAL, TARGET)
    assert (found["score"], found["hard_fail"]) == (0.0, True)


@pytest.mark.parametrize(
    "output",
    [b"", b"no photo", DAMAGED, jpeg(width=322), jpeg(width=214, height=320)],
    ids=["empty", "no photo", "cut", "wider", "turned"],
)
def test_an_unusable_output_is_its_senders_fault(output: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        scorer()(output, ORIGINAL, TARGET)


@pytest.mark.parametrize("output", [TARGET, DAMAGED], ids=["good output", "damaged output"])
@pytest.mark.parametrize(
    ("original", "target", "words"),
    [
        (DAMAGED, TARGET, "its original is unusable: expected"),
        (ORIGINAL, DAMAGED, "its target is unusable: expected"),
        (b"", TARGET, "its original is unusable: expected a JPEG photo, found an empty file"),
        (jpeg(width=322), TARGET, "one size, found 322x214 and 320x214"),
    ],
    ids=["cut original", "cut target", "empty original", "wider original"],
)
def test_an_unusable_original_or_target_is_the_portals_fault_whatever_was_sent(
    output: bytes, original: bytes, target: bytes, words: str
) -> None:
    with pytest.raises(TargetSetUnusable, match=words):
        scorer()(output, original, target)

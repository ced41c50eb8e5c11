from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, replace

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gpu.metric.pixels import Pixels
from gpu.metric.profile import PROFILES, MetricProfile, PartWeights
from gpu.metric.score import (
    Parts,
    ScoreMode,
    photo_features,
    score_output,
    score_photo,
    similarity,
    similarity_to,
)

HALF = Parts(edge=0.5, line=0.5, gradient=0.5, ssim=0.5, pixel=0.5)
WHOLE = Parts(edge=1.0, line=1.0, gradient=1.0, ssim=1.0, pixel=1.0)


def drawing(seed: int) -> Pixels:
    """Boxes, lines from edge to edge, and grain, all at random."""
    chance = np.random.default_rng(seed)
    height, width = 192, 256
    picture = np.full((height, width, 3), chance.integers(0, 256, 3), np.uint8)
    for _ in range(10):
        left, top, right, bottom = (int(place) for place in chance.integers(0, (width, height) * 2))
        colour = tuple(float(level) for level in chance.integers(0, 256, 3))
        cv2.rectangle(picture, (left, top), (right, bottom), colour, -1)
        cv2.line(picture, (0, top), (width, bottom), colour[::-1], 2)
        cv2.line(picture, (left, 0), (right, height), colour[::-1], 2)
    grain = chance.integers(-8, 9, picture.shape)
    return np.asarray(np.clip(picture + grain, 0, 255), np.uint8)


def shifted(photo: Pixels, columns: int) -> Pixels:
    return np.ascontiguousarray(np.pad(photo, ((0, 0), (columns, 0), (0, 0)), "edge")[:, : photo.shape[1]])


def blurred(photo: Pixels, sigma: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(photo, (0, 0), sigma), np.uint8) if sigma else photo


def plain_score(photo: Pixels, target: Pixels, profile: MetricProfile) -> float:
    return score_photo(photo, target, target, profile, mode="plain").score


drawings = st.builds(drawing, st.integers(0, 2**32 - 1))
profiles = st.sampled_from(list(PROFILES.values()))
few = settings(max_examples=10, deadline=None)


@few
@given(target=drawings, original=drawings, profile=profiles)
def test_the_photo_left_alone_scores_exactly_0(
    target: Pixels, original: Pixels, profile: MetricProfile
) -> None:
    assert score_photo(original.copy(), original, target, profile).score == 0.0


@few
@given(target=drawings, original=drawings, profile=profiles, mode=st.sampled_from(["improvement", "plain"]))
def test_the_target_itself_scores_exactly_100(
    target: Pixels, original: Pixels, profile: MetricProfile, mode: ScoreMode
) -> None:
    assume(mode == "plain" or not np.array_equal(original, target))

    found = score_photo(target.copy(), original, target, profile, mode=mode)

    assert (found.score, found.output, found.hard_fail) == (100.0, WHOLE, None)


@few
@given(target=drawings, profile=profiles)
def test_more_blur_scores_less(target: Pixels, profile: MetricProfile) -> None:
    scores = [plain_score(blurred(target, sigma), target, profile) for sigma in (0.0, 1.5, 3.0, 6.0)]

    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)


@few
@given(target=drawings, profile=profiles)
def test_more_shift_scores_less(target: Pixels, profile: MetricProfile) -> None:
    scores = [plain_score(shifted(target, columns), target, profile) for columns in (0, 2, 8)]

    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)


@few
@given(one=drawings, other=drawings, profile=profiles)
def test_every_part_is_the_same_from_either_side(one: Pixels, other: Pixels, profile: MetricProfile) -> None:
    assert similarity(one, other, profile) == similarity(other, one, profile)


@few
@given(one=drawings, other=drawings, levels=st.lists(st.integers(0, 255), min_size=1, max_size=4))
def test_every_part_lies_within_0_and_1(one: Pixels, other: Pixels, levels: list[int]) -> None:
    few_levels = np.asarray(levels, np.uint8)[other % len(levels)]  # plain, or of very few colours

    for target in (other, few_levels, 255 - one):
        assert all(0.0 <= part <= 1.0 for part in astuple(similarity(one, target, PROFILES["portal"])))


def test_the_score_is_the_share_of_the_possible_improvement(portal: MetricProfile, room: Pixels) -> None:
    output, features = shifted(room, 2), photo_features(room, portal)

    found = score_output(output, features, original=HALF)

    assert found.original_similarity == 0.5
    assert found.output_similarity == similarity(output, room, portal).weighted(portal.weights)
    assert found.score == pytest.approx(100 * (found.output_similarity - 0.5) / 0.5)


def test_an_output_worse_than_the_original_scores_0_without_a_hard_fail(
    portal: MetricProfile, room: Pixels
) -> None:
    found = score_photo(blurred(room, 2.0), shifted(room, 1), room, portal)

    assert found.output_similarity < found.original_similarity
    assert (found.score, found.hard_fail) == (0.0, None)


def test_plain_mode_knows_no_original(portal: MetricProfile, room: Pixels) -> None:
    output, features = shifted(room, 2), photo_features(room, portal)

    found = score_output(output, features, original=HALF, mode="plain")

    assert found.score == 100 * found.output_similarity


def test_a_photo_that_was_right_already_cannot_be_improved(portal: MetricProfile, room: Pixels) -> None:
    assert score_photo(room.copy(), room, room, portal).score == 0.0
    assert score_photo(blurred(room, 1.0), room, room, portal).score == 0.0
    assert score_photo(room.copy(), room, room, portal, mode="plain").score == 100.0


@pytest.mark.parametrize(
    ("part", "weight"), [("edge", 0.40), ("line", 0.22), ("gradient", 0.18), ("ssim", 0.15), ("pixel", 0.05)]
)
def test_each_part_counts_by_its_own_weight(part: str, weight: float) -> None:
    none = Parts(edge=0.0, line=0.0, gradient=0.0, ssim=0.0, pixel=0.0)

    assert replace(none, **{part: 1.0}).weighted(PartWeights()) == pytest.approx(weight)


def test_only_the_ratios_of_the_weights_count() -> None:
    weights = PartWeights(edge=3.0, line=1.0, gradient=0.0, ssim=0.0, pixel=0.0)

    assert replace(HALF, edge=0.9).weighted(weights) == pytest.approx(0.8)
    assert WHOLE.weighted(replace(weights, pixel=1 / 3)) == 1.0


@pytest.mark.parametrize(("levels", "hard_fail"), [(114, None), (115, "regional_difference")])
def test_a_region_that_differs_by_more_than_45_percent_fails_the_photo(
    portal: MetricProfile, room: Pixels, levels: int, hard_fail: str | None
) -> None:
    target, output = room // 2, room // 2  # 0.45 is 114.75 levels
    output[150:214, 30:94] = 5
    target[150:214, 30:94] = 5 + levels

    found = score_output(output, photo_features(target, portal), original=HALF, mode="plain")

    assert found.hard_fail == hard_fail
    assert found.regional_difference == pytest.approx(levels / 255)
    assert (found.score == 0.0) == (hard_fail is not None)


@pytest.mark.parametrize("mode", ["improvement", "plain"])
def test_an_output_without_the_targets_edges_fails_in_either_mode(
    portal: MetricProfile, room: Pixels, mode: ScoreMode
) -> None:
    found = score_photo(np.full_like(room, 190), shifted(room, 3), room, portal, mode=mode)

    assert (found.score, found.hard_fail, found.output.edge) == (0.0, "edge_similarity", 0.0)


def test_an_edge_similarity_of_exactly_the_minimum_passes(portal: MetricProfile, room: Pixels) -> None:
    output = shifted(room, 3)
    found = similarity(output, room, portal).edge
    for minimum, hard_fail in ((found, None), (np.nextafter(found, 1.0), "edge_similarity")):
        features = photo_features(room, replace(portal, edge_minimum=float(minimum)))
        assert score_output(output, features, original=HALF).hard_fail == hard_fail


def test_the_density_of_the_targets_edges_is_reported(portal: MetricProfile) -> None:
    target = np.zeros((64, 96, 3), np.uint8)
    target[:, 48:] = 255

    assert score_photo(target, target, target, portal).target_edge_density == pytest.approx(1 / 96)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_plain_pictures_are_alike_in_all_that_they_lack(portal: MetricProfile, level: int) -> None:
    parts = similarity(np.full((20, 30, 3), level, np.uint8), np.full((20, 30, 3), 128, np.uint8), portal)

    assert (parts.edge, parts.line, parts.gradient) == (1.0, 1.0, 1.0)
    assert parts.pixel == pytest.approx(1 - abs(level - 128) / 255)


def test_the_smallest_photo_has_a_score(portal: MetricProfile) -> None:
    photo = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)

    assert score_photo(photo, 255 - photo, photo, portal).score == 100.0


@pytest.mark.parametrize("wrong", ["output", "original"])
def test_a_photo_of_another_size_is_refused_by_its_name(
    portal: MetricProfile, room: Pixels, wrong: str
) -> None:
    photos = {"output": room, "original": room, wrong: room[:, :-1]}

    with pytest.raises(ValueError, match=f"the {wrong} must have the target's shape"):
        score_photo(photos["output"], photos["original"], room, portal)


@pytest.fixture
def opencv_threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


@pytest.mark.usefixtures("opencv_threads")
def test_the_thread_count_changes_no_bit(portal: MetricProfile, room: Pixels) -> None:
    target = np.tile(room, (3, 3, 1))  # large enough to be cut into stripes
    found = []
    for threads in (1, 2, 5):
        cv2.setNumThreads(threads)
        found.append(score_photo(shifted(target, 2), blurred(target, 1.0), target, portal))

    assert found[0] == found[1] == found[2]


def test_where_a_photo_lies_in_memory_changes_no_bit(portal: MetricProfile, room: Pixels) -> None:
    features, output = photo_features(room, portal), shifted(room, 2)
    found = set()
    for offset in range(8):
        block = np.empty(room.size + offset, np.uint8)
        photo = block[offset:].reshape(room.shape)
        photo[...] = output
        found.add(similarity_to(features, photo))

    assert len(found) == 1


def test_a_view_that_runs_backwards_is_measured_as_its_copy(portal: MetricProfile, room: Pixels) -> None:
    view = room[:, ::-1].copy()[:, ::-1]

    assert similarity(view, room, portal) == WHOLE
    assert score_photo(view, shifted(room, 1), room, portal).score == 100.0


def test_threads_may_share_one_target(portal: MetricProfile, room: Pixels) -> None:
    features = photo_features(room, portal)
    outputs = [shifted(room, columns) for columns in range(8)]
    alone = [score_output(output, features, original=HALF) for output in outputs]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda output: score_output(output, features, original=HALF), outputs))

    assert together == alone

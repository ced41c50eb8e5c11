"""The judge's metric: five similarities to the target, and the score of a corrected photo.

    similarity S  = weighted mean of edge, line, gradient, ssim and pixel, each 0..1
    improvement   = 100 * (S(output) - S(original)) / (1 - S(original)), at least 0
    plain         = 100 * S(output)

Which mode the judge uses is inferred, never stated, so it is an argument. Photos are (H, W, 3) uint8 BGR
arrays of one size. What depends on the target alone is measured once and may be shared by threads; nothing
is remembered between calls, and the thread count of OpenCV changes no bit of any result. Files, names,
means over photos and gates are other rooms' business.
"""

from dataclasses import astuple, dataclass
from math import fsum
from typing import Literal

from gpu.metric.edges import EdgeMap, edge_density, edge_pyramid, edge_similarity
from gpu.metric.orientation import Distribution, gradient_distribution, line_distribution, overlap
from gpu.metric.pixels import (
    FULL_SCALE,
    LocalMoments,
    Pixels,
    checked,
    grey_levels,
    largest_regional_difference,
    local_moments,
    mae,
    structural_similarity,
)
from gpu.metric.profile import MetricProfile, PartWeights

ScoreMode = Literal["improvement", "plain"]
HardFail = Literal["regional_difference", "edge_similarity"]


@dataclass(frozen=True, slots=True)
class Parts:
    """How similar a photo is to its target, five ways, each 0 to 1 and 1 for the target itself."""

    edge: float
    line: float
    gradient: float
    ssim: float
    pixel: float

    def weighted(self, weights: PartWeights) -> float:
        """Give the similarity S: exactly 1 where every part is 1."""
        shares = astuple(weights)
        products = (share * part for share, part in zip(shares, astuple(self), strict=True))
        return fsum(products) / fsum(shares)


@dataclass(frozen=True, slots=True)
class PhotoMetrics:
    """What the judge reports of one photo, and what led to it.

    Attributes:
        score: 0 to 100, not rounded.
        hard_fail: Why the score is 0 whatever the parts say, or None.
        output: Parts of the corrected photo.
        original: Parts of the photo left alone.
        output_similarity: S of the corrected photo.
        original_similarity: S of the photo left alone.
        regional_difference: Largest mean difference (0..1) of the corrected photo in one region.
        target_edge_density: Share of the target's pixels that are edges at full size.
    """

    score: float
    hard_fail: HardFail | None
    output: Parts
    original: Parts
    output_similarity: float
    original_similarity: float
    regional_difference: float
    target_edge_density: float


@dataclass(frozen=True, slots=True, eq=False)
class PhotoFeatures:
    """All that the parts compare of one photo, some 18 bytes a pixel; never written to."""

    pixels: Pixels
    profile: MetricProfile
    edges: tuple[EdgeMap, ...]
    lines: Distribution
    gradients: Distribution
    moments: LocalMoments


def photo_features(photo: Pixels, profile: MetricProfile) -> PhotoFeatures:
    """Measure a photo once, for any number of comparisons with others of its size.

    Raises:
        ValueError: It is not (H, W, 3) of uint8 with 8 px or more along each side.
    """
    return _features(checked(photo, "the target"), profile)


def similarity(photo: Pixels, target: Pixels, profile: MetricProfile) -> Parts:
    """Compare a photo with its target; the same with the two swapped.

    Raises:
        ValueError: The photos are not (H, W, 3) of uint8, or not of one size.
    """
    return similarity_to(photo_features(target, profile), photo)


def similarity_to(target: PhotoFeatures, photo: Pixels) -> Parts:
    """Compare a photo with a target measured before; see ``similarity``."""
    profile = target.profile
    features = _features(checked(photo, "the photo", like=target.pixels), profile)
    structure = structural_similarity(features.moments, target.moments, profile=profile)
    return Parts(
        edge=edge_similarity(features.edges, target.edges),
        line=overlap(features.lines, target.lines),
        gradient=overlap(features.gradients, target.gradients),
        ssim=max(0.0, structure),  # negative only for photos that are each other's negative
        pixel=1.0 - mae(features.pixels, target.pixels) / FULL_SCALE,
    )


def score_photo(
    output: Pixels,
    original: Pixels,
    target: Pixels,
    profile: MetricProfile,
    *,
    mode: ScoreMode = "improvement",
) -> PhotoMetrics:
    """Score one corrected photo.

    In improvement mode the original itself scores exactly 0, and the target itself exactly 100. Where the
    original equals its target in every part nothing can be gained, so every output scores 0, even a copy:
    the other answer would give 100 to passing a file through and 0 to the same pixels encoded again.

    Args:
        output: The corrected photo.
        original: The photo left alone.
        target: What the corrected photo should look like.
        profile: Every number of the metric.
        mode: Improvement over the original, or plain similarity.

    Raises:
        ValueError: The photos are not (H, W, 3) of uint8, or not of one size.
    """
    features = photo_features(target, profile)
    start = similarity_to(features, checked(original, "the original", like=target))
    return score_output(output, features, original=start, mode=mode)


def score_output(
    output: Pixels, target: PhotoFeatures, *, original: Parts, mode: ScoreMode = "improvement"
) -> PhotoMetrics:
    """Score one corrected photo against what was measured before; see ``score_photo``.

    Args:
        output: The corrected photo.
        target: Features of the target; they carry the profile.
        original: ``similarity_to`` that target of the photo left alone, under the same profile.
        mode: Improvement over the original, or plain similarity.
    """
    pixels = checked(output, "the output", like=target.pixels)
    return scored_parts(
        similarity_to(target, pixels),
        original=original,
        regional_difference=largest_regional_difference(
            pixels, target.pixels, side=target.profile.region_side
        ),
        target_edge_density=edge_density(target.edges[0]),
        profile=target.profile,
        mode=mode,
    )


def scored_parts(
    output: Parts,
    *,
    original: Parts,
    regional_difference: float,
    target_edge_density: float,
    profile: MetricProfile,
    mode: ScoreMode = "improvement",
) -> PhotoMetrics:
    """Score parts that were measured before, for whoever tries several profiles on one photo.

    Args:
        output: Parts of the corrected photo under this profile.
        original: Parts of the photo left alone, under this profile too.
        regional_difference: Of the corrected photo, in boxes of the profile's side.
        target_edge_density: Carried into the metrics.
        profile: Its weights and limits.
        mode: Improvement over the original, or plain similarity.
    """
    reached, start = output.weighted(profile.weights), original.weighted(profile.weights)
    hard_fail = _hard_fail(output, regional_difference, profile)
    score = 100.0 * (_improvement(reached, start) if mode == "improvement" else reached)
    return PhotoMetrics(
        score=0.0 if hard_fail else score,
        hard_fail=hard_fail,
        output=output,
        original=original,
        output_similarity=reached,
        original_similarity=start,
        regional_difference=regional_difference,
        target_edge_density=target_edge_density,
    )


def _features(pixels: Pixels, profile: MetricProfile) -> PhotoFeatures:
    grey = grey_levels(pixels)
    edges = edge_pyramid(grey, profile)
    return PhotoFeatures(
        pixels=pixels,
        profile=profile,
        edges=edges,
        lines=line_distribution(edges[0].edges, profile),
        gradients=gradient_distribution(grey, profile),
        moments=local_moments(grey, profile),
    )


def _hard_fail(parts: Parts, region: float, profile: MetricProfile) -> HardFail | None:
    if region > profile.region_limit:
        return "regional_difference"
    return "edge_similarity" if parts.edge < profile.edge_minimum else None


def _improvement(reached: float, start: float) -> float:
    return max(0.0, (reached - start) / (1.0 - start)) if start < 1.0 else 0.0

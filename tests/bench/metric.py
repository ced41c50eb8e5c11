"""Times the judge's metric on photos of 2048x1367: CPU milliseconds on one core, and which part costs what.

Run as ``python -m tests.bench.metric``. The Hough search takes its time by edge pixel, and photos differ
in those: of 17 photographs, a quarter had under 1.3 %, half under 1.8 %, one had 16 %. So two kinds are drawn
here, straight lines over soft noise: plain rooms of about 2 % and furnished ones of about 6 % (printed). The
original is the target through a wide-angle lens, the output through a tenth of it.
"""

import gc
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from gpu.metric.edges import edge_pyramid, edge_similarity
from gpu.metric.orientation import gradient_distribution, line_distribution, overlap
from gpu.metric.pixels import (
    Pixels,
    grey_levels,
    largest_regional_difference,
    local_moments,
    mae,
    structural_similarity,
)
from gpu.metric.profile import PROFILES
from gpu.metric.score import PhotoFeatures, photo_features, score_output, score_photo, similarity_to
from gpu.remap.opencv import OpenCvRemap

SIZE = ImageSize(2048, 1367)
_SEEDS = (0, 1)
_ROUNDS = 3
_LINES = {"plain": 160, "furnished": 520}
_PROFILE = PROFILES["portal"]


@dataclass(frozen=True, slots=True)
class Photos:
    """One photo three times, and the target's features."""

    output: Pixels
    original: Pixels
    target: Pixels
    features: PhotoFeatures


def draw(seed: int, *, lines: int) -> Photos:
    """Draw a target and look at it through a strong lens and through a weak one."""
    target = _room(np.random.default_rng(seed), lines)
    return Photos(
        output=_through(target, bend=-0.008),
        original=_through(target, bend=-0.08),
        target=target,
        features=photo_features(target, _PROFILE),
    )


def parts(photos: Photos) -> dict[str, Callable[[], object]]:
    """Give the steps of one comparison with a target measured before; the first eight make up the ninth."""
    output, features = photos.output, photos.features
    found = photo_features(output, _PROFILE)
    grey, edges = grey_levels(output), found.edges[0].edges
    return {
        "grey": lambda: grey_levels(output),
        "edge: Canny, 3 scales": lambda: edge_pyramid(grey, _PROFILE),
        "edge: F1": lambda: edge_similarity(found.edges, features.edges),
        "line: Hough": lambda: overlap(line_distribution(edges, _PROFILE), features.lines),
        "gradient": lambda: overlap(gradient_distribution(grey, _PROFILE), features.gradients),
        "ssim: moments": lambda: local_moments(grey, _PROFILE),
        "ssim: map": lambda: structural_similarity(found.moments, features.moments, profile=_PROFILE),
        "pixel": lambda: mae(output, features.pixels),
        "one comparison": lambda: similarity_to(features, output),
        "hard fail by region": lambda: largest_regional_difference(output, features.pixels, side=64),
    }


def wholes(photos: Photos) -> dict[str, Callable[[], object]]:
    """Give the ways to a score, by what was measured before."""
    start = similarity_to(photos.features, photos.original)
    return {
        "score, nothing kept": lambda: score_photo(photos.output, photos.original, photos.target, _PROFILE),
        "score, original's parts kept": lambda: score_output(
            photos.output, photo_features(photos.target, _PROFILE), original=start
        ),
        "score, target's features kept too": lambda: score_output(
            photos.output, photos.features, original=start
        ),
    }


def main() -> None:
    """Print milliseconds per photo, the least of each photo's rounds, averaged over the photos of a kind."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    gc.disable()
    columns = [_times(kind, lines) for kind, lines in _LINES.items()]
    print(f"{'CPU ms per photo':36}", *(f"{kind:>10}" for kind in _LINES))
    for name in columns[0]:
        print(f"{name:36}", *(f"{column[name]:10.1f}" for column in columns))


def _times(kind: str, lines: int) -> dict[str, float]:
    spent: dict[str, list[float]] = {}
    for seed in _SEEDS:
        photos = draw(seed, lines=lines)
        metrics = score_photo(photos.output, photos.original, photos.target, _PROFILE)
        print(
            f"{kind} {seed}: {metrics.target_edge_density:.1%} edges, "
            f"S(original) {metrics.original_similarity:.3f}, score {metrics.score:.1f}"
        )
        for name, step in (parts(photos) | wholes(photos)).items():
            spent.setdefault(name, []).append(_milliseconds(step))
    return {name: statistics.fmean(times) for name, times in spent.items()}


def _milliseconds(step: Callable[[], object]) -> float:
    step()
    least = float("inf")
    for _ in range(_ROUNDS):
        started = time.process_time()
        step()
        least = min(least, time.process_time() - started)
    return 1000 * least


def _through(target: Pixels, *, bend: float) -> Pixels:
    mapping = LensCurve((1.0 - bend / 2, 0.0, bend)).radial_map(SIZE)
    planes = [np.ascontiguousarray(target[..., channel]) for channel in range(3)]
    seen = OpenCvRemap().remap(planes, mapping, interpolation="cubic", border="reflect", fill=[0, 0, 0])
    return np.dstack(seen)


def _room(chance: np.random.Generator, lines: int) -> Pixels:
    soft = cv2.resize(chance.normal(0, 18, (342, 512, 3)), (SIZE.width, SIZE.height))
    picture = np.full(soft.shape, 150.0) + soft
    for _ in range(lines):
        centre = chance.uniform((0, 0), (SIZE.width, SIZE.height))
        angle = np.deg2rad(chance.choice([0, 0, 90, 90, 90, 20, 160]) + chance.normal(0, 2))
        reach = chance.exponential(120) * np.array([np.cos(angle), np.sin(angle)])
        start, end = (tuple(int(place) for place in centre + sign * reach) for sign in (-1, 1))
        colour = tuple(float(level) for level in chance.uniform(0, 255, 3))
        cv2.line(picture, start, end, colour, int(chance.integers(1, 12)), cv2.LINE_8)
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


if __name__ == "__main__":
    main()

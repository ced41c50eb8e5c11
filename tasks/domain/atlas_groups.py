"""What to expect of the photos of one size, one bucket, or of all: medians, and how far photos lie from them.

A group's median is uncertain by ``u = spread / sqrt(n)``, n listings that count. Its ``safe`` curve keeps of
the distance d to the wider group's safe curve the share ``max(0, 1 - u^2 / d^2)``: near the whole where many
listings agree, nothing where they tell no more than chance would.

Source:
    Efron and Morris, "Stein's estimation rule and its competitors", JASA 68, 1973: the positive part.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gpu.curve_groups import fittest_point, median_point
from gpu.curve_space import curve_at
from gpu.lens_curve import LensCurve
from gpu.pair_fit.model import Array
from tasks.domain.atlas import LED_BY, AtlasCurve, Group, bucket_of_dimension
from tasks.domain.buckets import BUCKETS, Bucket
from tasks.domain.pairs import TrainingPair

_BOUND: Final = 0.9  # share of photos
_DIGITS: Final = 10  # of a factor: 1e-7 px


@dataclass(frozen=True, slots=True, eq=False)
class ListingCurve:
    """What the pairs of a listing that share a curve taught.

    Attributes:
        point: Of ``gpu.curve_space``.
        sizes: Pairs by size.
    """

    listing: str
    point: Array
    sizes: Mapping[str, int]

    @property
    def pairs(self) -> int:
        """Of all sizes."""
        return sum(self.sizes.values())

    @property
    def frame(self) -> str:
        """The size that most of its pairs have."""
        return commonest(self.sizes)


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of an atlas."""

    dimensions: Mapping[str, Group]
    buckets: Mapping[Bucket, Group]
    everything: Group


@dataclass(frozen=True, slots=True, eq=False)
class _Crowd:
    """Weighted points among which a photo's curve is thought to lie."""

    points: Array
    weights: Array

    @property
    def listings(self) -> int:
        """How many there are, each of which weighs 1."""
        return round(float(self.weights.sum()))

    def mean_distance(self, place: Array) -> float:
        """Of the points from a place."""
        return float(self.weights @ self._distances(place) / self.weights.sum())

    def reach(self, place: Array) -> float:
        """Radius about a place within which nine tenths of the weight lie."""
        distances = self._distances(place)
        order = np.argsort(distances, kind="stable")
        reached = np.cumsum(self.weights[order]) >= _BOUND * self.weights.sum()
        return float(distances[order][int(reached.argmax())])

    def led(self, wider: "_Crowd") -> "_Crowd":
        """Add the wider group's crowd with the weight of five listings."""
        share = LED_BY / wider.weights.sum()
        return _Crowd(
            np.concatenate([self.points, wider.points]), np.concatenate([self.weights, share * wider.weights])
        )

    def _distances(self, place: Array) -> Array:
        return np.asarray(np.linalg.norm(self.points - place, axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class _Learned:
    """A group with what narrower ones take from it; distances are None where one listing tells none."""

    group: Group
    safe: Array
    crowd: _Crowd
    expected: float | None
    bound: float | None


def learn_groups(curves: Sequence[ListingCurve], identical: Sequence[TrainingPair]) -> Groups:
    """Make all groups that hold a curve, each led by the wider one."""
    corrected = Counter(f"{pair.width}x{pair.height}" for pair in identical)
    everything = _learned(curves, corrected, parent=None)
    by_bucket: defaultdict[Bucket, list[ListingCurve]] = defaultdict(list)
    by_size: defaultdict[str, list[ListingCurve]] = defaultdict(list)
    for curve in curves:
        for size, pairs in curve.sizes.items():
            part = ListingCurve(curve.listing, curve.point, {size: pairs})
            by_size[size].append(part)
            by_bucket[bucket_of_dimension(size)].append(part)
    buckets = {
        bucket: _learned(by_bucket[bucket], _in_bucket(corrected, bucket), parent=everything)
        for bucket in BUCKETS
        if bucket in by_bucket
    }
    dimensions = {
        size: _learned(members, {size: corrected[size]}, parent=buckets[bucket_of_dimension(size)])
        for size, members in sorted(by_size.items())
    }
    return Groups(
        {size: learned.group for size, learned in dimensions.items()},
        {bucket: learned.group for bucket, learned in buckets.items()},
        everything.group,
    )


def _learned(
    curves: Sequence[ListingCurve], corrected: Mapping[str, int], *, parent: _Learned | None
) -> _Learned:
    own = _Crowd(np.array([curve.point for curve in curves]), weights_of(curves))
    median = median_point(own.points, own.weights)
    if parent is None:
        return _written(curves, corrected, median=median, safe=median, crowd=own, parent=parent)
    spread = _led(own.mean_distance(median), own.listings, parent.expected)
    safe = _shrunk(median, parent.safe, spread=spread, listings=own.listings)
    return _written(curves, corrected, median=median, safe=safe, crowd=own, parent=parent)


def _written(
    curves: Sequence[ListingCurve],
    corrected: Mapping[str, int],
    *,
    median: Array,
    safe: Array,
    crowd: _Crowd,
    parent: _Learned | None,
) -> _Learned:
    """Write the group down, its distances and its primary curve led by the wider group."""
    expected = _led(crowd.mean_distance(safe), crowd.listings, parent.expected if parent else None)
    bound = _led(crowd.reach(safe), crowd.listings, parent.bound if parent else None)
    likely = crowd.led(parent.crowd) if parent else crowd
    sizes = sizes_of(curves)
    frame = commonest(sizes)
    group = Group(
        listings=crowd.listings,
        pairs=sum(sizes.values()),
        already_corrected=sum(corrected.values()),
        median=atlas_curve(curve_at(median), frame=frame),
        primary=atlas_curve(curve_at(fittest_point(likely.points, likely.weights)), frame=frame),
        safe=atlas_curve(curve_at(safe), frame=frame),
        expected_px=None if expected is None else round(expected, 4),
        bound_px=None if bound is None else round(bound, 4),
    )
    return _Learned(group, safe, likely, expected, bound)


def _shrunk(median: Array, towards: Array, *, spread: float | None, listings: int) -> Array:
    """Keep of the way to the median what is more than chance; all or nothing is unknown without a spread."""
    away = float(np.linalg.norm(median - towards))
    if spread is None or away == 0.0:
        return towards
    kept = max(0.0, 1.0 - spread**2 / listings / away**2)
    return np.asarray(towards + kept * (median - towards))


def _led(own: float, listings: int, wider: float | None) -> float | None:
    """Mix a group's own distance with the wider group's, which counts as five listings."""
    if wider is None:
        return own if listings > 1 else None
    return (listings * own + LED_BY * wider) / (listings + LED_BY)


def _in_bucket(sizes: Mapping[str, int], bucket: Bucket) -> dict[str, int]:
    return {size: count for size, count in sizes.items() if bucket_of_dimension(size) == bucket}


def weights_of(curves: Sequence[ListingCurve]) -> Array:
    """Let every listing count once, divided among its curves by their pairs.

    How many photos a listing has tells nothing about its lens, so counting photos would only add chance.
    """
    pairs = Counter[str]()
    for curve in curves:
        pairs[curve.listing] += curve.pairs
    return np.array([curve.pairs / pairs[curve.listing] for curve in curves])


def sizes_of(curves: Sequence[ListingCurve]) -> dict[str, int]:
    """Add up the curves' pairs by size."""
    counts: Counter[str] = Counter()
    for curve in curves:
        counts.update(curve.sizes)
    return dict(sorted(counts.items()))


def commonest(sizes: Mapping[str, int]) -> str:
    """Give the size with the most pairs; of several, the first by name."""
    return min(sizes, key=lambda size: (-sizes[size], size))


def atlas_curve(curve: LensCurve, *, frame: str) -> AtlasCurve:
    """Write a centred curve as an atlas does, without powers that it does not have."""
    factors = [round(factor, _DIGITS) for factor in curve.factors]
    return AtlasCurve(factors=tuple(np.trim_zeros(factors, "b")), frame=frame)

"""Takes a scored submission apart: by size, bucket, route and listing, and against other submissions.

Photos of one listing share a camera and a photographer, so their scores are not independent; every
interval is bootstrapped over listings, from a seed that the caller names. Scores of two judges are never
compared here, and nothing is decided: that is the gates' business.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.domain.buckets import bucket_of
from tasks.domain.errors import DomainError
from tasks.domain.naming import listing_of
from tasks.domain.schemas import PhotoRef
from tasks.domain.score_schemas import (
    GroupKind,
    GroupScores,
    Judge,
    PhotoScore,
    ScoreAnalysis,
    ScoreDelta,
    ScoreStatistics,
    Standing,
)

RESAMPLES: Final = 2_000
_UNITS: Final = 1_000_000  # scores have at most six decimals, so sums of whole millionths are exact
_LEVEL: Final = (2.5, 97.5)  # percent: a two-sided 95 % interval

Units = NDArray[np.int64]
"""Scores, or differences of scores, in whole millionths of a point."""
Interval = tuple[float, float] | None
Group = tuple[GroupKind, str, NDArray[np.intp]]


class IncomparableScores(DomainError):
    """Two sets of scores are not of the same photos, or not of the same judge."""


@dataclass(frozen=True, slots=True)
class Rival:
    """Another submission's scores to compare with."""

    standing: Standing
    name: str
    judge: Judge
    scores: Sequence[PhotoScore]


def analyse_scores(
    scores: Sequence[PhotoScore],
    *,
    name: str,
    judge: Judge,
    csv_sha256: str,
    photos: Sequence[PhotoRef],
    routes: Mapping[str, str],
    rivals: Sequence[Rival],
    seed: int,
    listed: int = 20,
) -> ScoreAnalysis:
    """Analyse a submission's scores overall, and per size, bucket, route and listing.

    Args:
        scores: One for each photo.
        name: The submission's name.
        judge: Who gave the scores.
        csv_sha256: Digest of the scored CSV they were read from.
        photos: The photos that were scored, for their sizes.
        routes: Route label of each photo id; empty where routes are not known, as for imported history.
        rivals: Submissions to compare with, at most one of each standing.
        seed: Of the bootstrap.
        listed: How many photos the lists of better and worse ones name at most.

    Raises:
        IncomparableScores: Photos of scores, sizes, routes or a rival differ, or a rival's judge does.
    """
    ids = sorted(row.image_id for row in scores)
    _require_same_ids(ids, [photo.id for photo in photos], "the photos' sizes")
    if routes:
        _require_same_ids(ids, list(routes), "the routes")
    own = _in_order(scores)
    theirs = [(rival, _rival_units(rival, judge=judge, ids=ids)) for rival in _each_standing_once(rivals)]
    listings = np.unique([listing_of(photo) for photo in ids], return_inverse=True)[1]
    sizes = {photo.id: (photo.width, photo.height) for photo in photos}
    groups = tuple(
        _group_scores(kind, key, members, own=own, theirs=theirs, listings=listings, seed=seed)
        for kind, key, members in groups_of(ids, sizes, routes)
    )
    champion = next((units for rival, units in theirs if rival.standing == "champion"), own)
    better, worse = _changes(ids, own - champion, listed=listed)
    return ScoreAnalysis(
        name=name, judge=judge, csv_sha256=csv_sha256, groups=groups, better=better, worse=worse
    )


def groups_of(
    ids: Sequence[str], sizes: Mapping[str, tuple[int, int]], routes: Mapping[str, str]
) -> Iterator[Group]:
    """Yield each group with the positions of its members within ``ids``.

    Args:
        ids: Of the photos.
        sizes: Width and height of each in pixels.
        routes: Route label of each; empty where routes are not known.
    """
    keys: dict[GroupKind, list[str]] = {
        "overall": ["all"] * len(ids),
        "bucket": [bucket_of(*sizes[photo]) for photo in ids],
        "dimension": ["{}x{}".format(*sizes[photo]) for photo in ids],
        "route": [routes[photo] for photo in ids] if routes else [],
        "listing": [listing_of(photo) for photo in ids],
    }
    for kind, labels in keys.items():
        members: defaultdict[str, list[int]] = defaultdict(list)
        for position, label in enumerate(labels):
            members[label].append(position)
        for label, positions in sorted(members.items()):
            yield kind, label, np.asarray(positions, dtype=np.intp)


def score_units(scores: Sequence[float]) -> Units:
    """Turn scores into whole millionths of a point, in which sums are exact."""
    return np.rint(np.asarray(scores, dtype=np.float64) * _UNITS).astype(np.int64)


def statistics_of(units: Units) -> ScoreStatistics:
    """Describe one group of scores; mean and median are correctly rounded, so limits can be compared with.

    Args:
        units: ``(n,)``, n at least 1, in millionths of a point.
    """
    ordered = np.sort(units)
    middle = int(ordered[(len(units) - 1) // 2]) + int(ordered[len(units) // 2])
    return ScoreStatistics(
        photos=len(units),
        mean=_mean(units),
        median=middle / (2 * _UNITS),
        minimum=int(ordered[0]) / _UNITS,
        maximum=int(ordered[-1]) / _UNITS,
        zero_rate=_zeros(units) / len(units),
    )


def bootstrap_intervals(
    rows: Units, listings: NDArray[np.intp], *, seed: int, resamples: int = RESAMPLES
) -> tuple[Interval, ...]:
    """Estimate the 95 % interval of the mean of each row by drawing whole listings with replacement.

    All rows see the same draws, so a paired difference belongs in a row of its own.

    Args:
        rows: ``(k, n)`` scores or paired differences of n photos, in millionths of a point.
        listings: ``(n,)`` number of each photo's listing.
        seed: Equal seeds give equal intervals.
        resamples: How many times as many listings as there are get drawn.

    Returns:
        For each row the percentiles 2.5 and 97.5 in points; None below two listings, of which one says
        nothing about the next.
    """
    own = np.unique(listings, return_inverse=True)[1]
    count = int(own.max()) + 1
    if count < 2:
        return (None,) * len(rows)
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    weights = draws.astype(np.float64)
    sums = np.stack([np.bincount(own, weights=row, minlength=count) for row in rows], axis=1)
    means = weights @ sums / (weights @ np.bincount(own, minlength=count))[:, None] / _UNITS
    return tuple((float(low), float(high)) for low, high in np.percentile(means, _LEVEL, axis=0).T)


def _group_scores(
    kind: GroupKind,
    key: str,
    members: NDArray[np.intp],
    *,
    own: Units,
    theirs: Sequence[tuple[Rival, Units]],
    listings: NDArray[np.intp],
    seed: int,
) -> GroupScores:
    """Describe one group and how it differs from the same group of each rival."""
    scores = own[members]
    gains = [scores - units[members] for _, units in theirs]
    intervals = bootstrap_intervals(np.stack([scores, *gains]), listings[members], seed=seed)
    return GroupScores(
        kind=kind,
        key=key,
        statistics=statistics_of(scores),
        interval=intervals[0],
        deltas=tuple(
            ScoreDelta(
                against=rival.standing,
                name=rival.name,
                mean=_mean(gain),
                zero_rate=(_zeros(scores) - _zeros(units[members])) / len(members),
                interval=interval,
            )
            for (rival, units), gain, interval in zip(theirs, gains, intervals[1:], strict=True)
        ),
    )


def _changes(
    ids: Sequence[str], gains: Units, *, listed: int
) -> tuple[tuple[tuple[str, float], ...], tuple[tuple[str, float], ...]]:
    """List the photos that gained and those that lost, the largest change first, ties by id."""
    order = np.argsort(-gains, kind="stable")
    better = [(ids[at], int(gains[at]) / _UNITS) for at in order[:listed] if gains[at] > 0]
    order = np.argsort(gains, kind="stable")
    worse = [(ids[at], int(gains[at]) / _UNITS) for at in order[:listed] if gains[at] < 0]
    return tuple(better), tuple(worse)


def _in_order(scores: Sequence[PhotoScore]) -> Units:
    return score_units([row.score for row in sorted(scores, key=lambda row: row.image_id)])


def _mean(units: Units) -> float:
    return int(units.sum()) / (len(units) * _UNITS)


def _zeros(units: Units) -> int:
    return int(np.count_nonzero(units == 0))


def _rival_units(rival: Rival, *, judge: Judge, ids: Sequence[str]) -> Units:
    if rival.judge != judge:
        raise IncomparableScores(
            f"{rival.name!r} was scored by {rival.judge}, not by {judge}; have the same judge score both"
        )
    _require_same_ids(ids, [row.image_id for row in rival.scores], f"the scores of {rival.name!r}")
    return _in_order(rival.scores)


def _each_standing_once(rivals: Sequence[Rival]) -> Sequence[Rival]:
    standings = [rival.standing for rival in rivals]
    if len(set(standings)) != len(standings):
        raise ValueError(f"at most one rival of each standing was expected, got {standings}")
    return rivals


def _require_same_ids(ids: Sequence[str], others: Sequence[str], what: str) -> None:
    """Refuse ids that are repeated or differ; ``ids`` must be sorted."""
    if len(set(ids)) != len(ids) or not ids:
        raise IncomparableScores(
            f"one score for each of 1 or more photos was expected, got {len(ids)} scores"
        )
    if sorted(others) == list(ids):
        return
    odd = sorted(set(ids).symmetric_difference(others))
    shown = ", ".join(repr(name) for name in odd[:5])
    raise IncomparableScores(
        f"{what} are of {len(others)} photos, the scores of {len(ids)}; {len(odd)} ids differ: {shown}"
    )

"""Learns an atlas from fitted pairs: pools each listing, gathers profiles, and says what to expect of a size.

The listing is the unit: one shoot has one lens, whatever the number of its photos. Pairs of a listing whose
curves differ (two lenses, another focal length, a crop) stay apart instead of being averaged, and pairs that
teach no curve are counted by their reason. Equal pairs give the same atlas, in whatever order they come.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from pydantic import Field

from gpu.curve_groups import cover
from gpu.curve_space import curve_at, points_of
from gpu.filling import filling_zoom
from gpu.lens_curve import LensCurve
from tasks.domain.atlas import (
    MOST_PROFILES,
    LensAtlas,
    LensProfile,
    LineRule,
    Met,
    ZoomRule,
    size_of_dimension,
)
from tasks.domain.atlas_groups import ListingCurve, atlas_curve, commonest, learn_groups, sizes_of, weights_of
from tasks.domain.errors import DomainError
from tasks.domain.fitted_pairs import FittedPair, pooled_curve
from tasks.domain.pairs import TrainingPair
from tasks.domain.schemas import Record
from tasks.domain.searched_tables import TableLabel

_ERROR_FLOOR_PX: Final = 0.1  # below what fits foretell they are no surer of each other
_MAD_TO_SIGMA: Final = 1.4826  # of a normal distribution


class NothingToLearn(DomainError):
    """No pair teaches a curve."""


class LearningOptions(Record):
    """How near curves must lie to be taken for one; RMS over the frame in pixels of a photo of 2048x1367."""

    listing_radius_px: float = Field(default=1.0, gt=0.0)
    """Within a listing: twice what nine of ten pair fits are good to."""
    profile_radius_px: float = Field(default=0.5, gt=0.0)
    """Among listings; doubled until an atlas holds all profiles."""


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Pairs by what they teach.

    Attributes:
        radial: By listing, in the order of the ids.
        identical: Photos that needed no correction.
        quarantined: Counts by reason.
    """

    radial: Mapping[str, Sequence[FittedPair]]
    identical: Sequence[TrainingPair]
    quarantined: Mapping[str, int]


def learn_atlas(
    pairs: Iterable[FittedPair],
    label: TableLabel,
    options: LearningOptions | None = None,
    *,
    line_rule: LineRule | None = None,
) -> LensAtlas:
    """Make an atlas of fitted pairs.

    Args:
        pairs: In any order.
        label: Of the atlas.
        options: Which curves are taken for one.
        line_rule: What was learned of lines; the default if nothing was.

    Raises:
        NothingToLearn: Not one of them teaches a curve; the error counts the reasons.
    """
    options = options or LearningOptions()
    found = _sorted(sorted(pairs, key=lambda fitted: fitted.pair.id))
    curves = [curve for listing in found.radial.values() for curve in _listing_curves(listing, options)]
    groups = learn_groups(curves, found.identical)
    used = sum(map(len, found.radial.values()))
    profiles, radius = _profiles(curves, options.profile_radius_px)
    return LensAtlas(
        schema_version=1,
        name=label.name,
        source=_source(found, used, options, radius),
        date=label.date,
        profiles=profiles,
        dimensions=groups.dimensions,
        buckets=groups.buckets,
        everything=groups.everything,
        zoom_rule=_zoom_rule(curves),
        line_rule=line_rule or LineRule(),
        pairs_used=used,
        quarantined=found.quarantined,
    )


def _sorted(pairs: Sequence[FittedPair]) -> _Sorted:
    radial: defaultdict[str, list[FittedPair]] = defaultdict(list)
    identical: list[TrainingPair] = []
    refused: list[FittedPair] = []
    for fitted in pairs:
        match fitted.finding.verdict:
            case "radial":
                radial[fitted.listing].append(fitted)
            case "already_identical":
                identical.append(fitted.pair)
            case _:
                refused.append(fitted)
    reasons = Counter(fitted.finding.reason or fitted.finding.verdict for fitted in refused)
    if not radial:
        raise NothingToLearn(_nothing(identical, reasons, refused))
    return _Sorted(dict(sorted(radial.items())), identical, dict(sorted(reasons.items())))


def _nothing(
    identical: Sequence[TrainingPair], reasons: Mapping[str, int], refused: Sequence[FittedPair]
) -> str:
    counts = [f"{count} {reason}" for reason, count in sorted(reasons.items())]
    counts += [f"{len(identical)} already corrected"] if identical else []
    if not counts:
        return "an atlas is learned from one or more fitted pairs, got none"
    first = f"; the first, {refused[0].pair.id}: {refused[0].finding.sentence}" if refused else ""
    return f"no pair teaches a lens curve: {', '.join(counts)}{first}"


def _listing_curves(pairs: Sequence[FittedPair], options: LearningOptions) -> list[ListingCurve]:
    """Pool the pairs of one listing, those of each lens and focal length for themselves."""
    points = points_of([LensCurve(fitted.finding.factors) for fitted in pairs])
    sureness = np.array(
        [1.0 / (_ERROR_FLOOR_PX + (fitted.finding.expected_error_px or 0.0)) for fitted in pairs]
    )
    labels = cover(points, sureness, options.listing_radius_px)
    return [
        _pooled([fitted for fitted, own in zip(pairs, labels, strict=True) if own == label])
        for label in range(labels.max() + 1)
    ]


def _pooled(pairs: Sequence[FittedPair]) -> ListingCurve:
    curve = pooled_curve([fitted.finding for fitted in pairs])
    sizes = Counter(f"{fitted.pair.width}x{fitted.pair.height}" for fitted in pairs)
    return ListingCurve(pairs[0].listing, points_of([curve])[0], dict(sorted(sizes.items())))


def _profiles(curves: Sequence[ListingCurve], radius: float) -> tuple[tuple[LensProfile, ...], float]:
    """Gather curves that lie within one radius, the most pairs first; also give the radius that it took.

    It is doubled until no more profiles are left than an atlas may have.
    """
    points, weights = np.array([curve.point for curve in curves]), weights_of(curves)
    labels = cover(points, weights, radius)
    while labels.max() >= MOST_PROFILES:
        radius *= 2.0
        labels = cover(points, weights, radius)
    members = [
        [curve for curve, own in zip(curves, labels, strict=True) if own == label]
        for label in range(labels.max() + 1)
    ]
    members.sort(key=lambda group: -sum(curve.pairs for curve in group))
    totals = Counter[tuple[str, str]]()
    for curve in curves:
        totals.update({(curve.listing, size): pairs for size, pairs in curve.sizes.items()})
    named = enumerate(members, start=1)
    return tuple(_profile(group, f"p{number:04d}", totals) for number, group in named), radius


def _profile(
    members: Sequence[ListingCurve], name: str, totals: Mapping[tuple[str, str], int]
) -> LensProfile:
    """Write a profile down; ``totals`` are each listing's pairs by size, of all its curves."""
    points, weights = np.array([curve.point for curve in members]), weights_of(members)
    middle = weights @ points / weights.sum()
    spread = np.sqrt(weights @ np.square(points - middle).sum(axis=1) / weights.sum())
    sizes = sizes_of(members)
    met: defaultdict[str, float] = defaultdict(float)
    for curve in members:
        for size, pairs in curve.sizes.items():
            met[size] += pairs / totals[curve.listing, size]
    return LensProfile(
        name=name,
        curve=atlas_curve(curve_at(middle), frame=commonest(sizes)),
        spread_px=round(float(spread), 4),
        listings=len({curve.listing for curve in members}),
        sizes={size: Met(pairs=pairs, listings=round(met[size], 6)) for size, pairs in sizes.items()},
    )


def _zoom_rule(curves: Sequence[ListingCurve]) -> ZoomRule:
    """Take the middle of how far the curves are zoomed beyond filling their frames."""
    surplus = np.array(
        [-np.log(filling_zoom(curve_at(curve.point), size_of_dimension(curve.frame))) for curve in curves]
    )
    middle = float(np.median(surplus))
    return ZoomRule(
        surplus=round(middle, 6),
        sigma=round(_MAD_TO_SIGMA * float(np.median(np.abs(surplus - middle))), 6),
        curves=len(curves),
    )


def _source(found: _Sorted, used: int, options: LearningOptions, radius: float) -> str:
    widened = (
        f" (widened from {options.profile_radius_px:g} until at most {MOST_PROFILES} profiles were left)"
        if radius > options.profile_radius_px
        else ""
    )
    return (
        f"Learned from {used} pairs of {len(found.radial)} listings; {len(found.identical)} pairs were "
        f"already corrected, {sum(found.quarantined.values())} quarantined. Curves within "
        f"{options.listing_radius_px:g} px in a listing and {radius:g} px among listings{widened} are taken "
        "for one."
    )

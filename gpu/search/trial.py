"""Tries candidates on pairs: what one worker process does with one pair, and what all pairs say together.

A worker gets one reduced pair and every candidate of a round, and answers with distances. Averages are taken
in the order of the pairs with exact sums, so they do not depend on how many processes there are.
"""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field
from math import fsum, nan

import numpy as np

from gpu.remap.backend import Border, Interpolation
from gpu.remap.opencv import OpenCvRemap
from gpu.search.candidate import MOST_BORDER, Candidate, Geometry, geometry
from gpu.search.pair import REDUCTION, Grey, ReducedPair
from gpu.search.profile import Distances, ProfileName, distances, features, pixel_distance

_FOLDED = 4.0  # above any loss and any border share, so an optimiser walks away from it first
_INVALID = 2.0  # above any loss, at most 1.2


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate and what became of it.

    Attributes:
        loss: Mean over the pairs; for an invalid candidate a penalty above any loss.
        risk: As the runbook's legacy table defines it; None for an invalid candidate and under ``mae``.
        border: Share of border pixels at the size where it is largest.
        warp: Strength of the warp at the size where it is largest.
        valid: Whether it may be chosen.
    """

    candidate: Candidate
    loss: float
    risk: float | None
    border: float
    warp: float
    valid: bool


Evaluate = Callable[[Sequence[Candidate]], Sequence[Trial]]
"""Tries candidates, each on the same pairs; what a search is given."""


@dataclass(frozen=True, slots=True)
class TrialJob:
    """One pair, and the candidates to try on it; all of them must have a map at its size."""

    pair: ReducedPair = field(repr=False)
    candidates: tuple[Candidate, ...]
    profile: ProfileName
    interpolation: Interpolation
    border: Border


def pair_distances(job: TrialJob) -> list[Distances]:
    """Warp the reduced original by each candidate and compare it with the target."""
    pair, profile = job.pair, job.profile
    photos = (warped(pair.original, _geometry(candidate, pair), job) for candidate in job.candidates)
    if profile == "mae":
        return [Distances(nan, nan, nan, nan, pixel_distance(photo, pair.target)) for photo in photos]
    target = features(pair.target, profile)
    return [distances(features(photo, profile), target) for photo in photos]


def warped(grey: Grey, geometry_: Geometry, job: TrialJob) -> Grey:
    """Resample a reduced photo as the run would resample the full one."""
    (photo,) = OpenCvRemap().remap(
        [grey], geometry_.mapping, interpolation=job.interpolation, border=job.border, fill=[0]
    )
    return np.asarray(photo, np.uint8)


def invalid_trial(candidate: Candidate, geometries: Sequence[Geometry | None]) -> Trial | None:
    """Judge a candidate by geometry alone; None for a valid one, which must be tried on pairs.

    Args:
        candidate: To be judged.
        geometries: At each size among the pairs.
    """
    if any(found is None for found in geometries):
        return Trial(candidate, loss=_FOLDED, risk=None, border=nan, warp=nan, valid=False)
    border, warp = _largest(geometries)
    if border <= MOST_BORDER:
        return None
    return Trial(candidate, loss=_INVALID + border, risk=None, border=border, warp=warp, valid=False)


def valid_trial(
    candidate: Candidate,
    geometries: Sequence[Geometry | None],
    found: Sequence[Distances],
    *,
    profile: ProfileName,
) -> Trial:
    """Sum up what the pairs, in their order, say of a valid candidate."""
    border, warp = _largest(geometries)
    mean = Distances(*map(_mean, zip(*map(astuple, found), strict=True)))
    return Trial(
        candidate,
        loss=mean.loss(profile, warp=warp),
        risk=None if profile == "mae" else _legacy_risk(mean, border=border, warp=warp),
        border=border,
        warp=warp,
        valid=True,
    )


def _legacy_risk(mean: Distances, *, border: float, warp: float) -> float:
    """The runbook's definition. It drifts to doing nothing, which is why profile safe scored 18.17."""
    return 0.55 * min(1.0, border / MOST_BORDER) + 0.30 * warp + 0.15 * mean.edge


def _geometry(candidate: Candidate, pair: ReducedPair) -> Geometry:
    found = geometry(candidate, pair.size, reduction=REDUCTION)
    if found is None:
        raise ValueError(f"{candidate} has no map at {pair.size}; judge candidates by `invalid_trial` first")
    return found


def _largest(geometries: Sequence[Geometry | None]) -> tuple[float, float]:
    known = [found for found in geometries if found is not None]
    return max(found.border for found in known), max(found.warp for found in known)


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values)

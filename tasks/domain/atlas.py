"""The lens atlas: the lens curves that training pairs taught, and what is expected of a photo of each size.

A curve belongs to a frame, because how far it is zoomed depends on the frame's shape; ``AtlasCurve.at``
carries it to another. Which curve serves a photo is decided by the estimators and their router; nothing here
looks at photos.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import AfterValidator, Field, ValidationError, field_validator

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.filling import carried, filling_zoom
from gpu.lens_curve import LensCurve
from gpu.plumb_line.prior import LineTrust
from tasks.domain.buckets import Bucket, bucket_of
from tasks.domain.schemas import Record
from tasks.domain.strict_json import Path, Problem, parse_record
from tasks.domain.tables import Dimension, TableHeader

MOST_PROFILES: Final = 2000  # the Lensfun database has 426 wide-angle curves, 126 within 1 px of each other
_MOST_SIZES: Final = 2000
_RADII: Final = np.linspace(0.2, 1.0, 9)
_MARGIN: Final = 0.25  # of the range of curves seen
LED_BY: Final = 5.0
"""Listings for which a wider group stands where a narrower one is told."""
_LEAST_MARGIN: Final = 0.005  # of the half diagonal, 6 px of a photo of 2048

Level = Literal["dimension", "bucket", "global"]
Pixels = Annotated[float, Field(ge=0.0, description="RMS over the frame, of a photo of 2048x1367")]


class AtlasCurve(Record):
    """A lens curve and the frame for which it is zoomed."""

    factors: tuple[float, ...] = Field(min_length=1, max_length=5)
    """By power of r, r in half diagonals; see ``gpu.lens_curve``."""
    frame: Dimension

    @field_validator("factors")
    @classmethod
    def _without_negative_zero(cls, factors: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(factor + 0.0 for factor in factors)

    @property
    def curve(self) -> LensCurve:
        """The curve for its own frame."""
        return LensCurve(self.factors)

    @property
    def size(self) -> ImageSize:
        """Its frame in pixels."""
        return size_of_dimension(self.frame)

    def at(self, size: ImageSize) -> LensCurve:
        """Carry the curve to a photo of this size.

        Raises:
            LensModelError: It folds there.
        """
        curve = carried(self.curve, self.size, size)
        curve.check_monotone(size)
        return curve


class Met(Record):
    """How often a profile was met at a size."""

    pairs: int = Field(ge=1)
    listings: float = Field(gt=0.0)
    """Each listing counts once at a size, divided among its curves by their pairs."""


class LensProfile(Record):
    """Curves of several listings that lie within one radius: a lens at a focal length, as far as known."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")
    about: str = Field(default="", max_length=200)
    """The lens in words, where it is known."""
    curve: AtlasCurve
    spread_px: Pixels
    """RMS distance of its listings' curves."""
    listings: int = Field(ge=0)
    sizes: Mapping[Dimension, Met] = Field(max_length=_MOST_SIZES)

    @property
    def pairs(self) -> int:
        """Pairs of all sizes."""
        return sum(met.pairs for met in self.sizes.values())


class Group(Record):
    """What is expected of the photos of one size, one bucket, or of all."""

    listings: int = Field(ge=0)
    """0: not known."""
    pairs: int = Field(ge=0)
    """That taught a curve."""
    already_corrected: int = Field(ge=0)
    """Pairs with nothing to correct; they teach no curve and move none."""
    median: AtlasCurve
    """Least mean distance to the photos' curves."""
    primary: AtlasCurve
    """Where most curves lie, whatever the others do."""
    safe: AtlasCurve
    """The median, drawn towards the wider group's by what is not known of it; never towards identity."""
    expected_px: Pixels | None
    """Mean distance of its pairs' curves from ``safe``; None: not known. Photos may have other lenses, see
    ``tasks.domain.estimators.dimension_prior``."""
    bound_px: Pixels | None
    """Nine of ten of its pairs lie within; None: not known."""


class ZoomRule(Record):
    """How much those who corrected the photos zoomed: ``log zoom = log filling zoom + surplus``."""

    surplus: float
    """Median; 0 just fills the frame."""
    sigma: float = Field(ge=0.0)
    """Standard deviation round it."""
    curves: int = Field(ge=0)
    """That taught it."""


_TRUST: Final = LineTrust()


class LineRule(Record):
    """How far lines in photos are to be trusted; the defaults were learned on rendered listings.

    See ``gpu.plumb_line.prior.LineTrust``.
    """

    overcount: float = Field(default=_TRUST.overcount, gt=0.0)
    scene_bow_px: Pixels = _TRUST.scene_bow_px
    wiggle_px: Pixels = _TRUST.wiggle_px
    together: float = Field(default=_TRUST.together, gt=0.0, lt=1.0)
    bowed: float = Field(default=_TRUST.bowed, gt=0.0, lt=1.0)
    width: float = Field(default=_TRUST.width, gt=0.0)
    pooled_width: float = Field(default=_TRUST.pooled_width, gt=0.0)
    photos: int = Field(default=0, ge=0)
    """That taught it; 0 for the defaults."""


def _distinct(profiles: tuple[LensProfile, ...]) -> tuple[LensProfile, ...]:
    if len({profile.name for profile in profiles}) < len(profiles):
        raise ValueError("every profile has a name of its own; some occur twice")
    return profiles


class LensAtlas(TableHeader):
    """Everything that pairs taught about lenses; the table of method ``shoot_atlas``."""

    profiles: Annotated[tuple[LensProfile, ...], AfterValidator(_distinct)] = Field(
        min_length=1, max_length=MOST_PROFILES
    )
    """Most pairs first."""
    dimensions: Mapping[Dimension, Group] = Field(max_length=_MOST_SIZES)
    buckets: Mapping[Bucket, Group]
    everything: Group
    zoom_rule: ZoomRule
    line_rule: LineRule = LineRule()
    pairs_used: int = Field(ge=0)
    quarantined: Mapping[str, Annotated[int, Field(ge=1)]] = Field(max_length=100)
    """Pairs that taught nothing, by reason."""

    def __hash__(self) -> int:
        """Hash what tells most atlases apart, so that what is worked out of one can be kept with it."""
        return hash((self.name, self.source, self.pairs_used))

    def groups_of(self, size: ImageSize) -> Iterator[tuple[Level, Group]]:
        """Give the groups that a photo of this size belongs to, the narrowest first."""
        bucket = bucket_of(size.width, size.height)
        if str(size) in self.dimensions:
            yield "dimension", self.dimensions[str(size)]
        if bucket in self.buckets:
            yield "bucket", self.buckets[bucket]
        yield "global", self.everything

    def holds(self, curve: LensCurve) -> bool:
        """Tell whether a curve displaces every radius about as far as some curve of the atlas does."""
        low, high = self._envelope
        found = curve.distort(_RADII)
        return bool(((found >= low) & (found <= high)).all())

    @cached_property
    def _envelope(self) -> tuple[tuple[float, ...], tuple[float, ...]]:  # no arrays: records are compared
        groups = (*self.dimensions.values(), *self.buckets.values(), self.everything)
        known = [profile.curve for profile in self.profiles]
        known += [row for group in groups for row in (group.primary, group.safe)]
        moved = np.array([row.curve.distort(_RADII) for row in known])
        low, high = moved.min(axis=0), moved.max(axis=0)
        margin = np.maximum(_MARGIN * (high - low), _LEAST_MARGIN)
        return tuple(low - margin), tuple(high + margin)


def profile_weights(atlas: LensAtlas, size: ImageSize | None = None) -> dict[str, float]:
    """Give the probability of each profile for a photo of this size, in the order of the profiles.

    Shares of the listings of the exact size, led by those of its bucket, which stand for five listings, and
    these by the shares of all; without a size those of all.
    """
    counts = np.array([_met(profile, size) for profile in atlas.profiles], dtype=np.float64)
    shares = np.full(len(counts), 1.0 / len(counts))
    for column in counts.T:
        shares = (column + LED_BY * shares) / (column.sum() + LED_BY)
    return {profile.name: float(share) for profile, share in zip(atlas.profiles, shares, strict=True)}


def _met(profile: LensProfile, size: ImageSize | None) -> list[float]:
    """Count the listings that met a profile: in all, in the size's bucket, at the size."""
    counts = [sum(met.listings for met in profile.sizes.values())]
    if size is not None:
        bucket = bucket_of(size.width, size.height)
        counts.append(
            sum(met.listings for key, met in profile.sizes.items() if bucket_of_dimension(key) == bucket)
        )
        counts.append(sum(met.listings for key, met in profile.sizes.items() if key == str(size)))
    return counts


def load_atlas(text: str | bytes, *, source: str) -> LensAtlas:
    """Read an atlas from JSON.

    Raises:
        DocumentError: All problems at once, those of curves that fold over their own frame included.
    """
    return parse_record(text, LensAtlas, source=source, further_problems=_folding_curves)


def size_of_dimension(dimension: str) -> ImageSize:
    """Read a size such as ``2048x1367``."""
    width, height = map(int, dimension.split("x"))
    return ImageSize(width, height)


def bucket_of_dimension(dimension: str) -> Bucket:
    """Name the bucket of a size such as ``2048x1367``."""
    size = size_of_dimension(dimension)
    return bucket_of(size.width, size.height)


def _folding_curves(document: object, path: Path = ()) -> Iterator[Problem]:
    """Judge every curve of a parsed atlas that need not be valid; what is no curve is left to the schema."""
    if isinstance(document, dict) and {"factors", "frame"} <= document.keys():
        yield from _folding(document, path)
    elif isinstance(document, (dict, list)):
        members = document.items() if isinstance(document, dict) else enumerate(document)
        for key, member in members:
            yield from _folding_curves(member, (*path, key))


def _folding(document: object, path: Path) -> Iterator[Problem]:
    try:
        curve = AtlasCurve.model_validate_json(json.dumps(document), strict=True)
        curve.curve.check_monotone(curve.size)
        filling_zoom(curve.curve, curve.size)
    except LensModelError as error:
        yield path, str(error)
    except (ValidationError, ValueError):
        return

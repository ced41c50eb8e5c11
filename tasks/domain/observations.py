"""What was seen on a photo before it was routed: one record for all methods that look."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import Field

from tasks.domain.coefficients import CoefficientPair
from tasks.domain.naming import listing_of
from tasks.domain.schemas import Record

Three = tuple[float, float, float]
Line = Annotated[tuple[tuple[float, float], ...], Field(min_length=2, max_length=16)]


class PhotoChoice(Record):
    """The pair that a look at one photo's pixels led to."""

    pair: CoefficientPair
    objective: float
    """What was made small, under the pair."""
    untouched: float
    """The same of the photo left alone."""
    looks: int
    """Pairs that were tried."""


class CameraFound(Record):
    """What a photo's metadata says of the optics that took it."""

    maker: str
    model: str
    lens: str
    """Empty where it names none."""
    focal_mm: float | None


class LinesFound(Record):
    """What a photo's straight lines say of its lens; see ``gpu.plumb_line``."""

    width: int = Field(ge=1)
    """Of the photo in pixels as stored."""
    height: int = Field(ge=1)
    constant: float
    """Of the log likelihood ``constant + linear theta - theta information theta / 2``."""
    linear: Three
    information: tuple[Three, Three, Three]
    chains: int = Field(ge=0)
    """Chains of edges that were used."""
    long_lines: tuple[Line, ...] = Field(max_length=64)
    """Places along the longest chains, in half diagonals from the centre."""


class Observation(Record):
    """What came of looking at one photo: what its method asked for, or why there is nothing."""

    photo_id: str
    choice: PhotoChoice | None = None
    camera: CameraFound | None = None
    lines: LinesFound | None = None
    problem: str = ""
    """One sentence, where nothing could be observed."""


Listing = tuple[Observation, ...]
"""Observations of the photos of one listing."""


def listings_of(observations: Iterable[Observation]) -> Mapping[str, Listing]:
    """Put the observations of each listing together, under its name and in their order."""
    found: defaultdict[str, list[Observation]] = defaultdict(list)
    for observation in observations:
        found[listing_of(observation.photo_id)].append(observation)
    return {name: tuple(members) for name, members in found.items()}


def observation_on(photo_id: str, listing: Iterable[Observation]) -> Observation | None:
    """Find what was seen on one photo; None where nothing was."""
    return next((one for one in listing if one.photo_id == photo_id), None)

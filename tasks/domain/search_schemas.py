"""The records of a coefficient search: what was asked of it, and how each of its coefficients was found."""

from typing import Annotated, Literal

from pydantic import Field

from tasks.domain.coefficients import CoefficientPair
from tasks.domain.schemas import Border, Interpolation, Record, Sha256

Alpha = Annotated[float, Field(ge=0.0, le=1.0)]
Profile = Literal["mae", "legacy", "competition_lite"]
Optimizer = Literal["gn", "grid", "de"]
"""``gn`` fits each pair's lens curve and takes the nearest coefficients; the others try candidates.

``gn`` is no default: by mean distance from true warps its tables are nearer, but more photos end up farther
than if they had been left alone (19 % against 13 % of 572; ``tests/bench/README.md``)."""


class SearchOptions(Record):
    """What every search may be told."""

    profile: Profile
    """What tells how far a photo is from its target; a proxy, see ``gpu.search.profile``. ``gn`` asks no
    profile: it compares warps."""
    alphas: tuple[Alpha, ...] = Field(default=(0.0,), min_length=1)
    """Each multiplies the candidates; ``gn`` tries each on its curves."""
    interpolation: Interpolation = "cubic"
    border: Border = "reflect"
    seed: int = 42


class PairSearchOptions(SearchOptions):
    """Options of the global grid's search phase and of the micro-grid."""

    profile: Profile = "mae"
    optimizer: Literal["gn", "grid"] = "grid"
    search_pairs: int = Field(default=500, ge=1)
    """Pairs in all; the micro-grid divides them evenly among the buckets."""


class TableBuildOptions(SearchOptions):
    """Options of the CalibGuard-Dim table build."""

    profile: Literal["legacy", "competition_lite"] = "legacy"
    alphas: tuple[Alpha, ...] = Field(default=(0.0, 0.1, 0.2), min_length=1)
    optimizer: Optimizer = "grid"
    sample_per_dim: int = Field(default=300, ge=1)
    """Most pairs of one size that are looked at."""
    min_dim_support: int = Field(default=30, ge=1)
    """Pairs that a size needs to be searched widely; with ``gn`` to have a row of its own."""


class LeftOutPair(Record):
    """A pair that was sampled but could not be searched on."""

    id: str
    reason: str


class FoundCoefficients(Record):
    """How the coefficients of one size, one bucket or all photos were found."""

    support: int = Field(ge=0)
    """Pairs there are."""
    pairs: int = Field(ge=0)
    """Pairs that were looked at and could be used."""
    pairs_sha256: Sha256
    """SHA-256 over the sorted ids of those, one a line."""
    optimizer: Optimizer
    """What found them in the end."""
    fallback: str | None = None
    """Why it was not the optimizer that was asked for."""
    candidates: int = Field(ge=0)
    invalid: int = Field(ge=0)
    """Candidates that fold, or show more border than is allowed; none of them is ever chosen."""
    base: CoefficientPair
    """What the search started from."""
    primary: CoefficientPair | None
    """Least loss, or with ``gn`` least distance; None where there is none or no pair could be looked at."""
    primary_loss: float | None
    base_loss: float | None
    """None where the base is not valid."""
    safe: CoefficientPair | None
    """Least risk under the legacy definition; None under profile ``mae``, which knows no edges. With ``gn``
    it stands for the group's median curve."""
    safe_risk: float | None
    primary_px: float | None = None
    """RMS distance from the nearest curve that pairs taught; None but for ``gn``, as is the next."""
    safe_px: float | None = None
    """The same from the group's safe curve."""
    left_out: tuple[LeftOutPair, ...] = ()
    seconds: float = Field(ge=0.0)


class BuildManifest(Record):
    """How a table was made; it goes with the table and is no part of it."""

    method: str
    """Method that loads the table."""
    table: str
    table_digest: Sha256
    options: PairSearchOptions | TableBuildOptions
    found: dict[str, FoundCoefficients]
    """By size such as ``2048x1367``, by bucket, or under ``all``."""

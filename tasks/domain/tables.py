"""The coefficient tables: their schema, the shipped ones, and how a user's own is read and judged.

A table says which coefficients a size or a bucket gets; which of its rows applies is decided in
``routing`` and in the methods. Nothing here touches the file system but the package's own data.
"""

import datetime
import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError

from gpu.coordinates import ImageSize
from tasks.domain.buckets import BUCKETS, NOMINAL_SIZE, Bucket
from tasks.domain.coefficients import CoefficientPair, usable_warp
from tasks.domain.errors import UnusableWarpError
from tasks.domain.schemas import Border, Interpolation, Record
from tasks.domain.strict_json import Path, Problem, parse_record

_DIMENSION = re.compile(r"[1-9][0-9]{0,4}x[1-9][0-9]{0,4}")


def _dimension(key: str) -> str:
    if not _DIMENSION.fullmatch(key):
        raise ValueError("a size in pixels such as 2048x1367 was expected")
    return key


Dimension = Annotated[str, AfterValidator(_dimension)]
"""Exact size in pixels as stored, such as ``2048x1367``."""


SchemaVersion = Annotated[int, Field(ge=1, le=1)]
"""The only layout of tables so far; not ``Literal[1]``, which ``true`` would pass."""


class Defaults(Record):
    """What applies where neither an option of the run nor a row says otherwise."""

    interpolation: Interpolation = "cubic"
    """Cubic, because bilinear cost 4 to 12 points of the judge's score on rendered listings."""
    border: Border = "reflect"
    """At alpha 0 the map leaves the photo by 1e-4 px at most over the shipped rows, so no border is ever
    seen; reflecting it keeps the resampling kernel's outermost taps from darkening the edge as black would.
    A table with alpha above 0 should say ``constant``: there a reflection would show."""
    alpha: float = Field(default=0.0, ge=0.0, le=1.0)
    """For pairs that give none of their own."""


class TableHeader(Record):
    """What every table begins with: what it is and where its numbers come from."""

    schema_version: SchemaVersion
    name: str = Field(min_length=1, max_length=120)
    source: str = Field(min_length=1)
    """Where the numbers come from, in words."""
    date: datetime.date | None = None
    """Day the numbers are from."""
    defaults: Defaults = Defaults()


def _lack_of_buckets(rows: Collection[str]) -> str | None:
    missing = ", ".join(bucket for bucket in BUCKETS if bucket not in rows)
    return f"an entry for each bucket was expected, null for none; missing: {missing}" if missing else None


def _all_buckets(rows: Mapping[Bucket, object]) -> Mapping[Bucket, object]:
    lack = _lack_of_buckets(rows)
    if lack:
        raise ValueError(lack)
    return rows


class ParentRow(Record):
    """Coefficients for the photos of a bucket whose exact size has no row of its own."""

    primary: CoefficientPair
    """Least loss on pairs."""
    safe: CoefficientPair
    """Least risk on pairs."""


class DimensionRow(ParentRow):
    """Coefficients for the photos of one exact size, and the evidence behind them."""

    support: int = Field(ge=0)
    """Training pairs of this size."""
    interpolation: Interpolation | None = None
    border: Border | None = None
    last_zero_rate: float | None = Field(default=None, ge=0.0, le=1.0)
    """Share of this size's photos that scored zero when last scored; None: not known."""
    test_photos: int | None = Field(default=None, ge=0)
    """Photos of this size in the test set; None: not known."""


class CorrectionTable(TableHeader):
    """Coefficients by exact size with a parent row for each bucket (CalibGuard-Dim)."""

    dimensions: Mapping[Dimension, DimensionRow]
    parents: Annotated[Mapping[Bucket, ParentRow | None], AfterValidator(_all_buckets)]
    """All seven; null says on purpose that a bucket has none and takes the global fallback."""
    global_fallback: CoefficientPair


class BucketTable(TableHeader):
    """One coefficient pair for each bucket."""

    buckets: Annotated[Mapping[Bucket, CoefficientPair | None], AfterValidator(_all_buckets)]
    """All seven; null says on purpose that a bucket has none and takes the fallback."""
    fallback: CoefficientPair


class GlobalTable(TableHeader):
    """One coefficient pair for all photos."""

    pair: CoefficientPair


def load_table(text: str | bytes, *, source: str) -> CorrectionTable:
    """Read a CalibGuard-Dim table from JSON.

    Raises:
        DocumentError: All problems at once, those of curves that fold over their own frame included.
    """
    return parse_record(text, CorrectionTable, source=source, further_problems=_correction_table_problems)


def load_bucket_table(text: str | bytes, *, source: str) -> BucketTable:
    """Read a seven-bucket table from JSON; raises like ``load_table``."""
    return parse_record(text, BucketTable, source=source, further_problems=bucket_table_problems)


def load_global_table(text: str | bytes, *, source: str) -> GlobalTable:
    """Read a table of one pair from JSON; raises like ``load_table``."""
    return parse_record(text, GlobalTable, source=source, further_problems=_global_table_problems)


@cache
def shipped_correction_table() -> CorrectionTable:
    """Give the CalibGuard-Dim table that comes with the product."""
    return load_table(shipped_text("calibguard_dim.json"), source="calibguard_dim.json")


@cache
def shipped_bucket_table() -> BucketTable:
    """Give the tuned seven-bucket table that comes with the product."""
    return load_bucket_table(shipped_text("dim_bucket_tuned.json"), source="dim_bucket_tuned.json")


@cache
def shipped_global_table() -> GlobalTable:
    """Give the seed pair that comes with the product."""
    return load_global_table(shipped_text("global_grid_seed.json"), source="global_grid_seed.json")


def shipped_text(name: str) -> bytes:
    """Read a data file of this package."""
    return files("tasks.domain").joinpath("data", name).read_bytes()


def table_digest(table: Record) -> str:
    """SHA-256 of a table's canonical JSON: the same whatever its file's layout and order of keys."""
    return hashlib.sha256(canonical_json(table)).hexdigest()


def canonical_json(table: Record) -> bytes:
    """Write a table with sorted keys and without spaces; what is written can be loaded again."""
    text = json.dumps(
        table.model_dump(mode="json"),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )
    return text.encode()


def bucket_table_problems(document: object) -> Iterator[Problem]:
    """Find missing buckets and folding pairs in a parsed bucket table that need not be valid otherwise."""
    alpha = alpha_of(document)
    yield from _missing_buckets(document, "buckets")
    for bucket, size in NOMINAL_SIZE.items():
        yield from folding(document, ("buckets", bucket), size=size, alpha=alpha)
    yield from folding(document, ("fallback",), size=NOMINAL_SIZE["standard"], alpha=alpha)


def _correction_table_problems(document: object) -> Iterator[Problem]:
    alpha = alpha_of(document)
    yield from _missing_buckets(document, "parents")
    frames = [(("dimensions", key), size) for key, size in _sizes(member(document, "dimensions"))]
    frames += [(("parents", bucket), size) for bucket, size in NOMINAL_SIZE.items()]
    for (section, key), size in frames:
        for column in ("primary", "safe"):
            yield from folding(document, (section, key, column), size=size, alpha=alpha)
    yield from folding(document, ("global_fallback",), size=NOMINAL_SIZE["standard"], alpha=alpha)


def _global_table_problems(document: object) -> Iterator[Problem]:
    yield from folding(document, ("pair",), size=NOMINAL_SIZE["standard"], alpha=alpha_of(document))


def _missing_buckets(document: object, section: str) -> Iterator[Problem]:
    rows = member(document, section)
    lack = _lack_of_buckets(rows) if isinstance(rows, dict) else None
    if lack:
        yield (section,), lack


def folding(document: object, path: Path, *, size: ImageSize, alpha: float) -> Iterator[Problem]:
    """Judge the pair at a path; anything there that is no pair is left to the schema."""
    node = document
    for step in path:
        node = member(node, step)
    try:
        usable_warp(CoefficientPair.model_validate(node, strict=True), alpha=alpha, size=size)
    except UnusableWarpError as error:
        yield path, str(error)
    except ValidationError:
        return


def _sizes(dimensions: object) -> Iterator[tuple[str, ImageSize]]:
    for key in dimensions if isinstance(dimensions, dict) else ():
        if _DIMENSION.fullmatch(key):
            width, height = map(int, key.split("x"))
            yield key, ImageSize(width, height)


def alpha_of(document: object) -> float:
    """Read the default alpha of a parsed table that need not be valid; 0 where it has none."""
    try:
        return Defaults.model_validate(member(document, "defaults"), strict=True).alpha
    except ValidationError:
        return Defaults().alpha


def member(node: object, key: str | int) -> object:
    """Look a key or an index up in parsed JSON that need not be a container; None where there is nothing."""
    if isinstance(node, list):
        return node[key] if isinstance(key, int) and key < len(node) else None
    return node.get(key) if isinstance(node, dict) else None

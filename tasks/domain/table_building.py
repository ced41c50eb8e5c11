"""What the building of one table is asked for and leaves: a candidate table with its build manifest."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import ValidationError

from tasks.domain.errors import DomainError
from tasks.domain.schemas import MethodChoice, Provenance, QuarantinedPhoto, Record
from tasks.domain.search_schemas import BuildManifest, PairSearchOptions, TableBuildOptions

_OPTIONS: Final[Mapping[str, type[PairSearchOptions] | type[TableBuildOptions]]] = MappingProxyType(
    {
        "global_grid": PairSearchOptions,
        "dim_bucket_microgrid": PairSearchOptions,
        "calibguard_dim": TableBuildOptions,
    }
)


class CannotBeBuilt(DomainError):
    """No table is built for the method, or not with these options."""


class BuildRequest(MethodChoice):
    """What the user asked for; ``table`` is the one that the build starts from."""

    pairs_folder: str
    options: PairSearchOptions | TableBuildOptions


class BuiltTable(Record):
    """A finished build; written last, never changed, and never promoted by itself."""

    name: str
    """``candidate_<YYYYMMDD_HHMMSS>``, which ``-p table=`` takes."""
    created: str
    """ISO 8601 in UTC."""
    request: BuildRequest
    provenance: Provenance
    pairs: int
    """Usable pairs in the folder."""
    quarantined: tuple[QuarantinedPhoto, ...]
    """Files that make no pair."""
    manifest: BuildManifest


def build_request(
    method: str, *, pairs_folder: str, base: str | None, asked: Mapping[str, object]
) -> BuildRequest:
    """Make a request; options that are None are left to the method's own defaults.

    Raises:
        CannotBeBuilt: No table is built for the method, it has no such option or choice, or no size could get
            a row.
    """
    return BuildRequest(
        method=method,
        variant=None,
        table=base,
        interpolation=None,
        border=None,
        pairs_folder=pairs_folder,
        options=_options(method, asked),
    )


def _options(method: str, asked: Mapping[str, object]) -> PairSearchOptions | TableBuildOptions:
    kind = _OPTIONS.get(method)
    if kind is None:
        raise CannotBeBuilt(f"no table is built for method {method!r}; there are {', '.join(_OPTIONS)}")
    given = {name: value for name, value in asked.items() if value is not None}
    if unknown := sorted(given.keys() - kind.model_fields.keys()):
        raise CannotBeBuilt(f"a build for {method} has no option {', '.join(unknown)}; leave it out")
    try:
        options = kind.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise CannotBeBuilt(f"{place} of a build for {method}: {first['msg']}") from error
    _check_rows(options)
    return options


def _check_rows(options: PairSearchOptions | TableBuildOptions) -> None:
    """Refuse samples in which no size finds the support that ``gn`` counts on the sample itself."""
    if not isinstance(options, TableBuildOptions) or options.optimizer != "gn":
        return
    if options.sample_per_dim < options.min_dim_support:
        raise CannotBeBuilt(
            f"a sample_per_dim of {options.sample_per_dim} pairs leaves every size below the min_dim_support "
            f"of {options.min_dim_support} that a row needs with gn; raise the one or lower the other"
        )

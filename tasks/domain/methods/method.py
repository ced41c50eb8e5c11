"""What a method of correction is: one record that every file of this package binds to ``METHOD``.

A method chooses a warp for each photo from what is known without its pixels; rendering the warp is for
``gpu``. One that must look at pixels says so with an ``Observer``: photos are then observed in worker
processes before they are routed, and routing stays pure. A new method is one new file here: ``registry``
finds it, and flows and commands offer it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from gpu.coordinates import ImageSize
from tasks.domain.errors import UnknownVariantError
from tasks.domain.observations import Listing, Observation, observation_on
from tasks.domain.schemas import (
    Border,
    IdentityWarp,
    Interpolation,
    LegacyWarp,
    PhotoRef,
    Record,
    RoutedPhoto,
)
from tasks.domain.tables import Defaults

T = TypeVar("T", bound=Record)
CoefficientSource = Literal["searched", "loaded", "run", "shipped", "fallback"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteOptions:
    """What a run may choose about its method; None leaves the choice to the method or its table."""

    variant: str | None = None
    """Profile or policy."""
    table: Record | None = None
    """Coefficients instead of the shipped ones, as the method's ``load_table`` gives them."""
    table_origin: Literal["searched", "loaded", "run"] = "loaded"
    """Whether ``table`` was found by a search in this run, read from a file, or applied by an earlier run."""
    interpolation: Interpolation | None = None
    border: Border | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """What a method that looks at photos asks of each, and what it makes of the answer."""

    job: Callable[[bytes, RouteOptions], Any]
    """What to look at in the photo of these bytes."""
    look: Callable[[Any], Any]
    """Takes the job and runs in a worker process, so it is a function of a module of ``gpu``."""
    record: Callable[[str, Any], Observation]
    """Writes down what was seen on the photo of this id."""
    route: Callable[[PhotoRef, RouteOptions, Listing], RoutedPhoto]
    """Warp for one photo of a listing, itself observed; raises as ``Method.route`` does."""


class TableLoader(Protocol):
    """Reads a method's coefficients from JSON."""

    def __call__(self, text: str | bytes, *, source: str) -> Record:
        """Raise ``DocumentError`` with all problems of the document called ``source``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A method of correction, selectable by name."""

    name: str
    family: str
    """First part of the names of its submissions."""
    summary: str
    """One sentence for people who choose among methods."""
    variants: tuple[str, ...]
    """Its profiles or shipped policies, the default first."""
    load_table: TableLoader
    table: Callable[[RouteOptions], Record]
    """Coefficients in force under these options, for the digest in the manifest."""
    variant: Callable[[RouteOptions], str]
    """Profile or policy in force under these options, by its canonical name."""
    route: Callable[[PhotoRef, RouteOptions], RoutedPhoto]
    """Warp for one photo. Raises ``UnusableWarpError`` where the coefficients do not suit its size, and
    ``UnknownVariantError``."""
    observer: Observer | None = None
    """None for a method that needs no pixels; with one, ``route`` serves photos that were not observed."""

    def choose(self, photo: PhotoRef, options: RouteOptions, listing: Listing) -> RoutedPhoto:
        """Route a photo by what was observed on it and on others of its listing; else as ``route`` does."""
        if self.observer is None or observation_on(photo.id, listing) is None:
            return self.route(photo, options)
        return self.observer.route(photo, options, listing)

    def options(
        self,
        *,
        variant: str | None = None,
        document: str | bytes | None = None,
        source: str = "table file",
        interpolation: Interpolation | None = None,
        border: Border | None = None,
    ) -> RouteOptions:
        """Read what a run chose, so that a mistake in it is told before any photo is routed.

        Args:
            variant: Profile or policy; None for the default.
            document: JSON text of the user's own coefficients; None for the shipped ones.
            source: What to call the document in errors, such as its path.
            interpolation: None leaves it to the table.
            border: None leaves it to the table.

        Raises:
            DocumentError: The document has problems.
            UnknownVariantError: The method, or the document, has no such variant.
        """
        options = RouteOptions(
            variant=variant,
            table=None if document is None else self.load_table(document, source=source),
            interpolation=interpolation,
            border=border,
        )
        self.variant(options)
        return options


def chosen_variant(options: RouteOptions, variants: Sequence[str], *, method: str) -> str:
    """Give the variant asked for, or else the first.

    Raises:
        UnknownVariantError: The method has no such variant.
    """
    if options.variant is None:
        return variants[0]
    if options.variant not in variants:
        known = ", ".join(variants)
        raise UnknownVariantError(f"method {method} has no variant {options.variant!r}; it has {known}")
    return options.variant


def chosen_table(options: RouteOptions, kind: type[T], *, shipped: Callable[[], T], method: str) -> T:
    """Give the table of the run, or else the shipped one; a table of another kind is a ``TypeError``."""
    if options.table is None:
        return shipped()
    if not isinstance(options.table, kind):
        raise TypeError(f"method {method} reads a {kind.__name__}, got a {type(options.table).__name__}")
    return options.table


def origin(options: RouteOptions) -> CoefficientSource:
    """Tell where coefficients that are no fallback came from."""
    return "shipped" if options.table is None else options.table_origin


def size_of(photo: PhotoRef) -> ImageSize:
    """Give a photo's size in pixels as stored."""
    return ImageSize(photo.width, photo.height)


def routed(
    photo: PhotoRef,
    warp: IdentityWarp | LegacyWarp,
    *,
    options: RouteOptions,
    defaults: Defaults,
    route: str,
    reason: str,
    source: CoefficientSource,
    objective: float | None = None,
) -> RoutedPhoto:
    """Record a choice whose interpolation and border are the run's option or else the table's default."""
    return RoutedPhoto(
        photo=photo,
        warp=warp,
        route=route,
        reason=reason,
        coefficient_source=source,
        interpolation=options.interpolation or defaults.interpolation,
        border=options.border or defaults.border,
        objective=objective,
    )

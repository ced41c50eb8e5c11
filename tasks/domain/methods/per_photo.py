"""What the methods that choose per photo have in common: their tables, and how an observation is routed.

A table holds candidates: those that are chosen among, or those that a search on the photo starts from. A
photo that could not be observed takes the table's fallback.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

from pydantic import Field

from gpu.search.candidate import Candidate
from gpu.search.per_photo import Choice, ChoiceJob
from tasks.domain.buckets import NOMINAL_SIZE
from tasks.domain.coefficients import CoefficientPair, usable_warp
from tasks.domain.methods.method import (
    Method,
    Observer,
    RouteOptions,
    chosen_table,
    chosen_variant,
    origin,
    routed,
    size_of,
)
from tasks.domain.observations import Listing, Observation, PhotoChoice, observation_on
from tasks.domain.schemas import PhotoRef, RoutedPhoto
from tasks.domain.searched_tables import pair_of
from tasks.domain.strict_json import Problem, parse_record
from tasks.domain.tables import TableHeader, alpha_of, folding, member, shipped_text

_MOST_CANDIDATES: Final = 64  # each is one more look at every photo


class CandidateTable(TableHeader):
    """Pairs to choose among, or to start from, for each photo anew."""

    candidates: tuple[CoefficientPair, ...] = Field(min_length=1, max_length=_MOST_CANDIDATES)
    fallback: CoefficientPair
    """For a photo that could not be looked at."""


def load_candidates(text: str | bytes, *, source: str) -> CandidateTable:
    """Read a table of candidates from JSON; raises ``DocumentError`` with all problems."""
    return parse_record(text, CandidateTable, source=source, further_problems=_candidate_problems)


def per_photo_method(
    name: str, summary: str, *, variant: str, choose: Callable[[ChoiceJob], Choice | None], by: str
) -> Method:
    """Make a method that chooses per photo; its shipped table is ``data/{name}.json``.

    Args:
        name: Also the family of its submissions.
        summary: One sentence.
        variant: The only one it has.
        choose: Function of ``gpu`` that looks at one photo.
        by: What is made small, for the reasons.
    """

    @cache
    def shipped() -> CandidateTable:
        return load_candidates(shipped_text(f"{name}.json"), source=f"{name}.json")

    def table(options: RouteOptions) -> CandidateTable:
        return chosen_table(options, CandidateTable, shipped=shipped, method=name)

    def chosen(options: RouteOptions) -> str:
        return chosen_variant(options, (variant,), method=name)

    def job(photo: bytes, options: RouteOptions) -> ChoiceJob:
        return _job(photo, table(options), options)

    def route(photo: PhotoRef, options: RouteOptions) -> RoutedPhoto:
        chosen(options)
        return _fallback(photo, table(options), options, why="it was not looked at")

    def route_observed(photo: PhotoRef, options: RouteOptions, listing: Listing) -> RoutedPhoto:
        observation = observation_on(photo.id, listing)
        if observation is None:
            return route(photo, options)
        chosen(options)
        if observation.choice is None:
            return _fallback(photo, table(options), options, why=observation.problem)
        return _chosen(photo, table(options), options, observation.choice, by=by)

    return Method(
        name=name,
        family=name,
        summary=summary,
        variants=(variant,),
        load_table=load_candidates,
        table=table,
        variant=chosen,
        route=route,
        observer=Observer(job=job, look=choose, record=_recorded, route=route_observed),
    )


def _job(photo: bytes, table: CandidateTable, options: RouteOptions) -> ChoiceJob:
    alpha = table.defaults.alpha
    return ChoiceJob(
        photo=photo,
        candidates=tuple(
            Candidate(pair.k1, pair.k2, alpha if pair.alpha is None else pair.alpha)
            for pair in table.candidates
        ),
        interpolation=options.interpolation or table.defaults.interpolation,
        border=options.border or table.defaults.border,
    )


def _recorded(photo_id: str, choice: Choice | None) -> Observation:
    if choice is None:
        return Observation(photo_id=photo_id, problem="no candidate is valid at its size")
    return Observation(
        photo_id=photo_id,
        choice=PhotoChoice(
            pair=pair_of(choice.candidate),
            objective=choice.objective,
            untouched=choice.untouched,
            looks=choice.looks,
        ),
    )


def _chosen(
    photo: PhotoRef, table: CandidateTable, options: RouteOptions, choice: PhotoChoice, *, by: str
) -> RoutedPhoto:
    pair = choice.pair
    listed = any((pair.k1, pair.k2) == (each.k1, each.k2) for each in table.candidates)
    return routed(
        photo,
        usable_warp(pair, alpha=0.0, size=size_of(photo)),
        options=options,
        defaults=table.defaults,
        route="photo_choice",
        reason=(
            f"of {choice.looks} pairs tried on the photo, {pair} has the least {by}: "
            f"{choice.objective:.6g}, {choice.untouched:.6g} untouched"
        ),
        source=origin(options) if listed else "searched",
        objective=choice.objective,
    )


def _fallback(photo: PhotoRef, table: CandidateTable, options: RouteOptions, *, why: str) -> RoutedPhoto:
    return routed(
        photo,
        usable_warp(table.fallback, alpha=table.defaults.alpha, size=size_of(photo)),
        options=options,
        defaults=table.defaults,
        route="global_fallback",
        reason=f"the photo takes the fallback {table.fallback} of table {table.name}: {why}",
        source="fallback",
    )


def _candidate_problems(document: object) -> Iterator[Problem]:
    alpha, size = alpha_of(document), NOMINAL_SIZE["standard"]
    yield from folding(document, ("fallback",), size=size, alpha=alpha)
    candidates = member(document, "candidates")
    for index, _ in enumerate(candidates if isinstance(candidates, list) else ()):
        yield from folding(document, ("candidates", index), size=size, alpha=alpha)

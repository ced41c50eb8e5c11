"""How the coefficients of one row of a table are searched: the rules of the runbook's M1, M5 and M8.

    global pair   coarse lattice > fine lattice round the best
    bucket        micro-grid round the bucket's pair > finer one round the best
    size          lattice round the parent's primary, the parent's and the global pair > narrow one round the
                  best; or differential evolution, which falls back to that lattice when its time is up

A search is given a function that tries candidates and never learns what a pair is. An optimizer that tries
candidates is one entry of ``OPTIMIZERS``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from gpu.search.candidate import Candidate
from gpu.search.evolution import BROAD, CLOSE, TimeIsUp, evolution_search
from gpu.search.grid import (
    GLOBAL_COARSE,
    GLOBAL_FINE,
    MICRO_COARSE,
    MICRO_FINE,
    NARROW,
    WITH_SUPPORT,
    WITHOUT_SUPPORT,
    grid_search,
)
from gpu.search.trial import Evaluate, Trial
from tasks.domain.search_schemas import Optimizer

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class RowSearch:
    """What a size's search starts from.

    Attributes:
        base: The parent's primary.
        global_fallback: Tried as well.
        supported: Whether the size has pairs enough for the wide lattice.
        alphas: Each multiplies the candidates.
    """

    base: Candidate
    global_fallback: Candidate
    supported: bool
    alphas: tuple[float, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class RowTrials:
    """All that was tried for a row, by which optimizer, and why not by the one asked for."""

    trials: Sequence[Trial]
    optimizer: Optimizer
    fallback: str | None = None


def search_global(evaluate: Evaluate, *, alphas: Sequence[float]) -> RowTrials:
    """Search one pair for all photos."""
    coarse = GLOBAL_COARSE.around(Candidate(0.0, 0.0), alphas)
    return RowTrials(grid_search(evaluate, coarse, refinement=GLOBAL_FINE, alphas=alphas), "grid")


def search_bucket(evaluate: Evaluate, *, base: Candidate, alphas: Sequence[float]) -> RowTrials:
    """Search a bucket's pair near the one it has."""
    coarse = MICRO_COARSE.around(base, alphas)
    return RowTrials(grid_search(evaluate, coarse, refinement=MICRO_FINE, alphas=alphas), "grid")


def search_row(evaluate: Evaluate, *, search: RowSearch, optimizer: Optimizer, clock: Clock) -> RowTrials:
    """Search a size's coefficients with the optimizer, or with the grid where it has no time left."""
    try:
        return RowTrials(OPTIMIZERS[optimizer](evaluate, search, clock), optimizer)
    except TimeIsUp as error:
        return RowTrials(_by_grid(evaluate, search, clock), "grid", fallback=str(error))


def _by_grid(evaluate: Evaluate, search: RowSearch, _clock: Clock) -> Sequence[Trial]:
    lattice = WITH_SUPPORT if search.supported else WITHOUT_SUPPORT
    candidates = [
        *lattice.around(search.base, search.alphas),
        *(
            Candidate.rounded(start.k1, start.k2, alpha)
            for start in (search.base, search.global_fallback)
            for alpha in search.alphas
        ),
    ]
    return grid_search(evaluate, candidates, refinement=NARROW, alphas=search.alphas)


def _by_evolution(evaluate: Evaluate, search: RowSearch, clock: Clock) -> Sequence[Trial]:
    evolution = BROAD if search.supported else CLOSE
    return evolution_search(
        evaluate, search.base, evolution, alphas=search.alphas, seed=search.seed, clock=clock
    )


OPTIMIZERS: Final[Mapping[Optimizer, Callable[[Evaluate, RowSearch, Clock], Sequence[Trial]]]] = (
    MappingProxyType({"grid": _by_grid, "de": _by_evolution})
)

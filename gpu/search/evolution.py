"""Differential evolution within bounds round a base, watched by a clock that the caller brings.

The outcome follows from the seed alone, however many processes evaluate a generation. Where the time is up
the search has no result: ``TimeIsUp`` is raised, and nothing of it is used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpu.search.candidate import Candidate
from gpu.search.grid import NARROW, least_loss, refined
from gpu.search.trial import Evaluate, Trial

_AT_ONCE = 8  # candidates between two looks at the clock: 16 s for 300 pairs on two cores, profile legacy


class TimeIsUp(Exception):
    """The time guard ended a search; the message tells the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evolution:
    """How far and how long to search: the runbook's two sets are ``BROAD`` and ``CLOSE``.

    Attributes:
        k1_reach: Bounds of k1 on both sides of the base.
        k2_reach: The same of k2.
        generations: Most generations after the first population.
        individuals: Of a population, for each coefficient that is free.
        limit_s: Seconds after which the time guard ends it.
    """

    k1_reach: float
    k2_reach: float
    generations: int
    individuals: int
    limit_s: float


BROAD = Evolution(k1_reach=0.06, k2_reach=0.12, generations=12, individuals=8, limit_s=60.0)
CLOSE = Evolution(k1_reach=0.02, k2_reach=0.04, generations=8, individuals=6, limit_s=35.0)


def evolution_search(
    evaluate: Evaluate,
    base: Candidate,
    evolution: Evolution,
    *,
    alphas: Sequence[float],
    seed: int,
    clock: Callable[[], float],
) -> list[Trial]:
    """Evolve k1, k2 and alpha, refine the best narrowly, and give all trials.

    Args:
        evaluate: Tries candidates on pairs.
        base: Centre of the bounds, and a member of the first population.
        evolution: Bounds and effort.
        alphas: Their least and greatest bound alpha; a single one fixes it.
        seed: Decides everything.
        clock: Seconds, rising.

    Raises:
        TimeIsUp: Before it was done.
    """
    deadline = clock() + evolution.limit_s
    trials: dict[Candidate, Trial] = {}

    def losses(population: NDArray[np.float64]) -> NDArray[np.float64]:
        members = [Candidate.rounded(*member) for member in _with_alpha(population, alphas).T]
        fresh = [member for member in dict.fromkeys(members) if member not in trials]
        for start in range(0, len(fresh), _AT_ONCE):
            if clock() >= deadline:
                raise TimeIsUp(f"differential evolution was not done within {evolution.limit_s:g} s")
            found = evaluate(fresh[start : start + _AT_ONCE])
            trials.update({trial.candidate: trial for trial in found})
        return np.array([trials[member].loss for member in members])

    _evolve(losses, base, evolution, alphas=alphas, seed=seed)
    best = least_loss(trials.values())
    if best is not None:
        fresh = refined(
            evaluate, best.candidate, trials.values(), refinement=NARROW, alphas=(best.candidate.alpha,)
        )
        trials.update({trial.candidate: trial for trial in fresh})
    return list(trials.values())


def _evolve(
    losses: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    base: Candidate,
    evolution: Evolution,
    *,
    alphas: Sequence[float],
    seed: int,
) -> None:
    from scipy.optimize import differential_evolution  # half a second that only those pay who evolve

    bounds = [
        (base.k1 - evolution.k1_reach, base.k1 + evolution.k1_reach),
        (base.k2 - evolution.k2_reach, base.k2 + evolution.k2_reach),
        (min(alphas), max(alphas)),
    ]
    free = len(bounds) if min(alphas) < max(alphas) else len(bounds) - 1
    start = (base.k1, base.k2, min(alphas))
    differential_evolution(
        losses,
        bounds[:free],
        x0=start[:free],
        maxiter=evolution.generations,
        popsize=evolution.individuals,
        rng=seed,
        updating="deferred",
        vectorized=True,
        polish=False,
    )


def _with_alpha(population: NDArray[np.float64], alphas: Sequence[float]) -> NDArray[np.float64]:
    """Complete members (2 or 3, S) by the one alpha there is."""
    if population.shape[0] == 3:
        return population
    return np.vstack([population, np.full((1, population.shape[1]), alphas[0])])

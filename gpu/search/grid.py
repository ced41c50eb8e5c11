"""Searches on a grid: every candidate of a lattice, then a narrower lattice round the best of them.

The lattices are the runbook's. That those of the table build are right can be checked: every row of the
user's table that they made lies on them (``tests/gpu/search/test_grid.py``). The steps of the global search
and of the micro-grid are ours, since the runbook names none.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gpu.search.candidate import Candidate
from gpu.search.trial import Evaluate, Trial


@dataclass(frozen=True, slots=True)
class Lattice:
    """Steps of k1 and of k2, every one with every other, from some base or from 0."""

    k1: tuple[float, ...]
    k2: tuple[float, ...]

    def around(self, base: Candidate, alphas: Iterable[float]) -> Iterator[Candidate]:
        """Yield the lattice round a base, once for each alpha."""
        for alpha in alphas:
            for k1 in self.k1:
                for k2 in self.k2:
                    yield Candidate.rounded(base.k1 + k1, base.k2 + k2, alpha)


WITH_SUPPORT = Lattice(
    k1=(-0.03, -0.02, -0.01, 0.0, 0.01, 0.02, 0.03), k2=(-0.06, -0.04, -0.02, 0.0, 0.02, 0.04, 0.06)
)
WITHOUT_SUPPORT = Lattice(k1=(-0.01, -0.005, 0.0, 0.005, 0.01), k2=(-0.02, -0.01, 0.0, 0.01, 0.02))
NARROW = WITHOUT_SUPPORT
"""Refines a table row; from (-0.20, 0.41) it reaches the user's (-0.205, 0.42) and (-0.21, 0.43)."""

GLOBAL_COARSE = Lattice(
    k1=(-0.30, -0.25, -0.20, -0.15, -0.10, -0.05, 0.0), k2=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
)
GLOBAL_FINE = Lattice(k1=(-0.02, -0.01, 0.0, 0.01, 0.02), k2=(-0.04, -0.02, 0.0, 0.02, 0.04))

MICRO_COARSE = WITHOUT_SUPPORT
MICRO_FINE = Lattice(k1=(-0.002, -0.001, 0.0, 0.001, 0.002), k2=(-0.004, -0.002, 0.0, 0.002, 0.004))


def grid_search(
    evaluate: Evaluate, candidates: Iterable[Candidate], *, refinement: Lattice, alphas: Sequence[float]
) -> list[Trial]:
    """Try the candidates, then the refinement round the one of least loss; give all trials.

    Args:
        evaluate: Tries candidates on pairs.
        candidates: First round; repeated ones are tried once.
        refinement: Steps of the second round; left out where no candidate of the first is valid.
        alphas: Those that multiply the refinement.
    """
    first = list(evaluate(list(dict.fromkeys(candidates))))
    best = least_loss(first)
    if best is None:
        return first
    return first + refined(evaluate, best.candidate, first, refinement=refinement, alphas=alphas)


def refined(
    evaluate: Evaluate,
    centre: Candidate,
    known: Iterable[Trial],
    *,
    refinement: Lattice,
    alphas: Iterable[float],
) -> list[Trial]:
    """Try the refinement round a candidate, but for what is known already."""
    before = {trial.candidate for trial in known}
    fresh = dict.fromkeys(found for found in refinement.around(centre, alphas) if found not in before)
    return list(evaluate(list(fresh)))


def least_loss(trials: Iterable[Trial]) -> Trial | None:
    """Give the valid trial of least loss; among equals that of the weaker warp, None where none is valid."""
    valid = [trial for trial in trials if trial.valid]
    return min(valid, key=lambda trial: (trial.loss, trial.warp, trial.candidate), default=None)


def least_risk(trials: Iterable[Trial]) -> Trial | None:
    """Give the valid trial of least legacy risk; among equals that of less loss, None where none is known."""
    valid = [trial for trial in trials if trial.valid and trial.risk is not None]
    return min(valid, key=lambda trial: (trial.risk, trial.loss, trial.candidate), default=None)

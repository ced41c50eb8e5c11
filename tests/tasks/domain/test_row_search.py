from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import pytest

from gpu.search.candidate import Candidate
from gpu.search.grid import least_loss
from gpu.search.trial import Trial
from tasks.domain.row_search import RowSearch, search_bucket, search_global, search_row

BASE, GLOBAL = Candidate(-0.08, 0.15), Candidate(-0.17, 0.35)
WIDE = RowSearch(base=BASE, global_fallback=GLOBAL, supported=True, alphas=(0.0,), seed=42)


class Bowl:
    """Losses with their bottom at a pair; remembers what was tried."""

    def __init__(self, k1: float, k2: float) -> None:
        self.bottom = (k1, k2)
        self.tried: list[Candidate] = []

    def __call__(self, candidates: Sequence[Candidate]) -> list[Trial]:
        self.tried += candidates
        return [self._trial(candidate) for candidate in candidates]

    def _trial(self, candidate: Candidate) -> Trial:
        loss = 100 * (candidate.k1 - self.bottom[0]) ** 2 + 25 * (candidate.k2 - self.bottom[1]) ** 2
        warp = abs(candidate.k1)
        return Trial(candidate, loss=loss + candidate.alpha, risk=warp, border=0.0, warp=warp, valid=True)


def still() -> float:
    return 0.0


def found(trials: Sequence[Trial]) -> Candidate:
    best = least_loss(trials)
    assert best is not None
    return best.candidate


def reach(tried: Sequence[Candidate]) -> tuple[float, float]:
    near = [one for one in tried if abs(one.k1 - BASE.k1) < 0.05]
    return max(one.k1 - BASE.k1 for one in near), max(one.k2 - BASE.k2 for one in near)


def test_a_supported_size_is_searched_widely() -> None:
    bowl = Bowl(BASE.k1, BASE.k2)
    search_row(bowl, search=WIDE, optimizer="grid", clock=still)
    assert reach(bowl.tried) == pytest.approx((0.03, 0.06))


def test_a_size_with_few_pairs_is_searched_closely() -> None:
    bowl = Bowl(BASE.k1, BASE.k2)
    search_row(bowl, search=replace(WIDE, supported=False), optimizer="grid", clock=still)
    assert reach(bowl.tried) == pytest.approx((0.01, 0.02))


def test_the_global_pair_is_tried_and_refined_where_it_is_best() -> None:
    # the user's row of 2048x1364 was found this way: (-0.175, 0.36) is far from its parent's (-0.08, 0.15)
    row = search_row(Bowl(-0.175, 0.36), search=WIDE, optimizer="grid", clock=still)
    assert found(row.trials) == Candidate(-0.175, 0.36)


def test_each_alpha_multiplies_the_candidates() -> None:
    bowl = Bowl(BASE.k1, BASE.k2)
    search_row(bowl, search=replace(WIDE, alphas=(0.0, 0.1)), optimizer="grid", clock=still)
    pairs = {(one.k1, one.k2) for one in bowl.tried}
    assert len(bowl.tried) == 2 * len(pairs)


def test_evolution_is_bound_by_support() -> None:
    wide, close = Bowl(-0.5, 1.0), Bowl(-0.5, 1.0)
    search_row(wide, search=WIDE, optimizer="de", clock=still)
    search_row(close, search=replace(WIDE, supported=False), optimizer="de", clock=still)
    # bounds of 0.06 and 0.02 and then a refinement of 0.01
    assert min(one.k1 for one in wide.tried) >= BASE.k1 - 0.07 - 1e-6
    assert min(one.k1 for one in close.tried) - BASE.k1 + 0.03 + 0.01 > -0.07
    assert min(one.k1 for one in close.tried) >= BASE.k1 - 0.03 - 1e-6


def test_evolution_finds_what_lies_between_the_points_of_the_grid() -> None:
    row = search_row(Bowl(-0.0923, 0.1761), search=WIDE, optimizer="de", clock=still)
    assert (row.optimizer, row.fallback) == ("de", None)
    assert found(row.trials).k1 == pytest.approx(-0.0923, abs=0.003)
    assert found(row.trials).k2 == pytest.approx(0.1761, abs=0.005)


def test_time_that_is_up_falls_back_to_the_grid_and_says_so() -> None:
    seconds = count(0.0, 25.0)
    row = search_row(Bowl(-0.09, 0.17), search=WIDE, optimizer="de", clock=lambda: float(next(seconds)))
    assert (row.optimizer, row.fallback) == ("grid", "differential evolution was not done within 60 s")
    alone = search_row(Bowl(-0.09, 0.17), search=WIDE, optimizer="grid", clock=still)
    assert row.trials == alone.trials


def test_the_global_pair_is_found_to_a_step_of_the_fine_grid() -> None:
    assert found(search_global(Bowl(-0.1703, 0.3512), alphas=(0.0,)).trials) == Candidate(-0.17, 0.36)


def test_a_buckets_pair_is_found_to_a_thousandth() -> None:
    base = Candidate(-0.17, 0.35)
    assert found(search_bucket(Bowl(-0.178, 0.368), base=base, alphas=(0.0,)).trials) == Candidate(
        -0.178, 0.368
    )

from collections.abc import Callable, Sequence

import pytest

from gpu.search.candidate import Candidate
from gpu.search.grid import (
    GLOBAL_COARSE,
    GLOBAL_FINE,
    MICRO_COARSE,
    MICRO_FINE,
    NARROW,
    WITH_SUPPORT,
    WITHOUT_SUPPORT,
    Lattice,
    grid_search,
    least_loss,
    least_risk,
)
from gpu.search.trial import Evaluate, Trial
from tasks.domain.buckets import bucket_of
from tasks.domain.tables import shipped_correction_table

Bowl = Callable[[float, float], Evaluate]
BASE = Candidate(-0.17, 0.35)


def test_the_rows_of_the_users_table_lie_on_the_lattices_that_made_them() -> None:
    table = shipped_correction_table()
    fallback = Candidate(table.global_fallback.k1, table.global_fallback.k2)
    for size, row in table.dimensions.items():
        width, height = map(int, size.split("x"))
        parent = table.parents[bucket_of(width, height)]
        assert parent is not None
        base = Candidate(parent.primary.k1, parent.primary.k2)
        first = {*WITH_SUPPORT.around(base, [0.0]), fallback}
        second = {near for centre in first for near in NARROW.around(centre, [0.0])}
        assert Candidate(row.primary.k1, row.primary.k2) in second
        assert Candidate(row.safe.k1, row.safe.k2) in first | second


@pytest.mark.parametrize(
    ("lattice", "points"),
    [(WITH_SUPPORT, 49), (WITHOUT_SUPPORT, 25), (NARROW, 25), (GLOBAL_COARSE, 49), (MICRO_FINE, 25)],
)
def test_every_alpha_multiplies_a_lattice(lattice: Lattice, points: int) -> None:
    found = list(lattice.around(BASE, [0.0, 0.1, 0.2]))
    assert len(set(found)) == len(found) == 3 * points


@pytest.mark.parametrize(
    ("coarse", "fine"), [(WITH_SUPPORT, NARROW), (GLOBAL_COARSE, GLOBAL_FINE), (MICRO_COARSE, MICRO_FINE)]
)
def test_the_finer_lattice_leaves_no_gap_between_points_of_the_coarser(
    coarse: Lattice, fine: Lattice
) -> None:
    for steps, finer in ((coarse.k1, fine.k1), (coarse.k2, fine.k2)):
        assert max(finer) >= (steps[1] - steps[0]) / 2 - (finer[1] - finer[0]) / 2 - 1e-12


@pytest.mark.parametrize("truth", [(-0.203, 0.417), (-0.144, 0.292), (-0.171, 0.348)])
def test_the_best_is_found_within_half_a_step_of_the_refinement(
    bowl: Bowl, truth: tuple[float, float]
) -> None:
    trials = grid_search(
        bowl(*truth), WITH_SUPPORT.around(BASE, [0.0, 0.1]), refinement=NARROW, alphas=[0.0, 0.1]
    )
    best = least_loss(trials)
    assert best is not None
    assert abs(best.candidate.k1 - truth[0]) <= 0.0025 + 1e-9
    assert abs(best.candidate.k2 - truth[1]) <= 0.005 + 1e-9
    assert best.candidate.alpha == 0.0


def test_no_candidate_is_tried_twice(bowl: Bowl) -> None:
    asked: list[Candidate] = []

    def counted(candidates: Sequence[Candidate]) -> Sequence[Trial]:
        asked.extend(candidates)
        return bowl(-0.17, 0.35)(candidates)

    grid_search(counted, [BASE, *WITH_SUPPORT.around(BASE, [0.0])], refinement=NARROW, alphas=[0.0])
    assert len(asked) == len(set(asked)) > 49


def test_nothing_is_refined_where_no_candidate_is_valid(bowl: Bowl) -> None:
    shown = Candidate(-0.2, 0.0, 1.0)
    trials = grid_search(bowl(-0.2, 0.0), [shown], refinement=NARROW, alphas=[1.0])
    assert [trial.candidate for trial in trials] == [shown]
    assert least_loss(trials) is None
    assert least_risk(trials) is None


def test_a_candidate_with_border_is_never_chosen_whatever_its_loss(bowl: Bowl) -> None:
    candidates = [Candidate(-0.2, 0.0, 1.0), Candidate(-0.1, 0.2)]
    trials = bowl(-0.2, 0.0)(candidates)
    for choose in (least_loss, least_risk):
        chosen = choose(trials)
        assert chosen is not None
        assert chosen.candidate == candidates[1]


def test_equal_losses_go_to_the_weaker_warp() -> None:
    trials = [
        Trial(Candidate(k1, 0.0), loss=0.5, risk=0.5, border=0.0, warp=abs(k1), valid=True)
        for k1 in (-0.02, 0.01, 0.02)
    ]
    best = least_loss(trials)
    assert best is trials[1]

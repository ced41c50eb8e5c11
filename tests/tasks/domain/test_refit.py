from datetime import UTC, datetime

import pytest

from tasks.domain.naming import listing_of
from tasks.domain.pairs import TrainingPair
from tasks.domain.refit import CANDIDATE_NAME, candidate_name, split_listings

PAIRS = tuple(
    TrainingPair(id=f"home{home:03d}_g{n}", width=8, height=8) for home in range(200) for n in "123"
)


def listings(pairs: tuple[TrainingPair, ...]) -> set[str]:
    return {listing_of(pair.id) for pair in pairs}


def test_no_listing_is_divided_and_no_pair_is_lost() -> None:
    learn, held = split_listings(PAIRS, held_out=0.2, seed=1)
    assert listings(learn) & listings(held) == set()
    assert sorted((*learn, *held), key=lambda pair: pair.id) == sorted(PAIRS, key=lambda pair: pair.id)
    assert 20 <= len(listings(held)) <= 60  # of 200, the share asked for is 40


def test_a_folder_that_grows_moves_no_listing_and_another_seed_does() -> None:
    small = split_listings(PAIRS[:300], held_out=0.2, seed=1)[1]
    assert listings(small) <= listings(split_listings(PAIRS, held_out=0.2, seed=1)[1])
    assert listings(split_listings(PAIRS, held_out=0.2, seed=2)[1]) != listings(
        split_listings(PAIRS, held_out=0.2, seed=1)[1]
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_held_out_where_nothing_is_asked_for(seed: int) -> None:
    assert split_listings(PAIRS, held_out=0.0, seed=seed) == (PAIRS, ())


def test_a_candidate_has_a_name_that_tables_are_asked_for_by() -> None:
    name = candidate_name(datetime(2026, 11, 28, 2, tzinfo=UTC))
    assert name == "candidate_20261128_020000"
    assert CANDIDATE_NAME.fullmatch(name)

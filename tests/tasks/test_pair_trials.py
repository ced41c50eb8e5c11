from pathlib import Path

import pytest

from gpu.coordinates import ImageSize
from gpu.search.candidate import Candidate
from gpu.search.pair import reduced_pair
from tasks.domain.search_schemas import PairSearchOptions
from tasks.pair_trials import evaluator, pair_reader
from tasks.pairs import pairs_in
from tasks.photo_workers import PhotoWorkers
from tests.pairs import fill_pairs, pair_files


@pytest.mark.parametrize(
    ("nominal", "valid"), [(ImageSize(2048, 1367), True), (ImageSize(1152, 2048), False)]
)
def test_a_candidate_must_also_be_valid_at_the_nominal_size(
    workers: PhotoWorkers, nominal: ImageSize, valid: bool
) -> None:
    pairs = [reduced_pair(pair_files(-0.17, 0.35))]
    # k1 -0.4 folds at 0.91 widths: past a landscape photo's corner at 0.6, before a slim portrait's at 1.02
    (trial,) = evaluator(pairs, PairSearchOptions(), workers, also=nominal)([Candidate(-0.4, 0.0)])
    assert trial.valid is valid


def test_trials_come_in_the_order_of_the_candidates_invalid_ones_among_them(workers: PhotoWorkers) -> None:
    candidates = [Candidate(-0.1, 0.2), Candidate(-3.0, 0.0), Candidate(-0.17, 0.35)]
    pairs = [reduced_pair(pair_files(-0.17, 0.35))]
    trials = evaluator(pairs, PairSearchOptions(), workers, also=ImageSize(2048, 1367))(candidates)
    assert [trial.candidate for trial in trials] == candidates
    assert [trial.valid for trial in trials] == [True, False, True]
    assert trials[2].loss < trials[0].loss


def test_pairs_of_a_folder_are_read_original_first(tmp_path: Path) -> None:
    folder = fill_pairs(tmp_path, ["home_g1"])
    (pair,) = pairs_in(folder).pairs
    files = pair_reader(folder)(pair)
    assert files == tuple((folder / f"home_g1_{part}.jpg").read_bytes() for part in ("original", "generated"))

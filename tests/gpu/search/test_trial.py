from math import isnan

import pytest

from gpu.search.candidate import Candidate, geometry
from gpu.search.pair import ReducedPair, reduced_pair
from gpu.search.profile import Distances, ProfileName
from gpu.search.trial import TrialJob, invalid_trial, pair_distances, valid_trial
from tests.pairs import pair_files

TRUTH = Candidate(-0.18, 0.37)


@pytest.fixture(scope="module")
def pair() -> ReducedPair:
    return reduced_pair(pair_files(TRUTH.k1, TRUTH.k2, seed=3))


def job(pair: ReducedPair, *candidates: Candidate, profile: ProfileName = "legacy") -> TrialJob:
    return TrialJob(pair, candidates, profile, "cubic", "reflect")


@pytest.mark.parametrize("profile", ["mae", "legacy", "competition_lite"])
def test_the_true_warp_is_nearer_than_a_weaker_and_a_stronger_one(
    pair: ReducedPair, profile: ProfileName
) -> None:
    candidates = (Candidate(-0.12, 0.25), TRUTH, Candidate(-0.24, 0.49), Candidate(0.0, 0.0))
    found = pair_distances(job(pair, *candidates, profile=profile))
    losses = [each.loss(profile, warp=0.0) for each in found]
    assert min(losses) == losses[1]


def test_a_candidate_is_tried_the_same_alone_and_in_company(pair: ReducedPair) -> None:
    alone = pair_distances(job(pair, TRUTH))
    assert pair_distances(job(pair, Candidate(0.0, 0.0), TRUTH))[1:] == alone


def test_a_folding_candidate_must_be_judged_before(pair: ReducedPair) -> None:
    with pytest.raises(ValueError, match=r"k1=-3.*no map at 1024x683"):
        pair_distances(job(pair, Candidate(-3.0, 0.0)))


def test_border_and_folds_cost_more_than_any_loss(pair: ReducedPair) -> None:
    border = invalid_trial(shown := Candidate(-0.2, 0.0, 1.0), [geometry(shown, pair.size, reduction=4)])
    folded = invalid_trial(Candidate(-3.0, 0.0), [None])
    assert border is not None
    assert folded is not None
    assert (border.valid, folded.valid) == (False, False)
    worst = Distances(1.0, 1.0, 1.0, 2.0, 1.0).loss("legacy", warp=1.0)
    assert worst < border.loss < folded.loss


def test_a_candidate_must_be_valid_at_every_size_among_the_pairs(pair: ReducedPair) -> None:
    sound = geometry(TRUTH, pair.size, reduction=4)
    assert invalid_trial(TRUTH, [sound, sound]) is None
    assert invalid_trial(TRUTH, [sound, None]) is not None


def test_loss_and_risk_are_means_over_the_pairs(pair: ReducedPair) -> None:
    sound = geometry(TRUTH, pair.size, reduction=4)
    assert sound is not None
    found = [Distances(0.2, 0.0, 0.0, 0.0, 0.0), Distances(0.4, 0.2, 0.0, 0.0, 0.0)]
    trial = valid_trial(TRUTH, [sound], found, profile="legacy")
    assert trial.loss == pytest.approx(0.40 * 0.3 + 0.22 * 0.1 + 0.05 * sound.warp)
    assert trial.risk == pytest.approx(0.30 * sound.warp + 0.15 * 0.3)  # no border at alpha 0


def test_the_first_profile_knows_no_risk(pair: ReducedPair) -> None:
    (found,) = pair_distances(job(pair, TRUTH, profile="mae"))
    assert isnan(found.edge)
    sound = geometry(TRUTH, pair.size, reduction=4)
    assert valid_trial(TRUTH, [sound], [found], profile="mae").risk is None

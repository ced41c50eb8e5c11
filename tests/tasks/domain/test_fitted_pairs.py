from gpu.curve_space import distance_px
from gpu.lens_curve import LensCurve
from gpu.pair_fit.fit import fit_pair
from gpu.pair_fit.pooling import pool
from tasks.domain.fitted_pairs import PairFinding, finding_of, pooled_curve
from tests.lens_pairs import PTLENS, SIZE, jpeg, pair, room


def test_a_finding_keeps_what_pooling_needs() -> None:
    fits = [fit_pair(*pair(PTLENS, seed=seed), reduction=1) for seed in (1, 2)]
    findings = [finding_of(fit) for fit in fits]
    kept = [PairFinding.model_validate_json(finding.model_dump_json()) for finding in findings]
    assert kept == findings
    assert distance_px(pooled_curve(kept), pool(fits).curve, SIZE) < 1e-6


def test_the_pool_of_one_pair_is_its_own_curve() -> None:
    finding = finding_of(fit_pair(*pair(PTLENS, seed=1), reduction=1))
    assert distance_px(pooled_curve([finding]), LensCurve(finding.factors), SIZE) < 1e-6


def test_a_pair_that_teaches_no_curve_keeps_its_reason_only() -> None:
    finding = finding_of(fit_pair(jpeg(room(1)), jpeg(room(2)), reduction=1))
    assert (finding.verdict, finding.reason, finding.factors) == ("not_radial", "not_converged", ())
    assert "correlate" in finding.sentence


def test_photos_that_are_alike_say_so() -> None:
    photo = jpeg(room(1))
    assert finding_of(fit_pair(photo, photo, reduction=1)).verdict == "already_identical"

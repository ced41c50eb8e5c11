"""How far lines are to be trusted is asked of listings that the atlas asked about has not seen."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from gpu.lens_curve import LensCurve
from gpu.plumb_line.evidence import line_evidence
from gpu.plumb_line.guards import long_lines
from gpu.plumb_line.looking import LensClues, LensLook
from gpu.plumb_line.prior import CurvePrior
from gpu.plumb_line.shape import EVEN_POWERS, from_lens_curve
from tasks.domain.atlas import LineRule
from tasks.domain.fitted_pairs import FittedPair
from tasks.domain.pairs import TrainingPair
from tasks.line_learning import learned_line_rule
from tasks.photo_workers import PhotoLost, PhotoWorkers
from tests.fitted_pairs import LABEL, lens, listing
from tests.line_observations import SIZE, seen_through


class Workers:
    """Render processes that see the lines of the pair they are given, and keep the prior they were told."""

    processes = 2

    def __init__(self, pairs: list[FittedPair], lost: frozenset[str] = frozenset()) -> None:
        self.curves = {pair.pair.id: LensCurve(pair.finding.factors) for pair in pairs}
        self.lost = lost
        self.asked: dict[str, CurvePrior] = {}

    def run(self, _: Callable[[LensLook], LensClues], job: LensLook) -> LensClues:
        name = job.photo.decode()
        self.asked[name] = job.prior
        if name in self.lost:
            raise PhotoLost("timed_out", "it took too long")
        chains = seen_through(self.curves[name], seed=len(self.asked), count=12)
        return LensClues(None, line_evidence(chains, job.prior), long_lines(chains))


def read(pair: TrainingPair) -> tuple[bytes, bytes]:
    return pair.id.encode(), b""


def pairs_of(listings: int, photos: int) -> list[FittedPair]:
    """Listings of a lens each, none like another."""
    named = ((f"home{number}", lens(-0.01 * number)) for number in range(1, listings + 1))
    return [pair for name, curve in named for pair in listing(name, curve, photos)]


def learned(pairs: list[FittedPair], workers: Workers) -> LineRule:
    return learned_line_rule(pairs, LABEL, read=read, workers=cast("PhotoWorkers", cast("Any", workers)))


def test_no_listing_is_asked_under_a_prior_that_knows_its_lens() -> None:
    pairs = pairs_of(10, 4)
    workers = Workers(pairs)
    assert learned(pairs, workers).photos == 20
    asked = {name.rpartition("_")[0] for name in workers.asked}
    assert len(asked) == 5  # half of them
    for name, prior in workers.asked.items():
        theta, _ = from_lens_curve(workers.curves[name], SIZE, EVEN_POWERS)
        apart = prior.means[prior.narrow] - theta
        nearest = np.sqrt(np.einsum("ki,ij,kj->k", apart, np.linalg.inv(prior.pixel), apart).min())
        assert nearest > 0.5, f"{name} was asked about by heart"  # px


@pytest.mark.parametrize(("lost", "photos"), [(0, 20), (1, 0)])
def test_what_fewer_than_20_photos_say_is_chance(lost: int, photos: int) -> None:
    pairs = pairs_of(10, 4)
    names = sorted(pair.pair.id for pair in pairs)
    probe = Workers(pairs)
    learned(pairs, probe)
    missing = frozenset(name for name in names if name in probe.asked and name.endswith("_g0"))
    workers = Workers(pairs, frozenset(sorted(missing)[:lost]))
    assert learned(pairs, workers).photos == photos


def test_too_few_listings_leave_the_rule_as_it_is_shipped() -> None:
    pairs = pairs_of(3, 4)
    workers = Workers(pairs)
    assert learned(pairs, workers) == LineRule()
    assert workers.asked == {}

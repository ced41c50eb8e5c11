"""A stand-in for ``gpu.pair_score.score_pair`` that does what hostile photos have done to decoders."""

from dataclasses import replace

from gpu.pair_score import PairJob, PairMetrics, score_pair
from tests.faulty_render import render_or_fail


def score_or_fail(job: PairJob) -> PairMetrics:
    """Act on an original whose bytes end in the name of a fault; score any other."""
    render_or_fail(replace(job.render, mapping=None))
    return score_pair(job)

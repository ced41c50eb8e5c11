"""Learns from training pairs how far lines in photos are to be trusted.

The pairs' curves are known from their fits. Photos of some listings are looked at under an atlas of the
others, so that no lens is recognised only because it was learned by heart; what comes of it holds for all.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from gpu.jpeg.rejection import PhotoRejected
from gpu.lens_curve import LensCurve
from gpu.plumb_line.looking import LensLook, look_for_lens
from gpu.plumb_line.prior import CurvePrior
from gpu.plumb_line.trust import KnownPhoto, with_learned_trust
from tasks.domain.atlas import LineRule
from tasks.domain.atlas_learning import learn_atlas
from tasks.domain.fitted_pairs import FittedPair
from tasks.domain.line_prior import line_prior, line_rule_of
from tasks.domain.searched_tables import TableLabel
from tasks.pair_trials import ReadPair
from tasks.photo_workers import PhotoLost, PhotoWorkers

_MOST_LISTINGS: Final = 40
_FEWEST_PHOTOS: Final = 20  # what fewer say is chance


def learned_line_rule(
    pairs: Sequence[FittedPair], label: TableLabel, *, read: ReadPair, workers: PhotoWorkers
) -> LineRule:
    """Look at the originals of up to 40 listings, half of them at most.

    Returns:
        The default, which was learned on rendered listings, where there are too few.
    """
    listings: defaultdict[str, list[FittedPair]] = defaultdict(list)
    for pair in sorted(pairs, key=lambda fitted: fitted.pair.id):
        if pair.finding.verdict == "radial":
            listings[pair.listing].append(pair)
    order = sorted(listings, key=lambda name: hashlib.sha256(name.encode()).digest())
    asked = order[: min(_MOST_LISTINGS, len(order) // 2)]
    if sum(len(listings[name]) for name in asked) < _FEWEST_PHOTOS:
        return LineRule()
    others = learn_atlas((pair for pair in pairs if pair.listing not in asked), label)
    prior = line_prior(others)
    with ThreadPoolExecutor(workers.processes + 2) as threads:  # two more read meanwhile
        looks = {
            name: [threads.submit(_known, pair, prior, read, workers) for pair in listings[name]]
            for name in asked
        }
        known = [[one for look in looks[name] if (one := look.result()) is not None] for name in asked]
    photos = sum(map(len, known))
    if photos < _FEWEST_PHOTOS:
        return LineRule()
    return line_rule_of(with_learned_trust(prior, known).trust, photos=photos)


def _known(pair: FittedPair, prior: CurvePrior, read: ReadPair, workers: PhotoWorkers) -> KnownPhoto | None:
    """Look at one original; None where that is not possible any more."""
    try:
        clues = workers.run(look_for_lens, LensLook(read(pair.pair)[0], prior))
    except (OSError, PhotoRejected, PhotoLost):
        return None
    return clues.lines, LensCurve(pair.finding.factors)

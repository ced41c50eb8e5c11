"""Stand-ins for pairs: losses that are known formulas, so that a search can be judged exactly."""

from collections.abc import Callable, Sequence

import pytest

from gpu.coordinates import ImageSize
from gpu.search.candidate import Candidate, geometry
from gpu.search.trial import Evaluate, Trial, invalid_trial

SIZE = ImageSize(2048, 1367)


@pytest.fixture
def bowl() -> Callable[[float, float], Evaluate]:
    """Make an evaluation whose loss is a bowl with its bottom at (k1, k2); its border is the real one."""

    def make(k1: float, k2: float) -> Evaluate:
        def trial(candidate: Candidate) -> Trial:
            found = geometry(candidate, SIZE, reduction=4)
            loss = 100 * (candidate.k1 - k1) ** 2 + 25 * (candidate.k2 - k2) ** 2 + 0.1 * candidate.alpha
            warp = 0.0 if found is None else found.warp
            return invalid_trial(candidate, [found]) or Trial(
                candidate, loss=loss, risk=warp, border=0.0, warp=warp, valid=True
            )

        def evaluate(candidates: Sequence[Candidate]) -> list[Trial]:
            return [trial(candidate) for candidate in candidates]

        return evaluate

    return make

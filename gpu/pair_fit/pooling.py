"""One curve from the pairs of one lens: their normal equations are added, so each counts by what it knows.

Whether pairs do share a lens and a focal length is the caller's to know; radii are in half diagonals, so
photos of one lens in nearly one size may be pooled. Each pair keeps its own shift.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gpu.lens_curve import LensCurve
from gpu.pair_fit.fit import PairFit
from gpu.pair_fit.information import NormalEquations
from gpu.pair_fit.model import Array


@dataclass(frozen=True, slots=True, eq=False)
class PooledFit:
    """The curve of several pairs.

    Attributes:
        curve: Without a shift.
        covariance: Of the curve's factors, by its powers.
        expected_error_px: RMS error over the frame of the first pair, foretold from the covariance.
        normal: Sum of the pairs' normal equations.
    """

    curve: LensCurve
    covariance: Array
    expected_error_px: float
    normal: NormalEquations


def pool(fits: Sequence[PairFit]) -> PooledFit:
    """Pool pairs whose fits have a curve; leaving out those that are not radial is the caller's choice.

    Raises:
        ValueError: No pair at all, one without a curve, or fits with other powers than the first.
    """
    known = [(fit.normal, fit.model) for fit in fits if fit.normal is not None and fit.model is not None]
    powers = {model.powers for _, model in known}
    if len(known) < len(fits) or len(powers) != 1:
        raise ValueError(
            f"pooling takes one or more fitted pairs with the same powers of r, got {len(known)} fitted of "
            f"{len(fits)} with {len(powers)} sets of powers"
        )
    model = known[0][1]
    normal = known[0][0]
    for other, _ in known[1:]:
        normal = normal + other
    count = len(model.powers)
    return PooledFit(
        curve=model.curve(np.append(normal.solution, [0.0, 0.0])),
        covariance=normal.covariance,
        expected_error_px=normal.expected_error(model.frame_metric()[:count, :count]),
        normal=normal,
    )

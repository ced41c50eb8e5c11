"""Asks whether a pair needs more than a curve: the coarse levels are fitted again with all fields.

A pair that was stretched, turned, tilted or cut off the centre is explained by the other fields; a lens
correction leaves them at nothing but their own uncertainty. The curve's fit is not touched.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gpu.pair_fit.gauss_newton import Descent
from gpu.pair_fit.information import normal_equations, residual_field
from gpu.pair_fit.levels import Level, descend_all
from gpu.pair_fit.model import Array, WarpModel, frame_rms

COARSE_LEVELS = 3  # to an eighth of the size, which tells half a pixel in a fifth of the time


@dataclass(frozen=True, slots=True)
class Departure:
    """How far the best warp of all fields lies from the best curve.

    Attributes:
        rms: Over the frame in pixels.
        error: Standard error of the warp of all fields, likewise.
        decentred: Whether the two fields of decentring are missed more than those of edits.
        correlation: Of the textures under the warp of all fields.
        step: Of the samples that were fitted.
        residual_field: What all fields leave, see ``gpu.pair_fit.information``.
    """

    rms: float
    error: float
    decentred: bool
    correlation: float
    step: int
    residual_field: float


def departure(
    model: WarpModel, levels: Sequence[Level], *, start: Array, curves: Sequence[Descent]
) -> Departure:
    """Compare with the descents of the curve on the same levels, from the same start."""
    edited, coarse = replace(model, edited=True), levels[:COARSE_LEVELS]
    extra = edited.decentring.stop - edited.curve_fields
    end = descend_all(edited, coarse, np.append(start, np.zeros(extra)))[-1]
    normal = normal_equations(end, coarse[-1].points.places, edited)
    metric, curve = edited.frame_metric(), curves[len(coarse) - 1].parameters
    found, covariance = end.parameters, normal.covariance
    return Departure(
        rms=frame_rms(metric, found - np.append(curve, np.zeros(extra))),
        error=normal.expected_error(metric),
        decentred=_evidence_for(edited.decentring, found, covariance)
        > _evidence_for(edited.edits, found, covariance),
        correlation=end.equations.correlation,
        step=coarse[-1].original.step,
        residual_field=residual_field(end, coarse[-1].points.places, edited),
    )


def _evidence_for(fields: slice, parameters: Array, covariance: Array) -> float:
    """Give Wald's statistic per field: how much worse the fit would be without these."""
    chosen = parameters[fields]
    return float(chosen @ np.linalg.pinv(covariance[fields, fields], hermitian=True) @ chosen) / len(chosen)

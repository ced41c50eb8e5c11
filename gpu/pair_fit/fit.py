"""Fits the lens curve of one pair: JPEG bytes of an original and its target in, curve and verdict out.

The curve leads from places of the target to places of the original, as rendering asks. Whether the pair may
be learned from is decided in ``verdict``; a pair that may not still carries what was found. No files, no
names.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gpu.coordinates import ImageSize
from gpu.errors import LensModelError
from gpu.jpeg.codec import Reduction
from gpu.jpeg.header import read_header
from gpu.lens_curve import LensCurve
from gpu.pair_fit.departure import departure
from gpu.pair_fit.frame import forward_gap, inverse_gap
from gpu.pair_fit.information import NormalEquations, normal_equations, residual_field
from gpu.pair_fit.levels import Level, descend_all, pyramid
from gpu.pair_fit.luma import OfPair, barred_alone, common_bars, content_size, read_luma
from gpu.pair_fit.model import LENSFUN_POWERS, Array, WarpModel, frame_rms
from gpu.pair_fit.start import coarse_start
from gpu.pair_fit.verdict import DEFAULT_LIMITS, Evidence, PairLimits, Reason, Verdict, judge

_FEWEST_POINTS = 60  # on any level: ten for each parameter


@dataclass(frozen=True, slots=True, eq=False)
class PairFit:
    """What one pair tells about its lens.

    Attributes:
        verdict: Whether the pair may be learned from.
        reason: Word for why not; None unless ``not_radial``.
        sentence: The same for people, with the numbers.
        curve: From target to original, normalised by half the diagonal; None where nothing could be fitted.
        model: The powers of r that the curve has; None without a curve, as are the next two.
        covariance: ``(K + 2, K + 2)`` of the curve's factors, then of its shift along u and v.
        normal: What the pair says about the curve's factors, for ``gpu.pair_fit.pooling``.
        rms_residual: Of texture under the fitted warp: 1 is the local contrast.
        expected_error_px: RMS error over the frame, foretold from the covariance.
        centre_shift_px: (u, v) of the lens axis in the original, off its centre.
        iterations: Steps of all levels.
        evidence: All that the verdict was made from.
    """

    verdict: Verdict
    reason: Reason | None
    sentence: str
    curve: LensCurve | None = None
    model: WarpModel | None = None
    covariance: Array | None = None
    normal: NormalEquations | None = None
    rms_residual: float = np.inf
    expected_error_px: float = np.inf
    centre_shift_px: tuple[float, float] = (0.0, 0.0)
    iterations: int = 0
    evidence: Evidence | None = None


def fit_pair(
    original: bytes,
    target: bytes,
    *,
    reduction: Reduction = 4,
    powers: tuple[int, ...] = LENSFUN_POWERS,
    limits: PairLimits = DEFAULT_LIMITS,
) -> PairFit:
    """Recover the curve that maps the target's pixels to the original's.

    Args:
        original: JPEG as the camera saw it.
        target: JPEG of the same photo, corrected.
        reduction: Photos are decoded at 1 / reduction of their size: 8 is fastest, 1 most exact.
        powers: Of r in the curve; must hold 0 and 2.
        limits: Where a pair stops being a lens correction.

    Raises:
        PhotoRejected: Either photo is damaged or of a kind that is not accepted.
    """
    headers = [read_header(photo) for photo in (original, target)]
    size, target_size = (ImageSize(header.width, header.height) for header in headers)
    if size != target_size:
        return _unfitted("size_differs", f"the original has {size} pixels, the target {target_size}")
    lumas = [
        read_luma(photo, header, reduction=reduction)
        for photo, header in zip((original, target), headers, strict=True)
    ]
    bars = common_bars(*lumas)
    levels = pyramid(*(luma.without(bars) for luma in lumas))
    places = min(len(level.points.places) for level in levels)
    if places < _FEWEST_POINTS:
        return _unfitted(
            "low_texture", f"the target has texture in {places} places, at least {_FEWEST_POINTS} are needed"
        )
    content = content_size(size, bars, reduction)
    return _fit(WarpModel(size, powers), levels, content, limits, barred=barred_alone(*lumas))


def _fit(
    model: WarpModel,
    levels: Sequence[Level],
    content: ImageSize,
    limits: PairLimits,
    *,
    barred: OfPair | None,
) -> PairFit:
    start = coarse_start(model, levels[0].points, levels[0].original)
    descents = descend_all(model, levels, start)
    end, places, metric = descents[-1], levels[-1].points.places, model.frame_metric()
    normal = normal_equations(end, places, model)
    beyond = departure(model, levels, start=start, curves=descents)
    curve = model.curve(end.parameters)
    shift = curve.centre_shift
    evidence = Evidence(
        displacement=frame_rms(metric, end.parameters - model.warp({0: 1.0})),
        shift=(shift[0] * model.size.half_diagonal, shift[1] * model.size.half_diagonal),
        short_side=content.short_side,
        forward_gap=forward_gap(curve, model.size, content=content),
        inverse_gap=inverse_gap(curve, model.size, content=content),
        departure=beyond,
        step=levels[-1].original.step,
        residual_field=residual_field(end, places, model),
        correlation=max(end.equations.correlation, beyond.correlation),
        expected_error=normal.expected_error(metric),
        last_step=end.last_step if not end.converged else 0.0,
        fold=_fold(curve, model.size),
        barred=barred,
    )
    judgement = judge(evidence, limits)
    return PairFit(
        verdict=judgement.verdict,
        reason=judgement.reason,
        sentence=judgement.sentence,
        curve=curve,
        model=model,
        covariance=normal.covariance,
        normal=normal.of_first(len(model.powers)),
        rms_residual=end.equations.rms_residual,
        expected_error_px=evidence.expected_error,
        centre_shift_px=evidence.shift,
        iterations=sum(descent.steps for descent in descents),
        evidence=evidence,
    )


def _fold(curve: LensCurve, size: ImageSize) -> str | None:
    try:
        curve.check_monotone(size)
    except LensModelError as error:
        return str(error)
    return None


def _unfitted(reason: Reason, sentence: str) -> PairFit:
    return PairFit("not_radial", reason, sentence)

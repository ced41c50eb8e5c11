"""Whether a pair may teach a lens curve: the rules, their limits and their words; pure.

A pair is not averaged in unless one curve about the photo's centre explains it. Rules are asked in order and
the first that speaks decides, so that the word names the cause and not what follows from it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gpu.pair_fit.departure import Departure
from gpu.pair_fit.luma import OfPair

Verdict = Literal["radial", "already_identical", "not_radial"]
Reason = Literal[
    "size_differs",
    "low_texture",
    "not_converged",
    "perspective",
    "cropped",
    "shifted",
    "swapped",
    "folds",
]


@dataclass(frozen=True, slots=True)
class PairLimits:
    """Where a pair stops being a lens correction; lengths in pixels of the full photo."""

    identical: float = 0.5
    """RMS displacement up to which there is nothing to learn: what the judge's 1 px tolerance forgives."""
    shift: float = 2.0
    """Of the whole photo; the limit under which pairs of the training set were counted."""
    slack: float = 0.01
    """Share of half the short side by which the whole corrected frame may lie inside the original's."""
    overhang: float = 2.0
    """How far the corrected frame may read outside the original."""
    departure: float = 0.5
    """RMS of what the fields of edits and decentring add to the curve, less two standard errors."""
    residual_field: float = 0.4
    """RMS of what is left where each block may move by itself: twice the worst of 220 generated pairs.

    For samples of up to 4 px; grows in proportion with larger ones.
    """
    error: float = 1.0
    """Foretold RMS error of the curve."""
    correlation: float = 0.6
    """Least correlation of the textures under the best warp; 0.9 at worst on generated pairs."""


DEFAULT_LIMITS = PairLimits()
_LIMITS_STEP = 4  # px between samples, for which ``residual_field`` is stated


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was measured on one pair; lengths in pixels of the full photo.

    Attributes:
        displacement: RMS over the frame of the fitted curve against no correction at all.
        shift: (u, v) of the lens axis in the original.
        short_side: Of what the photos show.
        forward_gap: See ``gpu.pair_fit.frame``.
        inverse_gap: Likewise.
        departure: What more fields than the curve's tell.
        step: Of the samples that were fitted.
        residual_field: See ``gpu.pair_fit.information``.
        correlation: Of the textures under the better of two warps, curve alone and all fields.
        expected_error: RMS error foretold for the curve.
        last_step: RMS of the last step of a fit that did not converge, 0 of one that did.
        fold: The sentence that says where the curve folds; None where it does not.
        barred: The photo that alone has bars of one level at its edge; None where neither or both have.
    """

    displacement: float
    shift: tuple[float, float]
    short_side: int
    forward_gap: float
    inverse_gap: float
    departure: Departure
    step: int
    residual_field: float
    correlation: float
    expected_error: float
    last_step: float
    fold: str | None
    barred: OfPair | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, the word for its reason (None unless not radial) and the sentence for people."""

    verdict: Verdict
    reason: Reason | None
    sentence: str


def judge(evidence: Evidence, limits: PairLimits = DEFAULT_LIMITS) -> Judgement:
    """Decide on one pair."""
    for reason, rule in _RULES:
        sentence = rule(evidence, limits)
        if sentence:
            return Judgement("not_radial", reason, sentence + _bars(evidence))
    if evidence.displacement <= limits.identical:
        return Judgement(
            "already_identical",
            None,
            f"the photos are {evidence.displacement:.2f} px RMS apart; {limits.identical:g} count as none",
        )
    return Judgement(
        "radial",
        None,
        f"one curve explains the pair: it moves the photo by {evidence.displacement:.2f} px RMS and is good "
        f"to {evidence.expected_error:.2f}",
    )


def _bars(found: Evidence) -> str:
    """Name bars beside any refusal: they are a likelier cause than what their edges look like."""
    return f"; the {found.barred} alone has bars, which may be the cause" if found.barred else ""


def _unlike(found: Evidence, limits: PairLimits) -> str | None:
    if found.correlation >= limits.correlation:
        return None
    return (
        f"the photos correlate by {found.correlation:.2f} under the best warp, {limits.correlation:g} is the "
        "least: they show different things"
    )


def _edited(found: Evidence, limits: PairLimits) -> str | None:
    if not _departs(found, limits) or _is_off_centre(found.departure, limits):
        return None
    return (
        "the target was edited beyond a lens correction: stretch, turn, perspective or a local warp add "
        f"{found.departure.rms:.2f} px RMS (standard error {found.departure.error:.2f}), and blocks are off "
        f"by {found.residual_field:.2f} px RMS"
    )


def _off_centre(found: Evidence, limits: PairLimits) -> str | None:
    if not _departs(found, limits):
        return None
    return (
        "the pair was cropped beside its centre: the lens axis lies off it, which a centred curve misses by "
        f"{found.departure.rms:.2f} px RMS (standard error {found.departure.error:.2f})"
    )


def _unsettled(found: Evidence, limits: PairLimits) -> str | None:  # noqa: ARG001  all rules have one form
    if not found.last_step:
        return None
    return f"the last step was still {found.last_step:.2f} px RMS: no warp was found that explains the pair"


def _unsure(found: Evidence, limits: PairLimits) -> str | None:
    if found.expected_error <= limits.error:
        return None
    return (
        f"the curve is good to {found.expected_error:.2f} px RMS only, limit {limits.error:g}: the photos "
        "show too little"
    )


def _enlarged(found: Evidence, limits: PairLimits) -> str | None:
    allowed = limits.slack * found.short_side / 2
    if found.forward_gap <= allowed:
        return None
    return (
        f"the target ends {found.forward_gap:.1f} px inside the original's edge on all sides, limit "
        f"{allowed:.1f}: it was cropped and enlarged"
    )


def _moved(found: Evidence, limits: PairLimits) -> str | None:
    u, v = found.shift
    if max(abs(u), abs(v)) <= limits.shift:
        return None
    return (
        f"the photos are shifted: the original's lens axis lies ({u:.1f}, {v:.1f}) px off its centre, limit "
        f"{limits.shift:g}"
    )


def _exchanged(found: Evidence, limits: PairLimits) -> str | None:
    if found.forward_gap >= -limits.overhang or found.inverse_gap < -limits.overhang:
        return None
    return (
        f"the target would show {-found.forward_gap:.1f} px from beyond the original's edge, and the other "
        "way round nothing is invented: original and target are exchanged"
    )


def _folded(found: Evidence, limits: PairLimits) -> str | None:  # noqa: ARG001  all rules have one form
    return found.fold


def _departs(found: Evidence, limits: PairLimits) -> bool:
    significant = found.departure.rms - 2.0 * found.departure.error
    return significant > limits.departure or found.residual_field > _field_limit(found.step, limits)


def _is_off_centre(departure: Departure, limits: PairLimits) -> bool:
    """Tell whether decentring explains the departure; a local warp is left unexplained by all fields."""
    return departure.decentred and departure.residual_field <= _field_limit(departure.step, limits)


def _field_limit(step: int, limits: PairLimits) -> float:
    return limits.residual_field * max(1.0, step / _LIMITS_STEP)


_RULES: tuple[tuple[Reason, Callable[[Evidence, PairLimits], str | None]], ...] = (
    ("not_converged", _unlike),
    ("perspective", _edited),
    ("cropped", _off_centre),
    ("not_converged", _unsettled),
    ("low_texture", _unsure),
    ("cropped", _enlarged),
    ("shifted", _moved),
    ("swapped", _exchanged),
    ("folds", _folded),
)

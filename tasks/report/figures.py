"""Orders, places and texts of the report's figures: the worst first, and numbers as people read them.

Everything shown is the analysis' and the decision's own; only the order and the words are made here.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from tasks.domain.gates.records import GateDecision, GateOutcome, Stage
from tasks.domain.score_schemas import GroupKind, GroupScores, ScoreAnalysis, ScoreDelta, Standing

Tone = Literal["good", "fair", "bad", "open"]
_MINUS: Final = "\N{MINUS SIGN}"
_SCALE_STEP: Final = 10.0  # points between two marks of the scale
_STAGE_NAMES: Final[dict[Stage, str]] = {
    "upload": "upload",
    "advance": "staying in play",
    "promote": "promotion",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gates made of the run."""

    word: str
    tone: Tone
    sentence: str


def verdict_of(decision: GateDecision | None) -> Verdict:
    """Say what was decided, and how much stands against more."""
    if decision is None:
        return Verdict("Not decided yet", "open", "Scored and analysed; the gates have not been asked.")
    if decision.promote:
        return Verdict("Promoted", "good", "Every gate that applies is passed.")
    failed = len(decision.blockers)
    against = f"{failed} {'check stands' if failed == 1 else 'checks stand'} against promotion"
    if decision.advance:
        return Verdict("Advanced", "fair", f"It stays in play; {against}.")
    return Verdict("Blocked", "bad", f"{against[0].upper()}{against[1:]}.")


def sorted_out(outcomes: Iterable[GateOutcome]) -> tuple[list[GateOutcome], ...]:
    """Part the outcomes into those of failed checks, of passed ones, and of those that do not apply."""
    found = list(outcomes)
    return (
        [one for one in found if not one.passed],
        [one for one in found if one.passed and one.applicable],
        [one for one in found if not one.applicable],
    )


def blocked_buckets(decision: GateDecision | None) -> frozenset[str]:
    """Name the buckets that a failed check was made for."""
    return frozenset(one.group for one in decision.blockers) if decision else frozenset()


def overall_of(analysis: ScoreAnalysis) -> GroupScores:
    """Take the group of all photos.

    Raises:
        ValueError: The analysis has none.
    """
    for group in analysis.groups:
        if group.kind == "overall":
            return group
    raise ValueError(f"the analysis of {analysis.name!r} has no group of all photos; analyse it anew")


def worst_first(analysis: ScoreAnalysis, kind: GroupKind) -> list[GroupScores]:
    """Order the groups of a kind by their means, the lowest first; ties by zero rate, then by key."""
    groups = [group for group in analysis.groups if group.kind == kind]
    return sorted(groups, key=lambda group: (group.statistics.mean, -group.statistics.zero_rate, group.key))


def delta_of(group: GroupScores, against: Standing) -> ScoreDelta | None:
    """Take the delta against the submission of a standing, where there is one."""
    return next((delta for delta in group.deltas if delta.against == against), None)


def direction_of(delta: ScoreDelta) -> Literal["better", "worse", "unsure"]:
    """Tell gain from loss; unsure where the 95 % interval holds 0, or is not known."""
    low, high = delta.interval or (0.0, 0.0)
    if low > 0.0:
        return "better"
    return "worse" if high < 0.0 else "unsure"


def scale_end(analysis: ScoreAnalysis) -> float:
    """Choose where the scale of the bars ends, in points: at a mark, and beyond all they show."""
    shown = [
        number
        for group in analysis.groups
        if group.kind in ("bucket", "route", "dimension")
        for number in (group.statistics.mean, champion_mean(group) or 0.0, *(group.interval or ()))
    ]
    return max(_SCALE_STEP, math.ceil(max(shown, default=0.0) / _SCALE_STEP) * _SCALE_STEP)


def champion_mean(group: GroupScores) -> float | None:
    """Work out the champion's mean in a group from the delta, where there is one."""
    delta = delta_of(group, "champion")
    return group.statistics.mean - delta.mean if delta else None


def place(number: float, end: float) -> str:
    """Write how far along a scale that begins at 0 a number lies, as a length in CSS."""
    return f"{100 * number / end:.2f}%"


def stage_name(stage: Stage) -> str:
    """Name what a failed check prevents."""
    return _STAGE_NAMES[stage]


def points(number: float | None, decimals: int = 2) -> str:
    """Write a score."""
    return "\N{EN DASH}" if number is None else f"{number:.{decimals}f}"


def signed(number: float, decimals: int = 2) -> str:
    """Write a difference in points with its sign; what rounds to 0 has none."""
    text = f"{number:+.{decimals}f}"
    return text[1:] if float(text) == 0.0 else text.replace("-", _MINUS)


def percent(rate: float | None) -> str:
    """Write a share as a percentage."""
    return "\N{EN DASH}" if rate is None else f"{100 * rate:.1f}\N{NO-BREAK SPACE}%"


def signed_percent(rate: float) -> str:
    """Write a difference of two shares in percentage points."""
    return signed(100 * rate, 1)


def figure(number: float | None) -> str:
    """Write a number of a gate as its evidence does, whatever its unit."""
    return "\N{EN DASH}" if number is None else f"{number:.6g}".replace("-", _MINUS)

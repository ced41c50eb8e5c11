"""Builds the outcome of one check, with its sentence: the one place where numbers meet limits.

Equality passes, except where a candidate has to *exceed* something. What is missing or not finite fails.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeGuard

from tasks.domain.gates.records import Gate, GateOutcome, Stage

Relation = Literal["<=", ">=", ">"]
_DECIMALS: Final = 9
"""Numbers equal to so many decimals are equal.

Below that lies the noise of adding a margin; two means of 10,000 photos differ by 0.000001 or not at all.
"""

_CONTRARY: dict[Relation, str] = {"<=": ">", ">=": "<", ">": "<="}


@dataclass(frozen=True, slots=True)
class Check:
    """Which check an outcome is of."""

    gate: Gate
    name: str
    blocks: Stage
    group: str = "all"


def compare(
    check: Check,
    observed: float | None,
    relation: Relation,
    limit: float | None,
    *,
    what: str,
    note: str = "",
) -> GateOutcome:
    """Hold an observed number against its limit.

    Args:
        check: Which check this is.
        observed: What was measured; None where it is missing.
        relation: What must be true of observed and limit, in this order.
        limit: What it is held against; None where it is missing.
        what: Name of the observed quantity, to begin the sentence with.
        note: What else the sentence says, such as how many photos.
    """
    if not (_finite(observed) and _finite(limit)):
        shown = f"{_shown(observed)} against {_shown(limit)}"
        return _outcome(
            check, observed, limit, passed=False, evidence=f"{what}: no finite numbers, {shown}{note}"
        )
    own, bound = round(observed, _DECIMALS), round(limit, _DECIMALS)
    passed = {"<=": own <= bound, ">=": own >= bound, ">": own > bound}[relation]
    sign = relation if passed else _CONTRARY[relation]
    left, right = _digits(own, bound)
    return _outcome(check, observed, limit, passed=passed, evidence=f"{what} {left} {sign} {right}{note}")


def require(check: Check, problems: Sequence[str], *, satisfied: str) -> GateOutcome:
    """Pass if there are no problems; ``satisfied`` says what was found then."""
    return _outcome(check, None, None, passed=not problems, evidence="; ".join(problems) or satisfied)


def not_applicable(
    check: Check, reason: str, *, observed: float | None = None, limit: float | None = None
) -> GateOutcome:
    """Record a check that does not apply, with the reason and what was seen all the same."""
    return GateOutcome(
        gate=check.gate,
        check=check.name,
        group=check.group,
        blocks=check.blocks,
        applicable=False,
        passed=True,
        observed=observed if _finite(observed) else None,
        limit=limit if _finite(limit) else None,
        evidence=reason,
    )


def _outcome(
    check: Check, observed: float | None, limit: float | None, *, passed: bool, evidence: str
) -> GateOutcome:
    return GateOutcome(
        gate=check.gate,
        check=check.name,
        group=check.group,
        blocks=check.blocks,
        applicable=True,
        passed=passed,
        observed=observed if _finite(observed) else None,
        limit=limit if _finite(limit) else None,
        evidence=evidence,
    )


def _finite(number: float | None) -> TypeGuard[float]:
    return number is not None and math.isfinite(number)


def _shown(number: float | None) -> str:
    return "nothing" if number is None else f"{number:.6g}"


def _digits(observed: float, limit: float) -> tuple[str, str]:
    """Write two numbers shortly, but so that a difference between them shows."""
    short = f"{observed:.6g}", f"{limit:.6g}"
    return short if observed == limit or short[0] != short[1] else (repr(observed), repr(limit))

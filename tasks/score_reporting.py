"""Shows scores and gates in Prefect's UI: failing gates first, groups with deltas, where the report lies."""

from collections.abc import Iterable, Sequence

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.domain.gates.records import GateDecision, GateOutcome
from tasks.domain.score_schemas import GroupScores, ScoreAnalysis, ScoreDelta, Standing
from tasks.reporting import best_effort

_SHOWN_KINDS = ("overall", "bucket", "route", "dimension")
_WORST_LISTINGS = 20


@best_effort
def publish_gates(outcomes: Sequence[GateOutcome], name: str) -> None:
    """Show every check of every gate, those that failed first, those that do not apply last."""
    ordered = sorted(outcomes, key=lambda one: (one.passed, not one.applicable))
    create_table_artifact([_gate_row(one) for one in ordered], key="gates", description=f"Gates of {name}")


@best_effort
def publish_analysis(analysis: ScoreAnalysis) -> None:
    """Show the statistics of all groups but listings, and of the worst listings."""
    groups = [one for one in analysis.groups if one.kind in _SHOWN_KINDS]
    listings = sorted(
        (one for one in analysis.groups if one.kind == "listing"), key=lambda one: one.statistics.mean
    )
    create_table_artifact(
        [_group_row(one) for one in (*groups, *listings[:_WORST_LISTINGS])],
        key="analysis",
        description=f"Scores of {analysis.name} by {analysis.judge}",
    )


@best_effort
def publish_report_link(url: str, name: str) -> None:
    """Say where the report of a run lies."""
    create_markdown_artifact(
        f"# {name}\n\nReport for people, one file that needs no network:\n\n`{url}`\n",
        key="report",
        description=f"Report of {name}",
    )


def blocked(outcomes: Iterable[GateOutcome]) -> State[None]:
    """End a run that gates stopped: completed, not failed, and named for what it is."""
    return Completed(name="Blocked", message=_sentences(outcomes))


def outcome_state(decision: GateDecision, outcome: str, declined: str | None) -> State[GateDecision]:
    """End a promotion: Promoted, Advanced (in play, the champion stays) or Blocked, and why."""
    name = decision.evidence.name
    if outcome == "promoted":
        message = f"{name} is champion under {decision.evidence.judge}"
    else:
        message = f"declined: {declined}" if declined else _sentences(decision.outcomes)
    state_name = {"promoted": "Promoted", "advanced": "Advanced", "rejected": "Blocked"}[outcome]
    return Completed(name=state_name, message=message, data=decision)


def _sentences(outcomes: Iterable[GateOutcome]) -> str:
    return "; ".join(f"{one.gate}: {one.evidence}" for one in outcomes if not one.passed)


def _gate_row(one: GateOutcome) -> dict[str, object]:
    verdict = ("pass" if one.passed else "FAIL") if one.applicable else "does not apply"
    return {
        "gate": one.gate,
        "check": one.check,
        "of": one.group,
        "verdict": verdict,
        "observed": one.observed,
        "limit": one.limit,
        "evidence": one.evidence,
    }


def _group_row(one: GroupScores) -> dict[str, object]:
    found = one.statistics
    return {
        "kind": one.kind,
        "group": one.key,
        "photos": found.photos,
        "mean": round(found.mean, 4),
        "interval": _interval(one.interval),
        "median": round(found.median, 4),
        "zeros": f"{100 * found.zero_rate:.1f} %",
        "against champion": _delta(one.deltas, "champion"),
        "against baseline": _delta(one.deltas, "baseline"),
    }


def _delta(deltas: Iterable[ScoreDelta], against: Standing) -> str:
    return next(
        (f"{one.mean:+.2f} {_interval(one.interval)}" for one in deltas if one.against == against), ""
    )


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"({interval[0]:.2f} to {interval[1]:.2f})"

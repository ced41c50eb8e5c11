"""Runbook page: hold a scored run against all gates, and make it champion where they allow it.

    find run > find judge > score champion again > decide > (ask a person) > conclude > write report

Run it again after any failure: a run that is champion ends as Promoted, and nothing is decided anew. The
pointer moves by compare-and-swap: of two promotions at one time one wins, and the other is told.
"""

from prefect import flow, pause_flow_run
from prefect.client.schemas.objects import State
from prefect.exceptions import FlowPauseTimeout
from prefect.input import RunInput
from prefect.states import Failed

from tasks.analysis import find_judge
from tasks.domain.gates.records import GateDecision, GatePolicy
from tasks.domain.score_schemas import Team
from tasks.failures import SENTENCES, log_sentences_only
from tasks.promotion import Verdict, champions_decision, conclude, decide, rescore_champion
from tasks.reports import keep_analysis, keep_report
from tasks.score_reporting import outcome_state, publish_analysis, publish_gates
from tasks.submission import find_run

_DAY_S = 24 * 3600


class Approval(RunInput):
    """What a person says of a promotion that the gates allow."""

    promote: bool = False
    reason: str = ""


@flow(name="promote", flow_run_name="promote {run}", persist_result=False)
def promote(
    run: str,
    baseline: str | None = None,
    policy: GatePolicy | None = None,
    team: Team | None = None,
    resubmit: str | None = None,
    ask: bool = False,
    patience_s: int = _DAY_S,
) -> State[GateDecision]:
    """Decide on a scored run; it ends Promoted, Advanced (in play, the champion stays) or Blocked.

    Args:
        run: Name or alias of a run that the portal's judge has scored.
        baseline: Submission it was derived from; default: the best global_grid that the judge has scored.
        policy: Limits stricter than the rules.
        team: Who submits the champion's anchor, where other than settings say.
        resubmit: Why the champion's anchor is sent again when it failed or is of unknown fate; recorded.
        ask: Ask a person in the UI before the pointer moves; the run pauses until then.
        patience_s: Seconds to wait for that person.
    """
    log_sentences_only()
    try:
        name = find_run(run)
        judge = find_judge(name)
        if (standing := champions_decision(name, judge)) is not None:
            return _reported(standing, "promoted", None)
        anchor = rescore_champion(name, judge, team, resubmit)
        verdict = decide(name, judge, policy or GatePolicy(), baseline, anchor)
        decision = verdict.decision
        publish_gates(decision.outcomes, name)
        declined = _declined(verdict, patience_s) if ask and decision.promote else None
        return _reported(decision, conclude(verdict, declined), declined)
    except SENTENCES as error:
        return Failed(message=str(error))


def _reported(decision: GateDecision, outcome: str, declined: str | None) -> State[GateDecision]:
    if decision.evidence.analysis is not None:
        publish_analysis(decision.evidence.analysis)
        keep_analysis(decision.evidence.analysis)
        keep_report(decision.evidence.analysis, decision)
    return outcome_state(decision, outcome, declined)


def _declined(verdict: Verdict, patience_s: int) -> str | None:
    """Wait for a person; None when they agree, else why not."""
    champion = verdict.reign.pointer.name if verdict.reign.pointer else "nobody"
    try:
        answer = pause_flow_run(
            wait_for_input=Approval.with_initial_data(
                description=f"All gates pass. Make **{verdict.name}** champion in place of **{champion}**?"
            ),
            timeout=patience_s,
        )
    except FlowPauseTimeout:
        return f"nobody answered within {patience_s} s"
    return None if answer.promote else answer.reason or "no reason given"

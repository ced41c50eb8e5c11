"""Runbook page: the deadline is near and no model has shown its evidence: fall back on the best heuristic.

    find deadline > decide > submit again, or name the command that does

Scheduled in the last hour before a deadline that is set; outside of it nothing changes.
"""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.deadline import decide_now, submit_again
from tasks.domain.gates.records import FallbackDecision, GatePolicy
from tasks.domain.score_schemas import Team
from tasks.failures import SENTENCES, log_sentences_only


@flow(name="fallback", flow_run_name="deadline fallback", persist_result=False)
def fallback(team: Team | None = None, policy: GatePolicy | None = None) -> State[FallbackDecision]:
    """Submit the best verified heuristic where the deadline asks for it and that is enabled.

    Args:
        team: Who submits, where other than settings say.
        policy: Limits stricter than the rules.
    """
    log_sentences_only()
    try:
        judge, decision = decide_now(policy or GatePolicy())
        if decision.action == "submit" and decision.artifact is not None:
            submit_again(decision.artifact, judge, team)
    except SENTENCES as error:
        return Failed(message=str(error))
    command = f"; run: {decision.command}" if decision.command else ""
    return Completed(message=f"{decision.action}: {decision.reason}{command}", data=decision)

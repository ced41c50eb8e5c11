"""Runbook page: have a finished run scored by the portal, at most once.

    find run > ask judge > check novelty and texture > score > keep the scores

Run it again after any failure: it goes on where it stopped, and a run that has scores keeps them.
"""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.domain.gates.records import GatePolicy
from tasks.domain.score_schemas import ScoredSubmission, Team
from tasks.failures import SENTENCES, log_sentences_only
from tasks.score_reporting import blocked, publish_gates
from tasks.submission import adopt, ask_who_judges, check_upload, export, find_run, score, scored_before


@flow(name="submit", flow_run_name="submit {run}", persist_result=False)
def submit(
    run: str | None = None,
    team: Team | None = None,
    policy: GatePolicy | None = None,
    resubmit: str | None = None,
    adopt_request: str | None = None,
    out: str | None = None,
) -> State[ScoredSubmission] | State[None]:
    """Upload a run's zip and wait for its scores; Blocked where novelty or texture forbid the upload.

    Args:
        run: Name or alias of a finished run; default: the newest that was never submitted.
        team: Who submits, where other than settings say.
        policy: Limits stricter than the rules.
        resubmit: Why one of unknown fate, failed, or scored before is sent again; recorded.
        adopt_request: Request id of the job that the portal has for a submission of unknown fate.
        out: Folder that scored CSV and summary are written to, besides the store.
    """
    log_sentences_only()
    try:
        name = find_run(run)
        judge = ask_who_judges(name)
        if adopt_request is not None:
            adopt(name, judge, adopt_request)
        if (known := scored_before(name, judge)) is not None:
            if resubmit is None:
                return _scored(known, "has these scores already", out)
            return _scored(score(name, judge, team, again_for=resubmit), "was scored once more", out)
        decision = check_upload(name, judge, policy or GatePolicy())
        publish_gates(decision.outcomes, name)
        if not decision.upload:
            return blocked(decision.outcomes)
        return _scored(score(name, judge, team, resubmit=resubmit), "was scored", out)
    except SENTENCES as error:
        return Failed(message=str(error))


def _scored(scored: ScoredSubmission, what: str, out: str | None) -> State[ScoredSubmission]:
    if out is not None:
        export(scored, out)
    return Completed(
        message=f"{scored.name} {what} by {scored.judge}, request {scored.request_id}", data=scored
    )

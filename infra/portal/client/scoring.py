"""Wait for a job that the portal has accepted.

Everything here may be repeated. A status word that is not known means that the job goes on; trouble on the
way is borne with until the time is up.
"""

import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlencode

from infra.errors import (
    PortalAnswerInvalid,
    PortalUnavailable,
    ScoringUnfinished,
    SubmissionFailed,
    SubmissionLost,
)
from infra.portal.client.answers import (
    Failed,
    JsonObject,
    Pending,
    Scores,
    read_object,
    read_poll,
    refusal,
)
from infra.portal.client.connection import Patience, Portal
from infra.portal.client.run import SubmissionRun
from infra.portal.client.sending import authorization
from infra.web.exchange import Request, exchange


def await_scores(request_id: str, *, run: SubmissionRun, progress: Callable[[int, int], None]) -> Scores:
    """Look at the job until it has ended and return its scores.

    Raises:
        SubmissionFailed: It ended without scores; recorded.
        SubmissionLost: The portal does not know it; recorded, and the next call asks again.
        ScoringUnfinished: It had not ended when the time was up.
        PortalAnswerInvalid: It is said to have ended, but the result has not the promised shape.
        PortalError: The portal refuses to tell.
    """
    deadline = time.monotonic() + run.patience.scoring_s
    seen = "nothing yet"
    while True:
        run.lease.require_held()
        try:
            outcome = _look(request_id, portal=run.portal, patience=run.patience)
        except SubmissionLost as error:
            run.attempt.keep("lost.json", {"why": str(error), "request_id": request_id})
            raise
        if isinstance(outcome, Scores):
            return outcome
        if isinstance(outcome, Failed):
            run.attempt.keep("failed.json", {"detail": outcome.detail, "request_id": request_id})
            raise SubmissionFailed(f"the judge ended job {request_id} without scores: {outcome.detail}")
        if isinstance(outcome, Pending) and outcome.done is not None and outcome.total is not None:
            progress(outcome.done, outcome.total)
        seen = f"status {outcome.status}" if isinstance(outcome, Pending) else outcome
        if time.monotonic() + run.patience.poll_s >= deadline:
            raise ScoringUnfinished(
                f"job {request_id} had not ended after {run.patience.scoring_s:g} s; last seen: {seen}; run "
                "again to go on waiting"
            )
        time.sleep(run.patience.poll_s)


def _look(request_id: str, *, portal: Portal, patience: Patience) -> Pending | Failed | Scores | str:
    """Look once: how far the job is, or a sentence on the trouble that kept us from seeing."""
    address = portal.address.below("api/score", query=urlencode({"request_id": request_id}))
    request = Request("GET", address, headers=authorization(portal))
    try:
        members = _members(request, patience=patience)
    except (PortalUnavailable, PortalAnswerInvalid) as error:
        return str(error)
    return read_poll(members, request_id=request_id)


def _members(request: Request, *, patience: Patience) -> JsonObject:
    answer = exchange(request, total_s=patience.request_s)
    if answer.status == HTTPStatus.NOT_FOUND:
        raise SubmissionLost(
            f"the portal knows no job that {request} asks for, though it accepted it; run again to ask "
            f"again, or resubmit explicitly with a reason"
        )
    if error := refusal(answer, asked=str(request)):
        raise error
    return read_object(answer, asked=str(request))

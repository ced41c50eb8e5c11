"""Ask a portal who judges, before anything is sent to it. Our own says; others may not know the question."""

import time
from http import HTTPStatus

from infra.errors import PortalAnswerInvalid, PortalUnavailable
from infra.portal.client.answers import read_object, refusal
from infra.portal.client.connection import Patience, Portal
from infra.portal.client.sending import authorization
from infra.portal.judge import JudgeIdentity, judge_from
from infra.web.exchange import Request, exchange

_UNKNOWN_QUESTION = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})


def ask_judge(portal: Portal, *, patience: Patience) -> JudgeIdentity | None:
    """Return who judges, None where the portal does not tell.

    Raises:
        PortalUnavailable: It did not answer for ``patience.retry_s``.
        PortalError: It refuses, or its answer is no judge.
    """
    request = Request("GET", portal.address.below("api/judge"), headers=authorization(portal))
    deadline = time.monotonic() + patience.retry_s
    while True:
        try:
            return _asked(request, patience=patience)
        except PortalUnavailable:
            if time.monotonic() + patience.poll_s >= deadline:
                raise
        time.sleep(patience.poll_s)


def _asked(request: Request, *, patience: Patience) -> JudgeIdentity | None:
    answer = exchange(request, total_s=patience.request_s)
    if answer.status in _UNKNOWN_QUESTION:
        return None
    if error := refusal(answer, asked=str(request)):
        raise error
    try:
        return judge_from(read_object(answer, asked=str(request)))
    except ValueError as error:
        raise PortalAnswerInvalid(f"the answer to {request} names no judge: {error}") from error

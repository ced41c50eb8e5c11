"""Bring a zip to the portal and request its scores: what may be repeated, and the one request that may not.

Upload URL and upload are tried again after any passing trouble: they create nothing that counts. The score
request is sent again only when it certainly created no job.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TypeVar

from infra.errors import (
    PortalAnswerInvalid,
    PortalError,
    PortalReplyLost,
    PortalUnavailable,
    PortalUnreachable,
    StoreError,
    SubmissionAmbiguous,
)
from infra.portal.client.answers import read_object, read_request_id, read_upload, refusal
from infra.portal.client.connection import Archive, Patience, Portal, TeamIdentity
from infra.portal.client.run import SubmissionRun
from infra.portal.client.step_record import Attempt, declined_name, sent_name, unclear_name, upload_name
from infra.web.address import upload_address
from infra.web.exchange import Answer, Request, Upload, exchange

T = TypeVar("T")

_LONGEST_PAUSE_S = 30.0


def upload(archive: Archive, identity: TeamIdentity, *, run: SubmissionRun) -> str:
    """Upload the zip and return the key that the portal knows it by.

    Raises:
        UploadUrlRefused: The portal named a host that is not allowed.
        PortalError: The portal refuses, or passing trouble did not pass.
        DigestMismatch: The archive is not what it was promised to be.
    """
    record = upload_name(run.attempt.posts())  # now: another run may take over while we upload

    def once() -> str:
        run.lease.require_held()
        url, key = _upload_url(identity, run=run)
        address = upload_address(url, portal=run.portal.address, upload_hosts=run.portal.upload_hosts)
        body = Upload(archive.chunks, archive.size, archive.sha256)
        put = Request("PUT", address, body, {"Content-Type": "application/zip"})
        if error := refusal(exchange(put, total_s=run.patience.upload_s), asked=str(put)):
            raise error
        return key

    key = _patiently(once, patience=run.patience)
    run.attempt.claim(record, {"s3_key": key})
    return key


def _upload_url(identity: TeamIdentity, *, run: SubmissionRun) -> tuple[str, str]:
    request = post(run.portal, "api/upload-url", {"team_name": identity.team_name})
    answer = exchange(request, total_s=run.patience.request_s)
    if error := refusal(answer, asked=str(request)):
        raise error
    return read_upload(read_object(answer, asked=str(request)))


def _patiently(once: Callable[[], T], *, patience: Patience) -> T:
    """Repeat what may be repeated while its error says that this can help, or its answer was garbled."""
    deadline = time.monotonic() + patience.retry_s
    pause = patience.poll_s
    while True:
        try:
            return once()
        except (PortalUnavailable, PortalAnswerInvalid):
            if time.monotonic() + pause >= deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)


def request_scores(key: str, identity: TeamIdentity, *, run: SubmissionRun) -> str:
    """Send the score request, at most once as far as any portal can tell, and return the job's request id.

    Raises:
        SubmissionAmbiguous: It was sent and its fate is unknown.
        PortalError: It was declined for good, or for longer than ``patience.retry_s``.
        SubmissionInFlight: Another run sends it.
    """
    request = post(run.portal, "api/score", {"s3_key": key, **asdict(identity)})
    deadline = time.monotonic() + run.patience.retry_s
    pause = run.patience.poll_s
    while True:
        run.lease.require_held()
        number = run.attempt.next_post()
        run.attempt.claim(sent_name(number), {"s3_key": key})
        outcome = _post_once(request, number=number, run=run)
        if isinstance(outcome, str):
            return outcome
        error, wait = outcome
        if not error.retryable or time.monotonic() + max(pause, wait) >= deadline:
            raise error
        time.sleep(max(pause, wait))
        pause = min(2 * pause, _LONGEST_PAUSE_S)


def _post_once(request: Request, *, number: int, run: SubmissionRun) -> str | tuple[PortalError, float]:
    """Send the request once: the request id, or why no job was created and how long to pause."""
    try:
        answer = exchange(request, total_s=run.patience.request_s)
    except PortalUnreachable as error:
        return _declined(run.attempt, number, error), 0.0
    except (PortalReplyLost, PortalAnswerInvalid) as error:
        raise _unclear(run.attempt, number, error) from error
    error_told = refusal(answer, asked=str(request))
    if error_told is None:
        return _accepted(answer, request, number=number, attempt=run.attempt)
    if _certainly_no_job(answer, patience=run.patience):
        return _declined(run.attempt, number, error_told), answer.retry_after_s or 0.0
    raise _unclear(run.attempt, number, error_told) from error_told


def _accepted(answer: Answer, request: Request, *, number: int, attempt: Attempt) -> str:
    try:
        request_id = read_request_id(read_object(answer, asked=str(request)))
    except PortalAnswerInvalid as error:
        raise _unclear(attempt, number, error) from error
    try:
        attempt.note("accepted.json", {"request_id": request_id})
    except StoreError as error:
        error.add_note(f"The portal did create job {request_id} for {attempt.key!r}; adopt that request id.")
        raise
    return request_id


def _certainly_no_job(answer: Answer, *, patience: Patience) -> bool:
    """4xx is a refusal, except 408, which a proxy may give for a portal that goes on working."""
    if answer.status in (429, 503):
        return answer.status in patience.repeated_statuses
    return 400 <= answer.status < 500 and answer.status != 408


def _declined(attempt: Attempt, number: int, error: PortalError) -> PortalError:
    attempt.note(declined_name(number), {"why": str(error), "for_good": not error.retryable})
    return error


def _unclear(attempt: Attempt, number: int, error: PortalError) -> SubmissionAmbiguous:
    attempt.note(unclear_name(number), {"why": str(error)})
    return SubmissionAmbiguous(
        f"the score request left and its fate is unknown ({error}), {AMBIGUOUS_ADVICE.format(attempt.key)}"
    )


AMBIGUOUS_ADVICE = (
    "so the portal may or may not have a job for {!r}; ask the portal, then either adopt the job's request "
    "id or resubmit explicitly with a reason"
)


def post(portal: Portal, path: str, members: Mapping[str, object]) -> Request:
    """Word a JSON request to the portal itself."""
    headers = {"Content-Type": "application/json", **authorization(portal)}
    return Request("POST", portal.address.below(path), json.dumps(members).encode(), headers)


def authorization(portal: Portal) -> dict[str, str]:
    """Give the header that lets us in, where a token is set."""
    return {"Authorization": f"Bearer {portal.token.get_secret_value()}"} if portal.token else {}

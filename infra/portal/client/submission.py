"""Have one artifact scored by a judge, at most once, and go on where an earlier run stopped.

    new > intent > uploaded > sent > accepted > scored, or failed
                              sent > declined: back to uploaded, for no job was created
                              sent > nothing: ambiguous; only an explicit resubmission leads on
                                     accepted > lost: asked for again, or resubmitted explicitly

Each arrow is an object in the store before the next step begins (see ``step_record``), so a second call with
the same artifact resumes, and one that finds scores returns them without a request. It never repeats a score
request that may have arrived, and judges neither the zip nor the scores.
"""

import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256

from infra.errors import (
    StoreError,
    SubmissionAmbiguous,
    SubmissionFailed,
    SubmissionInFlight,
    SubmissionUnsettled,
)
from infra.portal.client.answers import require_request_id
from infra.portal.client.connection import Archive, Patience, Portal, TeamIdentity
from infra.portal.client.run import SubmissionRun
from infra.portal.client.scoring import await_scores
from infra.portal.client.sending import AMBIGUOUS_ADVICE, request_scores, upload
from infra.portal.client.step_record import Attempt, Flight, flight_key
from infra.portal.judge import JudgeIdentity, judge_from
from infra.store.interface import ObjectStore
from infra.store.lease import leased

_PATIENT = Patience()


@dataclass(frozen=True)
class ScoredAnswer:
    """What the judge gave, as it is kept in the store."""

    request_id: str
    attempt: str
    csv: bytes
    csv_sha256: str
    summary: Mapping[str, object]
    summary_json: bytes
    """The summary with sorted members; its digest is over these bytes."""
    summary_sha256: str
    judge: JudgeIdentity | None
    """None where the portal does not name its judge."""


def submit(
    archive: Archive,
    identity: TeamIdentity,
    *,
    portal: Portal,
    store: ObjectStore,
    resubmit: str | None = None,
    patience: Patience = _PATIENT,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005
    now: Callable[[], float] = time.time,
) -> ScoredAnswer:
    """Upload the zip, request its scores and wait for them, taking what earlier calls have done.

    Args:
        archive: The zip.
        identity: Who submits.
        portal: Which portal.
        store: Holds the record of the flight; shared by all machines that submit.
        resubmit: Why a settled or ambiguous artifact is to be scored again; recorded. The same words
            again resume that attempt instead of beginning one more.
        patience: Time limits.
        progress: Told how many photos of how many are scored, where the portal says so.
        now: Seconds since the epoch.

    Raises:
        SubmissionInFlight: Another run is submitting this artifact.
        SubmissionAmbiguous: A score request may have created a job; see the message.
        SubmissionFailed: The judge ended the job without scores.
        ScoringUnfinished: The job still runs; the next call goes on waiting.
        SubmissionUnsettled: ``resubmit`` is given, and the last attempt is neither settled nor ambiguous.
        PortalError: Any other trouble; nothing was scored and the next call goes on from here.
    """
    flight = Flight(store, flight_key(portal.judge, archive.behaviour_digest))
    with leased(
        store,
        flight.lease_key,
        owner=_owner(),
        lease_s=patience.lease_s,
        now=now,
        taken=SubmissionInFlight,
    ) as lease:
        attempt = _attempt(flight, archive, identity, resubmit=resubmit, at=now())
        if (kept := attempt.find("scored.json")) is None:
            run = SubmissionRun(attempt, portal, patience, lease)
            kept = _carry_on(run, archive, identity=identity, progress=progress)
    return _as_answer(kept, attempt)


def adopt_request_id(request_id: str, *, judge: str, behaviour_digest: str, store: ObjectStore) -> None:
    """Settle an ambiguous submission whose job was found at the portal; the next ``submit`` waits for it.

    Raises:
        ValueError: Nothing about this artifact is ambiguous.
        PortalAnswerInvalid: The id is no UUID.
    """
    flight = Flight(store, flight_key(judge, behaviour_digest))
    attempts = flight.attempts()
    if not attempts or not attempts[-1].is_ambiguous():
        raise ValueError(f"{flight.key!r} has no ambiguous score request, so there is no request id to adopt")
    attempts[-1].note("accepted.json", {"request_id": require_request_id(request_id), "adopted": True})


def _attempt(
    flight: Flight, archive: Archive, identity: TeamIdentity, *, resubmit: str | None, at: float
) -> Attempt:
    """Find the attempt to go on with, or begin one."""
    attempts = flight.attempts()
    if resubmit is not None:
        for attempt in attempts:
            if attempt.text("intent.json", "resubmit") == resubmit:
                return attempt
        _require_repeatable(attempts)
    elif attempts:
        return attempts[-1]
    intent = {"zip_sha256": archive.sha256, "zip_bytes": archive.size, "identity": asdict(identity)}
    return flight.begin({**intent, "resubmit": resubmit or "", "began": at, "owner": _owner()})


def _require_repeatable(attempts: tuple[Attempt, ...]) -> None:
    if not attempts or attempts[-1].is_ambiguous():
        return
    if not any(attempts[-1].find(end) for end in ("scored.json", "failed.json", "lost.json")):
        raise SubmissionUnsettled(
            f"attempt {attempts[-1].key!r} is not settled, so there is nothing to resubmit; run without "
            "resubmit to go on with it"
        )


def _carry_on(
    run: SubmissionRun, archive: Archive, *, identity: TeamIdentity, progress: Callable[[int, int], None]
) -> dict[str, object]:
    """Take the attempt from wherever it stands to its scores."""
    attempt = run.attempt
    _require_possible(attempt)
    request_id = attempt.text("accepted.json", "request_id")
    if request_id is None:
        key = attempt.uploaded_key() or upload(archive, identity, run=run)
        request_id = request_scores(key, identity, run=run)
    scores = await_scores(request_id, run=run, progress=progress)
    summary = _canonical(scores.summary)
    return attempt.keep(
        "scored.json",
        {
            "request_id": request_id,
            "csv": scores.csv.decode(),
            "csv_sha256": sha256(scores.csv).hexdigest(),
            "summary": scores.summary,
            "summary_sha256": sha256(summary).hexdigest(),
            "judge": asdict(scores.judge) if scores.judge else None,
        },
    )


def _require_possible(attempt: Attempt) -> None:
    if (detail := attempt.text("failed.json", "detail")) is not None:
        raise SubmissionFailed(
            f"the judge ended the job of {attempt.key!r} without scores: {detail}; resubmit explicitly"
        )
    if attempt.is_ambiguous():
        raise SubmissionAmbiguous(
            f"an earlier run did not learn the fate of score request {attempt.posts()}, "
            + AMBIGUOUS_ADVICE.format(attempt.key)
        )


def _as_answer(kept: Mapping[str, object], attempt: Attempt) -> ScoredAnswer:
    csv, summary, judge = kept.get("csv"), kept.get("summary"), kept.get("judge")
    if not isinstance(csv, str) or not isinstance(summary, dict):
        raise StoreError(f"{f'{attempt.key}/scored.json'!r} lacks the CSV or the summary")
    answer = ScoredAnswer(
        request_id=str(kept.get("request_id")),
        attempt=attempt.key,
        csv=csv.encode(),
        csv_sha256=sha256(csv.encode()).hexdigest(),
        summary=summary,
        summary_json=_canonical(summary),
        summary_sha256=sha256(_canonical(summary)).hexdigest(),
        judge=judge_from(judge) if isinstance(judge, dict) else None,
    )
    if (answer.csv_sha256, answer.summary_sha256) != (kept.get("csv_sha256"), kept.get("summary_sha256")):
        raise StoreError(f"the scores in {f'{attempt.key}/scored.json'!r} are not the ones that were stored")
    return answer


def _canonical(summary: Mapping[str, object]) -> bytes:
    return json.dumps(summary, indent=1, sort_keys=True).encode()


def _owner() -> str:
    return f"{socket.gethostname()} process {os.getpid()}"

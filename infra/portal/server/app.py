"""Speak the judge's protocol over HTTP: requests in, JSON out. Scoring and storage are done elsewhere.

    POST /api/upload-url   team_name                          -> upload_url, s3_key
    PUT  /uploads/<name>   the zip, to a signed URL           -> 204
    POST /api/score        s3_key and the team's identity     -> request_id
    GET  /api/score        request_id                         -> status, later csv, summary and judge
    GET  /api/judge                                           -> who judges, as in results

Every refusal is ``{"detail": sentence}``. All but the signed URL need the token, where one is set.
"""

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, fields

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.portal.judge import JudgeIdentity
from infra.portal.server.job_records import JobRecords, ScoringJob, request_id_of
from infra.portal.server.scoring_queue import ScoringQueue
from infra.portal.server.uploads import UploadRefused, Uploads, key_of
from infra.strict_json import parse_object

_MAX_REQUEST_BYTES = 64 << 10
_MAX_WORD = 1000  # characters of a name, address or key
_REQUEST_S = 30.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Desk:
    """What requests are answered from."""

    judge: JudgeIdentity
    records: JobRecords
    uploads: Uploads
    queue: ScoringQueue
    public_url: str
    """Where clients reach this portal."""
    token: SecretStr | None


def portal_app(
    desk: Desk, *, lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]]
) -> Starlette:
    """Make the application."""
    app = Starlette(
        routes=[
            Route("/api/upload-url", _grant_upload, methods=["POST"]),
            Route("/uploads/{name}", _receive_upload, methods=["PUT"]),
            Route("/api/score", _request_scores, methods=["POST"]),
            Route("/api/score", _tell_job, methods=["GET"]),
            Route("/api/judge", _tell_judge, methods=["GET"]),
        ],
        exception_handlers={
            HTTPException: _as_detail,
            UploadRefused: _as_refused_upload,
            ClientDisconnect: _as_detail_of_nobody,
        },
        lifespan=lifespan,
    )
    app.state.desk = desk
    return app


async def _grant_upload(request: Request) -> Response:
    desk = _authorised_desk(request)
    _words(await _json(request), "team_name")
    await asyncio.to_thread(_discard_abandoned, desk)
    key, path = desk.uploads.grant()
    return JSONResponse({"upload_url": f"{desk.public_url.rstrip('/')}/{path}", "s3_key": key})


async def _receive_upload(request: Request) -> Response:
    """Take a zip; its URL's signature is the permission."""
    desk: Desk = request.app.state.desk
    name = request.path_params["name"]
    desk.uploads.require_granted(name, request.query_params)
    if await asyncio.to_thread(desk.records.find, request_id_of(key_of(name))) is not None:
        raise HTTPException(409, "this upload has a job already and is not replaced")
    announced = request.headers.get("content-length")
    await desk.uploads.receive(name, request.stream(), announced=announced)
    return Response(status_code=204)


async def _request_scores(request: Request) -> Response:
    desk = _authorised_desk(request)
    wanted = [field.name for field in fields(ScoringJob) if field.name != "request_id"]
    words = _words(await _json(request), *wanted)
    job = ScoringJob(request_id=request_id_of(words["s3_key"]), **words)
    await asyncio.to_thread(_accept, job, desk)
    return JSONResponse({"request_id": job.request_id})


async def _tell_job(request: Request) -> Response:
    desk = _authorised_desk(request)
    return await asyncio.to_thread(_told, request.query_params.get("request_id", ""), desk)


async def _tell_judge(request: Request) -> Response:
    return JSONResponse(asdict(_authorised_desk(request).judge))


def _authorised_desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    if desk.token is None:
        # Without a token only loopback is served; a web page that rebinds its name to it names another host.
        if request.url.hostname not in _LOOPBACK:
            raise HTTPException(403, "this portal has no token and answers to loopback names only")
        return desk
    expected = f"Bearer {desk.token.get_secret_value()}".encode()
    if not hmac.compare_digest(expected, request.headers.get("authorization", "").encode()):
        raise HTTPException(401, "this portal needs its token: Authorization: Bearer TOKEN")
    return desk


async def _json(request: Request) -> dict[str, object]:
    try:
        async with asyncio.timeout(_REQUEST_S):
            return parse_object(await _capped(request.stream()))
    except TimeoutError as error:
        raise HTTPException(408, f"the request took longer than {_REQUEST_S:g} s") from error
    except ValueError as error:
        raise HTTPException(422, f"the request must be a JSON object: {error}") from error


async def _capped(stream: AsyncIterator[bytes]) -> bytes:
    body = bytearray()
    async for chunk in stream:
        body += chunk
        if len(body) > _MAX_REQUEST_BYTES:
            raise HTTPException(413, f"a request has at most {_MAX_REQUEST_BYTES} bytes")
    return bytes(body)


def _words(members: dict[str, object], *names: str) -> dict[str, str]:
    """Return the named members, all of them texts; others are ignored."""
    words = {name: member for name in names if isinstance(member := members.get(name), str)}
    usable = {name for name, word in words.items() if 0 < len(word) <= _MAX_WORD and word.isprintable()}
    if missing := sorted(set(names) - usable):
        raise HTTPException(
            422, f"{', '.join(missing)} must be printable text of 1 to {_MAX_WORD} characters"
        )
    return words


def _discard_abandoned(desk: Desk) -> None:
    """Remove old uploads that no job needs: none was requested, or it has ended."""
    for key in desk.uploads.old_keys():
        request_id = request_id_of(key)
        if desk.records.find(request_id) is None or desk.records.answer(request_id) is not None:
            desk.uploads.discard(key)


def _accept(job: ScoringJob, desk: Desk) -> None:
    if desk.records.find(job.request_id) is None and desk.uploads.path_of(job.s3_key) is None:
        raise HTTPException(404, "nothing was uploaded under this s3_key")
    if not desk.records.accept(job, accepted_at=time.time()):
        raise HTTPException(409, "this upload has a job already, for another team")
    desk.queue.add(job.request_id)


def _told(request_id: str, desk: Desk) -> Response:
    if not request_id.replace("-", "").isalnum() or desk.records.find(request_id) is None:
        raise HTTPException(404, "there is no job with this request_id")
    if (answer := desk.records.answer(request_id)) is not None:
        return Response(answer, media_type="application/json")
    if (progress := desk.queue.progress(request_id)) is None:
        return JSONResponse({"status": "QUEUED", "request_id": request_id})
    done, total = progress
    return JSONResponse({"status": "RUNNING", "request_id": request_id, "done": done, "total": total})


def _as_detail(request: Request, error: Exception) -> Response:  # noqa: ARG001  (Starlette's signature)
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"detail": error.detail}, status_code=error.status_code)


def _as_refused_upload(request: Request, error: Exception) -> Response:  # noqa: ARG001
    if not isinstance(error, UploadRefused):
        raise error
    # The rest of the body is not read, so the connection cannot go on.
    headers = {"Connection": "close"}
    return JSONResponse({"detail": str(error)}, status_code=error.status, headers=headers)


def _as_detail_of_nobody(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return Response(status_code=400)  # the client is gone

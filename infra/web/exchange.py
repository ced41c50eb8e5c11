"""Make one HTTP request on a connection of its own, under a time limit that covers all of it.

httpx limits the time between two bytes, so a peer that sends one byte a second is waited for without end;
here the whole exchange is cancelled when its time is up. Each request has a fresh connection: on one that was
kept open, a request that a portal never saw cannot be told from one that it obeyed. It follows no redirect,
heeds no proxy variable, decodes no compression, and accepts no body whose end is not announced, because such
a body looks whole wherever it was cut. Whether to try again is the caller's business.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ssl import SSLContext
from typing import Literal

import httpx

from infra.errors import DigestMismatch, PortalAnswerInvalid, PortalReplyLost, PortalUnreachable
from infra.web.address import WebAddress

MAX_ANSWER_BYTES = 16 << 20
"""A result of 1000 photos has about half a MiB."""
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True)
class Upload:
    """A body that is streamed and held against its digest on the way."""

    chunks: Callable[[], Iterator[bytes]]
    size: int
    sha256: str


@dataclass(frozen=True)
class Request:
    """What to send where."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    address: WebAddress
    body: bytes | Upload = b""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.address}"


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    body: bytes
    """Empty for an upload, whose status alone counts."""
    retry_after_s: float | None


def exchange(request: Request, *, total_s: float) -> Answer:
    """Send a request and return the whole answer, whatever its status.

    To be called from a thread without a running event loop.

    Raises:
        PortalUnreachable: No connection came about; nothing was sent.
        PortalReplyLost: The time was up, or the connection broke; the request may have arrived.
        PortalAnswerInvalid: The answer's body is too long, compressed, or of no announced length.
        DigestMismatch: The upload's own bytes are not the promised ones; it was broken off.
    """
    return asyncio.run(_exchange(request, total_s=total_s))


async def _exchange(request: Request, *, total_s: float) -> Answer:
    try:
        async with asyncio.timeout(total_s), _client(total_s) as client:
            built = _built(client, request)
            response = await client.send(built, stream=True)
            try:
                return await _answer(response, request)
            finally:
                await response.aclose()
    except _NOT_SENT as error:
        raise PortalUnreachable(f"no connection for {request}: {type(error).__name__}") from error
    except (TimeoutError, httpx.TimeoutException) as error:
        raise PortalReplyLost(f"{request} had no whole answer after {total_s:g} s") from error
    except httpx.HTTPError as error:
        raise PortalReplyLost(f"the connection of {request} broke: {type(error).__name__}") from error


def _client(total_s: float) -> httpx.AsyncClient:
    # Half: a connection that does not come about must be known as such, not as a time limit.
    timeout = httpx.Timeout(None, connect=total_s / 2)
    return httpx.AsyncClient(verify=_tls(), trust_env=False, follow_redirects=False, timeout=timeout)


@lru_cache(maxsize=1)
def _tls() -> SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def _built(client: httpx.AsyncClient, request: Request) -> httpx.Request:
    address = request.address
    headers = {
        "Accept-Encoding": "identity",
        "Connection": "close",
        "Host": address.host_header,
        **request.headers,
    }
    content: bytes | AsyncIterator[bytes]
    if isinstance(request.body, bytes):
        content = request.body
    else:
        content = _verified(request.body)
        headers["Content-Length"] = str(request.body.size)
    url = httpx.URL(
        scheme=address.scheme,
        host=address.pinned_ip or address.host,
        port=address.port,
        raw_path=f"{address.path or '/'}{'?' if address.query else ''}{address.query}".encode(),
    )
    return client.build_request(
        request.method,
        url,
        headers=headers,
        content=content,
        # The certificate must be the named host's, also where the address was looked up before.
        extensions={"sni_hostname": address.host},
    )


async def _verified(upload: Upload) -> AsyncIterator[bytes]:
    """Yield the chunks, the last one only when all of them together have the promised digest."""
    running, size, held = hashlib.sha256(), 0, b""
    chunks = upload.chunks()
    while chunk := await asyncio.to_thread(next, chunks, b""):
        running.update(chunk)
        size += len(chunk)
        if size > upload.size:
            break
        if held:
            yield held
        held = chunk
    if size != upload.size or running.hexdigest() != upload.sha256:
        raise DigestMismatch(
            f"the zip to upload was promised as {upload.size} bytes with SHA-256 {upload.sha256} and is "
            f"other content ({size} bytes); the upload was broken off"
        )
    yield held


async def _answer(response: httpx.Response, request: Request) -> Answer:
    if isinstance(request.body, Upload):
        return Answer(response.status_code, b"", _retry_after(response))
    if response.headers.get("content-encoding", "identity") != "identity":
        raise PortalAnswerInvalid(f"the answer to {request} is compressed, which was not asked for")
    announced = response.headers.get("content-length")
    if announced is None and response.headers.get("transfer-encoding") != "chunked":
        raise PortalAnswerInvalid(f"the answer to {request} announces no length, so it may be cut")
    body = bytearray()
    too_long = PortalAnswerInvalid(f"the answer to {request} is longer than {MAX_ANSWER_BYTES} bytes")
    if announced is not None and int(announced) > MAX_ANSWER_BYTES:
        raise too_long
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise too_long
    return Answer(response.status_code, bytes(body), _retry_after(response))


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds only: a date would have to trust two clocks."""
    told = response.headers.get("retry-after", "")
    return float(told) if told.isascii() and told.isdigit() and len(told) < 6 else None

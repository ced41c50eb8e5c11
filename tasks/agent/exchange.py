"""One HTTP request with a limit on the whole of it: no redirects, no proxies, no kept connections.

The standard library limits each wait for bytes, not their sum, and takes an answer that was cut short for a
whole one; here neither passes.
"""

import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Event, Timer
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from tasks.agent.errors import ObjectTooLong, StoreUnreachable


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; ``what`` names the object in errors, since the URL must not."""

    method: Literal["GET", "PUT"]
    url: str = field(repr=False)
    what: str
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    body: bytes = field(repr=False)


def exchange(request: Request, *, limit_s: float, max_bytes: int) -> Answer:
    """Send a request and read its answer.

    Args:
        request: To a URL of http or https.
        limit_s: Seconds for all of it together.
        max_bytes: Longest body that is read.

    Raises:
        ObjectTooLong: The answer has more bytes.
        StoreUnreachable: No whole answer came within the limits.
    """
    address = urlsplit(request.url)
    connection = _connection(address, limit_s)
    late = Event()
    clock = Timer(limit_s, _cut, args=(connection, late))
    clock.daemon = True
    clock.start()
    try:
        target = f"{address.path or '/'}?{address.query}" if address.query else address.path or "/"
        connection.request(request.method, target, body=request.body, headers=dict(request.headers))
        with connection.getresponse() as answer:
            return Answer(status=answer.status, body=_whole_body(answer, max_bytes, request.what))
    except (OSError, HTTPException) as error:
        told = f"took longer than {limit_s:g} s" if late.is_set() else f"ended in {type(error).__name__}"
        raise StoreUnreachable(f"{request.method} of {request.what} {told}") from None
    finally:
        clock.cancel()
        connection.close()


def _connection(address: SplitResult, limit_s: float) -> HTTPConnection:
    if address.hostname is None:
        raise ValueError("a presigned URL names a host")
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    return kind(address.hostname, address.port, timeout=limit_s)


def _cut(connection: HTTPConnection, late: Event) -> None:
    late.set()
    with suppress(OSError, AttributeError):  # not connected yet: that wait has the same limit of its own
        connection.sock.shutdown(socket.SHUT_RDWR)


def _whole_body(answer: HTTPResponse, max_bytes: int, what: str) -> bytes:
    promised = answer.length
    if promised is None and not answer.chunked:
        raise StoreUnreachable(f"the answer about {what} has neither a length nor chunks")
    body = answer.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise ObjectTooLong(f"the answer about {what} has more than {max_bytes} bytes")
    if promised is not None and len(body) < promised:
        raise StoreUnreachable(f"the answer about {what} ends after {len(body)} of {promised} bytes")
    return body

"""One HTTP request with a limit on the whole of it: no redirects, no proxies, no kept connections.

The standard library limits each wait for bytes, not their sum, and takes an answer that was cut short for a
whole one; here neither passes.
"""

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Timer
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
    target = f"{address.path or '/'}?{address.query}" if address.query else address.path or "/"
    connection = _connection(address, limit_s)
    clock = _Clock(limit_s)
    try:
        connection.connect()
        clock.start(connection.sock)
        connection.request(request.method, target, body=request.body, headers=dict(request.headers))
        with connection.getresponse() as answer:
            return Answer(status=answer.status, body=_whole_body(answer, max_bytes, request.what))
    except (OSError, HTTPException) as error:
        told = f"took longer than {limit_s:g} s" if clock.struck else f"ended in {_words(error)}"
        raise StoreUnreachable(f"{request.method} of {request.what} {told}") from None
    finally:
        clock.stop()
        connection.close()


class _Clock:
    """Cuts a connection when its time is up, wherever it is waiting then."""

    def __init__(self, limit_s: float) -> None:
        self.struck = False
        self._limit_s = limit_s
        self._began = time.monotonic()
        self._timer: Timer | None = None

    def start(self, line: socket.socket) -> None:
        """Give the connection what connecting has left of the time."""
        left = max(0.0, self._limit_s - (time.monotonic() - self._began))
        self._timer = Timer(left, self._strike, args=(line,))
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        """Leave the connection alone."""
        if self._timer is not None:
            self._timer.cancel()

    def _strike(self, line: socket.socket) -> None:
        self.struck = True
        with suppress(OSError):  # it was closed meanwhile
            line.shutdown(socket.SHUT_RDWR)


class _NotWhole(OSError):
    """An answer that may not be all of it; the text says why."""


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, _NotWhole) else type(error).__name__


def _connection(address: SplitResult, limit_s: float) -> HTTPConnection:
    if address.hostname is None:
        raise ValueError("a presigned URL names a host")
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    return kind(address.hostname, address.port, timeout=limit_s)


def _whole_body(answer: HTTPResponse, max_bytes: int, what: str) -> bytes:
    promised = answer.length
    if promised is None and not answer.chunked:
        raise _NotWhole("an answer with neither a length nor chunks")
    body = answer.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise ObjectTooLong(f"the answer about {what} has more than {max_bytes} bytes")
    if promised is not None and len(body) < promised:
        raise _NotWhole(f"an answer of {len(body)} of {promised} bytes")
    return body

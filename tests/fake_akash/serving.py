"""The fake Akash over HTTP: credentials, the journal, and faults."""

import json
import re
import socket
import struct
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Final
from urllib.parse import urlsplit

from tests.fake_akash.faults import Call, Fault
from tests.fake_akash.journal import Asked
from tests.fake_akash.service import API_KEY, FakeAkash, error_body

_ROUTES: Final[tuple[tuple[str, str, Call], ...]] = (
    ("POST", r"/v1/deployments", "create"),
    ("GET", r"/v1/deployments", "deployments"),
    ("GET", r"/v1/deployments/[0-9]+", "deployment"),
    ("DELETE", r"/v1/deployments/[0-9]+", "close"),
    ("GET", r"/v1/bids", "bids"),
    ("POST", r"/v1/leases", "lease"),
    ("PATCH", r"/v2/deployment-settings/[0-9]+", "settings"),
    ("GET", r"/v2/deployment-settings/[0-9]+", "settings_read"),
    ("GET", r"/v1/deployment/[a-z0-9]+/[0-9]+", "public"),
    ("GET", r"/v1/balances", "balances"),
    ("GET", r"/v1/gpu-prices", "prices"),
)
_PUBLIC: Final = ("public", "prices")


def handler_of(akash: FakeAkash) -> type[BaseHTTPRequestHandler]:
    """A request handler for this Akash."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):
                _serve(self, akash)

        def do_POST(self) -> None:
            self.do_GET()

        def do_PATCH(self) -> None:
            self.do_GET()

        def do_DELETE(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """The journal tells more."""

    return Handler


def _serve(handler: BaseHTTPRequestHandler, akash: FakeAkash) -> None:
    handler.close_connection = True
    body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    call = _call(handler.command, handler.path)
    if call is None:
        _send(handler, 404, json.dumps(error_body(404, "Not found")).encode())
        return
    headers = {name.lower(): value for name, value in handler.headers.items()}
    asked = Asked(call, handler.command, handler.path, headers, body)
    akash.journal.note(asked)
    if (status := _unwelcome(asked)) is not None:
        _send(handler, status, json.dumps(error_body(status, "Invalid credentials")).encode())
        return
    fault = akash.faults.take(call)
    if fault is not None and _did_something_else(handler, akash, asked, fault):
        return
    status, answer = akash.answer(asked, fault)
    _send(handler, status, json.dumps(answer).encode(), cut=fault is not None and fault.act == "cut")


def _call(method: str, path: str) -> Call | None:
    only = urlsplit(path).path
    return next((call for verb, form, call in _ROUTES if verb == method and re.fullmatch(form, only)), None)


def _unwelcome(asked: Asked) -> int | None:
    """The status for credentials that do not do; two kinds at once are one too many."""
    key = asked.headers.get("x-api-key")
    if key is not None and "authorization" in asked.headers:
        return 400
    return None if key == API_KEY or (key is None and asked.call in _PUBLIC) else 401


def _did_something_else(
    handler: BaseHTTPRequestHandler, akash: FakeAkash, asked: Asked, fault: Fault
) -> bool:
    if fault.act == "error":
        body = json.dumps(error_body(fault.status, fault.message)).encode()
        _send(handler, fault.status, body, retry_after_s=fault.retry_after_s)
    elif fault.act == "html":
        _send(handler, fault.status, b"<html><h1>rate limited</h1></html>", kind="text/html")
    elif fault.act == "answer":
        body = fault.answer if isinstance(fault.answer, bytes) else json.dumps(fault.answer).encode()
        _send(handler, 200, body)
    elif fault.act in ("reset_before", "reset_after", "hang_after"):
        if fault.act != "reset_before":
            akash.answer(asked, None)
        _break(handler, hang=fault.act == "hang_after")
    else:
        return False
    return True


def _break(handler: BaseHTTPRequestHandler, *, hang: bool) -> None:
    if hang:
        with suppress(OSError):
            handler.connection.recv(1)  # until the client gives up
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def _send(
    handler: BaseHTTPRequestHandler,
    status: int,
    body: bytes,
    *,
    kind: str = "application/json",
    retry_after_s: int | None = None,
    cut: bool = False,
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.send_header("Connection", "close")
    if retry_after_s is not None:
        handler.send_header("Retry-After", str(retry_after_s))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2] if cut else body)

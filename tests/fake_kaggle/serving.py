"""The fake Kaggle over HTTP: credentials, the journal, and faults."""

import base64
import json
import socket
import struct
from contextlib import suppress
from http.server import BaseHTTPRequestHandler

from tests.fake_kaggle.faults import Fault
from tests.fake_kaggle.journal import Asked
from tests.fake_kaggle.routing import Answer, answer_to, instead, method_of
from tests.fake_kaggle.service import KEY, TOKEN, USERNAME, FakeKaggle, as_json


def handler_of(kaggle: FakeKaggle) -> type[BaseHTTPRequestHandler]:
    """A request handler for this Kaggle."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):
                _serve(self, kaggle)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """The journal tells more."""

    return Handler


def _serve(handler: BaseHTTPRequestHandler, kaggle: FakeKaggle) -> None:
    handler.close_connection = True
    asked = _read(handler)
    kaggle.journal.note(asked)
    if not _is_known(asked):
        _send(handler, Answer(401, as_json({"code": 401, "message": "Unauthenticated"})))
        return
    fault = kaggle.faults.take(asked.method)
    if fault is None:
        _send(handler, answer_to(asked, kaggle))
    elif answer := instead(fault):
        _send(handler, answer)
    elif fault.act == "cut":
        answer = answer_to(asked, kaggle)
        _send(handler, answer, chunks=1)
        if answer.stream:  # a plain end would look like the stream's own
            _break(handler, fault)
    else:
        if fault.act in ("reset_after", "hang_after"):
            answer_to(asked, kaggle)
        _break(handler, fault)


def _read(handler: BaseHTTPRequestHandler) -> Asked:
    body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    try:
        members = json.loads(body) if body else {}
    except ValueError:
        members = {}
    return Asked(
        method=method_of(handler.path),
        path=handler.path,
        body=body,
        members=members if isinstance(members, dict) else {},
        authorization=handler.headers.get("Authorization", ""),
        headers=dict(handler.headers),
    )


def _is_known(asked: Asked) -> bool:
    """Whoever has a signed URL needs no credentials, and a token that is asked about shows itself."""
    if asked.method in ("file", "IntrospectToken"):
        return True
    basic = base64.b64encode(f"{USERNAME}:{KEY}".encode()).decode()
    return asked.authorization in (f"Bearer {TOKEN}", f"Basic {basic}")


def _break(handler: BaseHTTPRequestHandler, fault: Fault) -> None:
    if fault.act == "hang_after":
        with suppress(OSError):
            handler.connection.recv(1)  # until the client gives up
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def _send(handler: BaseHTTPRequestHandler, answer: Answer, *, chunks: int | None = None) -> None:
    """Send an answer; of a stream at most so many chunks."""
    handler.send_response(answer.status)
    handler.send_header("Content-Type", answer.kind)
    handler.send_header("Connection", "close")
    for name, text in answer.headers.items():
        handler.send_header(name, text)
    if answer.stream is None:
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body[: len(answer.body) // 2] if chunks else answer.body)
        return
    handler.end_headers()
    for number, chunk in enumerate(answer.stream, start=1):
        handler.wfile.write(chunk)
        if number == chunks:
            return

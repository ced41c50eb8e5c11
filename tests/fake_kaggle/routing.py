"""The fake Kaggle's paths: from a request to its answer."""

import base64
import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.fake_kaggle.faults import Fault
from tests.fake_kaggle.journal import Asked
from tests.fake_kaggle.kernels import BadRequest, Denied, Members
from tests.fake_kaggle.service import FakeKaggle, as_json
from tests.fake_kaggle.session import Session

_LOGS = re.compile(r"/kernels/logs/stream/([^/]+)/([^/]+)")
_ZIP = re.compile(r"/kernels/output/download/([^/]+)/([^/]+)")
_RPC = re.compile(r"/[a-z]+\.[A-Za-z]+/([A-Za-z]+)")
_TICK_S = 0.02


@dataclass(frozen=True)
class Answer:
    """What goes back; a stream has no announced length and may break off."""

    status: int
    body: bytes = b""
    kind: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Iterator[bytes] | None = None


def method_of(path: str) -> str:
    """What the journal and the fault script call a path."""
    place = _below(path)
    if match := _RPC.fullmatch(place):
        return match[1]
    for word, pattern in (("logs", _LOGS), ("zip", _ZIP)):
        if pattern.fullmatch(place):
            return word
    return place.lstrip("/").partition("/")[0]  # file, mcp


def answer_to(asked: Asked, kaggle: FakeKaggle) -> Answer:
    """Do what is asked."""
    try:
        return _route(asked, kaggle)
    except Denied as error:
        return _failed(403, str(error))
    except FileNotFoundError:
        return _failed(404, "Not found")
    except BadRequest as error:
        return _failed(400, str(error))


def instead(fault: Fault) -> Answer | None:
    """What is answered without doing what was asked; None where the connection breaks."""
    retry = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
    match fault.act:
        case "429_json":
            return Answer(
                429, as_json({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}), headers=retry
            )
        case "429_html":
            return Answer(429, b"<html>Too many requests</html>", kind="text/html", headers=retry)
        case "500":
            return _failed(500, "Internal error \x1b[31m")
        case "400":
            return _failed(400, "Bad request")
        case "html":
            return Answer(200, b"<html>Just a moment...</html>", kind="text/html")
        case "denied":
            return _failed(403, "Permission 'kernels.get' was denied")
        case "answer":
            told = fault.answer
            return Answer(200, told if isinstance(told, bytes) else as_json(told), kind=fault.kind)
    return None


def _route(asked: Asked, kaggle: FakeKaggle) -> Answer:
    place = _below(asked.path)
    if asked.method == "file":
        return _file(asked, kaggle)
    if asked.method == "mcp":
        told = kaggle.mcp(asked.members)
        return Answer(200 if told else 202, told or b"", kind="text/event-stream")
    if match := _LOGS.fullmatch(place):
        return _logs(kaggle.kernels.session(_named(match, asked)))
    if match := _ZIP.fullmatch(place):
        session = kaggle.kernels.session(_named(match, asked))
        return _moved(f"{kaggle.url}/v1/kernels/output/download_zip/{session.id}")
    if asked.method == "DownloadDataFile":
        return _moved(kaggle.data_file_url(asked.members))
    call = kaggle.rpc(asked.method)
    if call is None:
        raise FileNotFoundError(place)
    return Answer(200, as_json(call(asked.members)))


def _below(path: str) -> str:
    return re.sub(r"^(/api)?/v1(?=/)", "", urlsplit(path).path)


def _failed(status: int, message: str) -> Answer:
    return Answer(status, as_json({"code": status, "message": message}))


def _moved(where: str) -> Answer:
    return Answer(302, headers={"Location": where})


def _named(match: re.Match[str], asked: Asked) -> Members:
    query = {name: words[0] for name, words in parse_qs(urlsplit(asked.path).query).items()}
    named: Members = {"userName": match[1], "kernelSlug": match[2]}
    label = query.get("versionLabel") or (f"v{query['versionNumber']}" if "versionNumber" in query else None)
    return {**named, "versionLabel": label} if label else named


def _file(asked: Asked, kaggle: FakeKaggle) -> Answer:
    signature = parse_qs(urlsplit(asked.path).query).get("X-Signature", [""])[0]
    path = kaggle.urls.find(signature)
    if path is None:
        return Answer(403, b"<Error><Code>ExpiredToken</Code></Error>", kind="application/xml")
    content, kind = path.read_bytes(), "application/octet-stream"
    md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    told: dict[str, str] = {}
    if kaggle.tells_md5:
        told["x-goog-hash"] = f"md5={md5}"
    if kaggle.tells_version:
        told["ETag"] = f'"{content_version(content)}"'
    match = re.fullmatch(r"bytes=([0-9]+)-", asked.headers.get("Range", ""))
    if match is None:
        return Answer(200, content, kind=kind, headers=told)
    start = int(match[1])
    if start >= len(content):
        return Answer(416, headers={"Content-Range": f"bytes */{len(content)}"})
    told["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    return Answer(206, content[start:], kind=kind, headers=told)


def content_version(content: bytes) -> str:
    """What a version of a file is called."""
    return hashlib.sha256(content).hexdigest()[:32]


def _logs(session: Session) -> Answer:
    """SSE while the session runs, from its first line on; the whole array once it has ended."""
    if session.alive:
        return Answer(200, kind="text/event-stream", stream=_lines(session))
    return Answer(200, session.log_text().encode())


def _lines(session: Session) -> Iterator[bytes]:
    sent = 0
    while True:
        over = not session.alive
        for record in session.log[sent:]:
            yield b"data: " + as_json(record) + b"\n\n"
            sent += 1
        if over:
            yield b"data: END_OF_LOG\n\n"
            return
        time.sleep(_TICK_S)

"""A judge over real sockets that can be told, for each step, how to misbehave.

It keeps count of the jobs it has created: the history that decides whether a client submitted twice.
"""

import gzip
import json
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

Step = Literal["upload-url", "put", "post", "poll"]
Commit = Callable[[], bytes]
"""Do what was asked and return the healthy answer's body."""
Act = Callable[[socket.socket, Commit], None]
"""Answer one request, or do something else."""

_TICK_S = 0.02
CSV = "image_id,score\nhome0_g0,50.00\n"
SUMMARY = {
    "total_images": 1,
    "scored": 1,
    "missing": 0,
    "hard_fails": 0,
    "avg_score": 0.5,
    "elapsed": 0.1,
    "per_image": [{"image_id": "home0_g0", "metrics": {"ssim": 0.5}}],
}


@dataclass
class FakeJudge:
    """What it was told and what it saw."""

    acts: dict[str, list[Act]]
    port: int = 0
    upload_url: str | None = None
    jobs: list[str] = field(default_factory=list)
    zips: list[bytes] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def act(self, step: str) -> Act:
        """The next act of a step; the last one told to go on for ever stays."""
        with self.lock:
            self.steps.append(step)
            told = self.acts.get(step, [])
            if not told:
                return healthy
            return told[0] if getattr(told[0], "forever", False) else told.pop(0)

    def commit(self, step: str, body: bytes) -> bytes:
        if step == "upload-url":
            url = self.upload_url or f"{self.url}/bucket/key?signature=canary"
            return json.dumps({"upload_url": url, "s3_key": f"uploads/{uuid.uuid4()}.zip"}).encode()
        if step == "put":
            self.zips.append(body)
            return b""
        if step == "post":
            with self.lock:
                self.jobs.append(str(uuid.uuid4()))
            return json.dumps({"request_id": self.jobs[-1]}).encode()
        return json.dumps({"status": "COMPLETED", "csv": CSV, "summary": SUMMARY}).encode()


@contextmanager
def fake_judge(acts: Mapping[str, list[Act]] | None = None) -> Iterator[FakeJudge]:
    """Run a judge whose first requests of each step meet the acts given for it."""
    judge = FakeJudge({step: list(told) for step, told in (acts or {}).items()})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        judge.port = listener.getsockname()[1]
        listening = threading.Thread(target=_listen, args=(listener, judge), daemon=True)
        listening.start()
        yield judge
        listener.shutdown(socket.SHUT_RDWR)
        listening.join()


def _listen(listener: socket.socket, judge: FakeJudge) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(connection, judge), daemon=True).start()


def _serve(connection: socket.socket, judge: FakeJudge) -> None:
    with connection, suppress(OSError):
        connection.settimeout(5)
        head, body = _request(connection)
        if not head:
            return
        method, path, _ = head.split("\r\n")[0].split(" ")
        step = _step(method, path)
        judge.headers.append((step, head))
        judge.act(step)(connection, lambda: judge.commit(step, body))


def _step(method: str, path: str) -> Step:
    if method == "PUT":
        return "put"
    if path.startswith("/api/upload-url"):
        return "upload-url"
    return "post" if method == "POST" else "poll"


def _request(connection: socket.socket) -> tuple[str, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        if not (chunk := connection.recv(65536)):
            return "", b""
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    size = next((int(line.split(":")[1]) for line in lines if line.startswith("content-length:")), 0)
    while len(body) < size:
        if not (chunk := connection.recv(65536)):
            return "", b""
        body += chunk
    return head.decode(), body


def answer(body: bytes, *, status: int = 200, headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status} Told\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
    return head.encode() + body


def healthy(connection: socket.socket, commit: Commit) -> None:
    connection.sendall(answer(commit()))


def status(code: int, body: bytes = b"", *, headers: str = "") -> Act:
    return lambda connection, commit: connection.sendall(answer(body, status=code, headers=headers))


def committed_then(code: int) -> Act:
    """The proxy before the judge gives up although the judge did the work."""

    def act(connection: socket.socket, commit: Commit) -> None:
        commit()
        connection.sendall(answer(b"gateway", status=code))

    return act


def says(members: object) -> Act:
    """Commit, but answer with this JSON."""

    def act(connection: socket.socket, commit: Commit) -> None:
        commit()
        body = members if isinstance(members, bytes) else json.dumps(members).encode()
        connection.sendall(answer(body))

    return act


def forever(act: Act) -> Act:
    def again(connection: socket.socket, commit: Commit) -> None:
        act(connection, commit)

    again.forever = True  # type: ignore[attr-defined]
    return again


def drop(connection: socket.socket, commit: Commit) -> None:
    """Close without a word, nothing done."""


def drop_after_commit(connection: socket.socket, commit: Commit) -> None:
    commit()


def reset(connection: socket.socket, commit: Commit) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def truncated(connection: socket.socket, commit: Commit) -> None:
    whole = answer(commit() + b" " * 20)
    connection.sendall(whole[:-25])


def hang(connection: socket.socket, commit: Commit) -> None:
    commit()
    with suppress(OSError):
        connection.recv(1)  # until the client gives up


def slow_headers(connection: socket.socket, commit: Commit) -> None:
    _trickle(connection, b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 1000)


def slow_body(connection: socket.socket, commit: Commit) -> None:
    whole = answer(commit() + b" " * 5000)
    head, _, body = whole.partition(b"\r\n\r\n")
    connection.sendall(head + b"\r\n\r\n")
    _trickle(connection, body)


def _trickle(connection: socket.socket, body: bytes) -> None:
    for position in range(len(body)):
        connection.sendall(body[position : position + 1])
        time.sleep(_TICK_S)


def close_delimited_cut(connection: socket.socket, commit: Commit) -> None:
    """The connection's end is the body's end, so a cut cannot be seen."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + commit()[:-5])


def html(connection: socket.socket, commit: Commit) -> None:
    commit()
    connection.sendall(answer(b"<html>\x1b[31mSign in</html>", headers="Content-Type: text/html\r\n"))


def compressed(connection: socket.socket, commit: Commit) -> None:
    connection.sendall(answer(gzip.compress(commit()), headers="Content-Encoding: gzip\r\n"))


def flood(connection: socket.socket, commit: Commit) -> None:
    """Announce a GiB in chunks and send until nobody listens."""
    commit()
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    for _ in range(1024):
        connection.sendall(chunk)


def announced_flood(connection: socket.socket, commit: Commit) -> None:
    commit()
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n{")


def redirect(connection: socket.socket, commit: Commit) -> None:
    head = "Location: http://127.0.0.1:9/elsewhere?token=canary\r\n"
    connection.sendall(answer(b"", status=302, headers=head))

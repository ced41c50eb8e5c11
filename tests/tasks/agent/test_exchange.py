"""One HTTP request against servers that misbehave, each a real socket on loopback."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread

import pytest

from tasks.agent import store
from tasks.agent.errors import ObjectTooLong, StoreRefused, StoreUnreachable
from tasks.agent.exchange import Request, exchange
from tasks.domain.batches import Place

Serve = Callable[[socket.socket], None]


@contextmanager
def server(serve: Serve) -> Iterator[str]:
    """Answer each connection with ``serve``, which sees the request read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    line, _ = listener.accept()
                except OSError:
                    return
                with line, suppress(OSError):  # the client may hang up, as it should
                    line.recv(1 << 16)
                    serve(line)

        Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/object?X-Amz-Signature=secret"
        listener.shutdown(socket.SHUT_RDWR)


def get(url: str, *, limit_s: float = 20, max_bytes: int = 100) -> bytes:
    return exchange(Request("GET", url, "the object"), limit_s=limit_s, max_bytes=max_bytes).body


def says(text: bytes) -> Serve:
    return lambda line: line.sendall(text)


def test_a_whole_answer_is_read() -> None:
    with server(says(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")) as url:
        assert get(url) == b"body"


@pytest.mark.parametrize("part", ["head", "body", "last body"])
def test_an_answer_that_trickles_is_cut_off_when_its_time_is_up(part: str) -> None:
    def trickle(line: socket.socket) -> None:
        if part != "head":
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n")
            line.sendall(b"Connection: close\r\n\r\n" if part == "last body" else b"\r\n")
        for _ in range(100):
            line.sendall(b"H")
            time.sleep(0.1)

    # a limit on each wait alone bears all of it and then says something else
    with server(trickle) as url, pytest.raises(StoreUnreachable, match=r"took longer than 0\.5 s"):
        get(url, limit_s=0.5, max_bytes=10_000)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nbody",
        b"HTTP/1.1 200",
        b"",
    ],
    ids=["cut short", "chunks without an end", "neither length nor chunks", "half a head", "nothing"],
)
def test_an_answer_that_may_not_be_whole_is_no_answer(answer: bytes) -> None:
    with server(says(answer)) as url, pytest.raises(StoreUnreachable) as raised:
        get(url)
    assert "secret" not in str(raised.value)


def test_a_longer_answer_than_expected_is_not_read_to_its_end() -> None:
    endless = says(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(5000))
    with server(endless) as url, pytest.raises(ObjectTooLong):
        get(url)


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with server(says(moved)) as url, pytest.raises(StoreRefused, match="302"):
        store.read(url, what="the object", max_bytes=100)


def test_an_outage_is_borne_and_a_refusal_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_PAUSES_S", (0.01, 0.01, 0.01))
    answers = [
        b"HTTP/1.1 503 Slow\r\nContent-Length: 0\r\n\r\n",
        b"",
        b"HTTP/1.1 429 Many\r\nContent-Length: 0\r\n\r\n",
    ]
    answers.append(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")
    with server(lambda line: line.sendall(answers.pop(0))) as url:
        assert store.read(url, what="the object", max_bytes=100) == b"body"
    refusals = [
        b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ]
    with server(lambda line: line.sendall(refusals.pop(0))) as url, pytest.raises(StoreRefused):
        store.read(url, what="the object", max_bytes=100)


def test_an_outage_that_lasts_is_told_without_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_PAUSES_S", (0.01,))
    slow = says(b"HTTP/1.1 503 Slow\r\nContent-Length: 0\r\n\r\n")
    told = "answers 503 to PUT of the object"
    with server(slow) as url, pytest.raises(StoreUnreachable, match=told) as raised:
        store.create(Place(put=url, headers={}, get=url), b"body", what="the object")
    assert "secret" not in str(raised.value)

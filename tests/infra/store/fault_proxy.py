"""A TCP proxy between client and server that loses replies, cuts them, or is away for a while."""

import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

_CHUNK = 1 << 16
Fault = Literal["lose reply", "cut reply"]
Hook = Callable[[bytes, list[Fault]], bytes]


@dataclass
class FaultProxy:
    """Forwards everything but what it was told to spoil."""

    server: tuple[str, int]
    port: int = 0
    _faults: dict[bytes, list[Fault]] = field(default_factory=dict)
    _listener: socket.socket | None = None
    _open: set[socket.socket] = field(default_factory=set)
    _lossy: dict[bytes, float] = field(default_factory=dict)
    _choices: random.Random = field(default_factory=random.Random)
    sprung: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def spoil(self, request: str, *, fault: Fault, times: int = 1) -> None:
        """Spoil the replies to the next requests whose first line begins like this, as in ``PUT /b/k``.

        The server has acted on the request by then: the fault is sprung when its reply arrives.
        """
        self._faults[request.encode()] = [fault] * times

    def lose_replies(self, request: str, *, share: float, seed: int) -> None:
        """Lose this share of the replies to all requests whose first line begins like this."""
        self._lossy[request.encode()] = share
        self._choices.seed(seed)

    def come_up(self) -> None:
        """Listen, on the same port as before."""
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def go_down(self) -> None:
        """Refuse connections and break those that are open."""
        assert self._listener is not None
        # shutdown wakes the thread that accepts; close alone would not.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            _break(connection)

    def come_back_after(self, seconds: float) -> threading.Timer:
        """Start a timer that ends the outage; join it."""
        timer = threading.Timer(seconds, self.come_up)
        timer.start()
        return timer

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            upstream = socket.create_connection(self.server)
            self._open |= {client, upstream}
            pending: list[Fault] = []
            for source, target, hook in (
                (client, upstream, self._watch_request),
                (upstream, client, self._spoil_reply),
            ):
                threading.Thread(target=self._pump, args=(source, target, hook, pending), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, hook: Hook, pending: list[Fault]) -> None:
        with suppress(OSError):
            while received := source.recv(_CHUNK):
                passed = hook(received, pending)
                target.sendall(passed)
                if len(passed) < len(received):
                    break
        for connection in (source, target):
            _break(connection)
            self._open.discard(connection)

    def _watch_request(self, received: bytes, pending: list[Fault]) -> bytes:
        for start, faults in self._faults.items():
            if faults and received.startswith(start):
                pending.append(faults.pop())
        for start, share in self._lossy.items():
            if received.startswith(start) and self._choices.random() < share:
                pending.append("lose reply")
        return received

    def _spoil_reply(self, received: bytes, pending: list[Fault]) -> bytes:
        if not pending or received.startswith(b"HTTP/1.1 100"):
            return received
        self.sprung += 1
        return b"" if pending.pop() == "lose reply" else received[: len(received) - 1]


def _break(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


@contextmanager
def fault_proxy(endpoint_url: str) -> Iterator[FaultProxy]:
    """Run a proxy before the server at ``endpoint_url``."""
    parts = urlsplit(endpoint_url)
    proxy = FaultProxy(server=(parts.hostname or "", parts.port or 0))
    proxy.come_up()
    try:
        yield proxy
    finally:
        proxy.go_down()

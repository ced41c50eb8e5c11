"""Answers ``GET /status`` with one word, to whoever bears the token: how the agent is or how it ended.

Where a container that ends is started anew, the agent stays to say that it is done.
"""

import hmac
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

_SLOWEST_S = 10  # that one who asks may take


class StatusServer(ThreadingHTTPServer):
    """Serves the word in ``word`` from a thread of its own, until the process ends."""

    daemon_threads = True

    def __init__(self, port: int, token: str | None) -> None:
        self.word = "running"
        self._token = token
        super().__init__(("", port), _Answer)
        Thread(target=self.serve_forever, name="status", daemon=True).start()

    def admits(self, authorization: str | None) -> bool:
        """Whether this header bears the token; without a token nobody is admitted."""
        if self._token is None or authorization is None:
            return False
        return hmac.compare_digest(authorization.encode(), f"Bearer {self._token}".encode())


class _Answer(BaseHTTPRequestHandler):
    timeout = _SLOWEST_S
    server: StatusServer

    def do_GET(self) -> None:
        if not self.server.admits(self.headers["Authorization"]):
            self._say(401, "unauthorised")
        elif self.path != "/status":
            self._say(404, "not found")
        else:
            self._say(200, self.server.word)

    def log_message(self, format: str, *args: object) -> None:
        """Write no line for each question."""

    def _say(self, status: int, word: str) -> None:
        body = f"{word}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

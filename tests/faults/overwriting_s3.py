"""An S3 server that ignores ``If-None-Match`` and ``If-Match``, as some that are sold do."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape


class _Overwriting(BaseHTTPRequestHandler):
    """Keeps objects in memory; knows put, get, head, delete and one page of a list."""

    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]

    def do_PUT(self) -> None:
        self.objects[self._key()] = self._body()
        self._answer(200, tag=self._tag())

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            self._answer(200, _listing(self.objects, query.get("prefix", [""])[0]))
        elif self._key() in self.objects:
            self._answer(200, self.objects[self._key()], tag=self._tag())
        else:
            self._answer(404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.objects.pop(self._key(), None)
        self._answer(204)

    def do_POST(self) -> None:
        self._body()
        self._answer(501)

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _key(self) -> str:
        return urlsplit(self.path).path.removeprefix("/bucket/")

    def _tag(self) -> str:
        return hashlib.md5(self.objects[self._key()], usedforsecurity=False).hexdigest()

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _answer(self, status: int, body: bytes = b"", *, tag: str | None = None) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        if tag:
            self.send_header("ETag", f'"{tag}"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _listing(objects: dict[str, bytes], prefix: str) -> bytes:
    entries = "".join(
        f'<Contents><Key>{escape(key)}</Key><Size>{len(body)}</Size><ETag>"0"</ETag></Contents>'
        for key, body in sorted(objects.items())
        if key.startswith(prefix)
    )
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode()


@contextmanager
def overwriting_s3() -> Iterator[str]:
    """Serve on loopback for the length of a block; the URL takes any keys, its bucket is ``bucket``."""
    handler = type("Handler", (_Overwriting,), {"objects": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()

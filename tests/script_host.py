"""A web server that holds one script."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def script_host(script: str) -> Iterator[str]:
    """Give the script's URL for the length of a block; it holds a key, as such URLs may."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(script.encode())))
            self.end_headers()
            self.wfile.write(script.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/train.py?key=CANARY-script-key"
        server.shutdown()
        serving.join()

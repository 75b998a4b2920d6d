"""S3 servers that take everything: one whose clock the test sets, one that never ends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def store_that_trickles(prefix: str, is_over: threading.Event) -> Iterator[str]:
    """Yield the URL of a store that answers what is put below `prefix` a byte a second.

    No read of the client takes long, so none of its timeouts ends it; only `is_over` does.
    """

    class Store(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            while prefix in self.path and not is_over.wait(1):
                self.wfile.write(b"H")
            self._answer()

        def do_HEAD(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _answer(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with _serving(Store) as url:
        yield url


@contextmanager
def store_with_clock(now_s: float) -> Iterator[str]:
    """Yield the URL of a store that dates every answer `now_s`, in seconds since the epoch."""

    class Store(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer(b"")

        def do_GET(self) -> None:
            self._answer(b"<ListBucketResult></ListBucketResult>")

        def do_DELETE(self) -> None:
            self._answer(b"")

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(now_s, usegmt=True)

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with _serving(Store) as url:
        yield url


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

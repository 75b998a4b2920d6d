"""An S3 server that takes everything, and whose clock the test sets."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


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

    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

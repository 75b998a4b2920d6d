"""Servers on this machine that are no healthy camera: each speaks for as long as its context."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer

UNKNOWN_VIDEO = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=odd\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 X-NOBODY-KNOWS/90000\r\na=control:trackID=0\r\n"
)
_HEADERS = {
    "OPTIONS": "Public: OPTIONS, DESCRIBE, SETUP, PLAY\r\n",
    "DESCRIBE": "Content-Type: application/sdp\r\n",
    "SETUP": "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n",
}
RTP_PACKETS = 50


class _RtspTalk(StreamRequestHandler):
    """Answers each request with success, and sends what no decoder knows."""

    def handle(self) -> None:
        while (line := self.rfile.readline()) and (words := line.split()):
            method = words[0].decode()
            self._answer(method, self._sequence())
            if method == "PLAY":
                for number in range(RTP_PACKETS):
                    self.wfile.write(_interleaved(number))

    def _sequence(self) -> str:
        sequence = ""
        while header := self.rfile.readline().strip().decode():
            name, _, value = header.partition(":")
            sequence = value.strip() if name.lower() == "cseq" else sequence
        return sequence

    def _answer(self, method: str, sequence: str) -> None:
        body = UNKNOWN_VIDEO if method == "DESCRIBE" else ""
        headers = _HEADERS.get(method, "")
        self.wfile.write(
            f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\n{headers}"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )


def _interleaved(number: int) -> bytes:
    rtp = bytes([0x80, 96]) + number.to_bytes(2, "big") + (number * 3600).to_bytes(4, "big")
    packet = rtp + b"odd!" + bytes(100)
    return b"$\x00" + len(packet).to_bytes(2, "big") + packet


class _QuietServer(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_arguments: object) -> None:
        """Say nothing of a client that hung up."""


@contextmanager
def unknown_codec_server() -> Iterator[int]:
    """Yield the port of an RTSP server with video that nothing decodes."""
    with _QuietServer(("127.0.0.1", 0), _RtspTalk) as server:
        yield from _served(server)


@contextmanager
def web_server() -> Iterator[int]:
    """Yield the port of a real HTTP server."""
    with HTTPServer(("127.0.0.1", 0), _QuietHttp) as server:
        yield from _served(server)


class _QuietHttp(BaseHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Say nothing: pytest shows standard error."""


@contextmanager
def silent_server() -> Iterator[int]:
    """Yield a port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def _served(server: ThreadingTCPServer | HTTPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()

"""The small HTTP server of a service: /metrics, /healthz and /readyz."""

import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from runtime.errors import ConfigurationError

StartResponse = Callable[[str, list[tuple[str, str]]], object]


class Heartbeat:
    """Knows whether a loop still turns: it must call `beat` at least every `stuck_after_s`."""

    def __init__(self, now_s: Callable[[], float], stuck_after_s: float) -> None:
        self._now_s = now_s
        self._stuck_after_s = stuck_after_s
        self._beat_s = now_s()
        self.is_ready = False

    def beat(self) -> None:
        """Say that the loop has turned once more."""
        self._beat_s = self._now_s()

    @property
    def is_alive(self) -> bool:
        """Whether the loop has turned recently."""
        return self._now_s() - self._beat_s < self._stuck_after_s


class HealthServer:
    """Serves metrics and health from a thread of its own until it is closed."""

    def __init__(
        self, host: str, port: int, registry: CollectorRegistry, heartbeat: Heartbeat
    ) -> None:
        """Listen at once; raise ConfigurationError if the port is taken."""
        self._metrics = make_wsgi_app(registry)
        self._heartbeat = heartbeat
        try:
            self._server = make_server(host, port, self._respond, _Server, _QuietHandler)
        except OSError as error:
            raise ConfigurationError(
                f"http_host {host}, http_port {port}: cannot listen there ({error.strerror}); "
                "set FRAMERAIL_HTTP_PORT to a free port, or 0 for any"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="health", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_port)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _respond(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if path == "/metrics":
            body: Iterable[bytes] = self._metrics(environ, start)
            return body
        checks = {"/healthz": self._heartbeat.is_alive, "/readyz": self._heartbeat.is_ready}
        if path not in checks:
            return _answer(start, "404 Not Found")
        return _answer(start, "200 OK" if checks[path] else "503 Service Unavailable")


def _answer(start: StartResponse, status: str) -> Iterable[bytes]:
    start(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [status.encode() + b"\n"]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_address = True


class _QuietHandler(WSGIRequestHandler):
    timeout = 10  # seconds; a client that never sends its request must not hold a thread

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: probes come every few seconds."""

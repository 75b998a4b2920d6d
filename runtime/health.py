"""The small HTTP server of a service: /metrics, /healthz and /readyz."""

import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any, TypeVar
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from runtime.errors import ConfigurationError

StartResponse = Callable[[str, list[tuple[str, str]]], object]
A = TypeVar("A")
T = TypeVar("T")


class Heartbeat:
    """Knows whether the threads of a service still turn: its loop, and those that work for it.

    A thread that beats must beat again within `stuck_after_s` seconds, unless it rests; and one of
    them must have begun within that time.
    """

    def __init__(self, now_s: Callable[[], float], stuck_after_s: float) -> None:
        self._now_s = now_s
        self._stuck_after_s = stuck_after_s
        self._beats_s: dict[int | None, float] = {None: now_s()}
        self._checks: list[Callable[[], bool]] = []
        self.is_ready = False

    def beat(self) -> None:
        """Say that this thread has turned once more."""
        self._beats_s[threading.get_ident()] = self._now_s()
        self._beats_s.pop(None, None)

    def rest(self) -> None:
        """Say that this thread has nothing to do, or waits for what may stay away for long."""
        self._beats_s.pop(threading.get_ident(), None)

    def watching(self, work: Callable[[A], T]) -> Callable[[A], T]:
        """Return `work` as other threads may do it: each call must end in time, or beat."""

        def watched(given: A) -> T:
            self.beat()
            try:
                return work(given)
            finally:
                self.rest()

        return watched

    def require(self, check: Callable[[], bool]) -> None:
        """Have something else hold too; `check` is asked from any thread, and must not wait."""
        self._checks.append(check)

    @property
    def is_alive(self) -> bool:
        """Whether every thread has turned recently, and all else that is required holds."""
        oldest_s = min(list(self._beats_s.values()), default=self._now_s())
        has_turned = self._now_s() - oldest_s < self._stuck_after_s
        return has_turned and all(check() for check in self._checks)


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

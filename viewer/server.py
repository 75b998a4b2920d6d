"""The web server: uvicorn, told to stop by our own signal, and patient with no connection."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from runtime.errors import ConfigurationError
from runtime.stop import StopSignal
from viewer.followers import Followers
from viewer.web import SECURITY_HEADERS

REQUEST_WITHIN_S = 15
"""A connection that has not sent a whole request by then is ended."""
UNREAD_AFTER_S = 20
"""A client that takes nothing of what was sent, or is gone without a word, is hung up on."""
UNREAD_BYTES = 256 * 1024
"""Some walls of 64 streams: Linux would hold a minute of them for a client that cannot keep up."""
FINISH_WITHIN_S = 1
"""Answers under way at a stop may end; events do at once."""
OTHER_CONNECTIONS = 256
"""Beside those that follow: pictures, pages, and what a browser opens in advance."""


class WebServer(uvicorn.Server):
    """Serves until the stop signal, which stays with us; then ends the events first."""

    def __init__(
        self, app: FastAPI, followers: Followers, max_clients: int, stop: StopSignal
    ) -> None:
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http=ImpatientProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            headers=list(SECURITY_HEADERS),
            limit_concurrency=max_clients + OTHER_CONNECTIONS,
            timeout_keep_alive=REQUEST_WITHIN_S,
            timeout_graceful_shutdown=FINISH_WITHIN_S,
        )
        super().__init__(config)
        self._followers = followers
        self._stop = stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signals: run_service does."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Look, ten times a second, whether to end."""
        if self._stop.is_set:
            self._followers.close()
            self.should_exit = True
        return await super().on_tick(counter)


class ImpatientProtocol(H11Protocol):
    """uvicorn's protocol, which by itself waits for a request for ever."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request."""
        super().connection_made(transport)
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        """Go on expecting until the head of a request is whole."""
        super().data_received(data)
        if self._is_answering:
            self._expect_nothing()
        elif self._deadline is None:
            self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._expect_nothing()
        super().connection_lost(exc)

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_request(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_WITHIN_S, self._hang_up)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _hang_up(self) -> None:
        self._deadline = None
        if not self._is_answering:
            self.transport.abort()


def listening_socket(host: str, port: int) -> socket.socket:
    """Listen at once; raise ConfigurationError if that cannot be."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(address[:2], family=family, backlog=256)
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that no lookup takes
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationError(
            f"viewer_host {host}, viewer_port {port}: cannot listen there ({reason}); "
            "set FRAMERAIL_VIEWER_PORT to a free port, or 0 for any"
        ) from error
    # Connections inherit both.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_AFTER_S * 1000)
    return listener

"""kafka-python's connections: cheaper ones, which tell a broker that refuses us from one away."""

import selectors
import ssl
from socket import socket
from typing import Any

from kafka.errors import (
    KafkaConnectionError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

_READ_BYTES = 256 * 1024
"""The library reads 4 KiB at a time, so 22 times for a frame of 87 kB."""

_NOTHING_YET = (
    BlockingIOError,
    InterruptedError,
    ssl.SSLWantReadError,
    ssl.SSLWantWriteError,
)

REFUSALS = (SaslAuthenticationFailedError, UnsupportedSaslMechanismError)


class UntrustedBroker(KafkaConnectionError):  # type: ignore[misc]  # the library has no types
    """The broker's certificate is not signed by the authority that is trusted, or not its own."""


class Attempts:
    """Makes the clients of one start, and remembers why the last attempt to connect failed."""

    def __init__(self) -> None:
        self.last_failure: BaseException | None = None

    def client(self, **options: Any) -> KafkaNetClient:
        """Return what kafka-python takes as its `kafka_client`."""
        net = NetworkSelector(**(options | {"selector": QuietSelector}))
        return KafkaNetClient(net, _Manager(self, net, **options), **options)


class QuietSelector(selectors.DefaultSelector):
    """The standard selector, but a file that it does not know costs no text.

    The library asks for its socket before each wait, and finds it missing each time; the standard
    error describes the socket by three system calls.
    """

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """Return the key of a socket; raise KeyError if it is not registered."""
        number = fileobj.fileno()
        return super().get_key(fileobj if number < 0 else number)


def received(sock: socket) -> tuple[bytes, KafkaConnectionError | None]:
    """Return all that has come, without waiting, or what ended the connection, but never both.

    What came before a hang-up goes first: the next reading tells of the end once more. Whatever the
    end, it is the error that the client retries after.
    """
    chunks = []
    try:
        while chunk := sock.recv(_READ_BYTES):
            chunks.append(chunk)
    except _NOTHING_YET:
        return b"".join(chunks), None
    except (OSError, ValueError) as error:  # ValueError: TLS was ended on our side
        ending = KafkaConnectionError(error)
    else:
        ending = KafkaConnectionError("the broker has hung up")
    return b"".join(chunks), None if chunks else ending


class _Manager(KafkaConnectionManager):  # type: ignore[misc]  # the library has no types
    """kafka-python's manager with two faults mended (3.0.12).

    A broker that refuses a password says so and hangs up, often in one packet, and the library
    throws away what came before a hang-up. And where the refusal is heard, a start goes on trying
    until its time is up: `_auth_failures`, which ends it, is never filled.
    """

    def __init__(self, attempts: Attempts, net: NetworkSelector, **options: Any) -> None:
        super().__init__(net, **options)
        self._attempts = attempts

    async def _build_transport(self, node: Any, timeout_at: float | None = None) -> Any:
        try:
            transport = await super()._build_transport(node, timeout_at)
        except KafkaConnectionError as error:
            if isinstance(error.__context__, ssl.SSLCertVerificationError):
                self._refused(node, UntrustedBroker(error.__context__.verify_message))
            raise
        transport._sock_recv = lambda: received(transport._sock)
        return transport

    async def _connect(self, node: Any, conn: Any, **options: Any) -> None:
        await super()._connect(node, conn, **options)
        error = conn.init_future.exception
        if isinstance(error, REFUSALS):
            self._refused(node, error)
        self._attempts.last_failure = error

    def _refused(self, node: Any, error: BaseException) -> None:
        # Only a start ends so. Later, such as while passwords are changed, it is tried again.
        if not self.bootstrapped:
            self._auth_failures[node.node_id] = error

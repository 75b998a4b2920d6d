"""kafka-python's connections, which tell a broker that refuses us from one that is away."""

import ssl
from typing import Any

from kafka.errors import (
    KafkaConnectionError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

REFUSALS = (SaslAuthenticationFailedError, UnsupportedSaslMechanismError)


class UntrustedBroker(KafkaConnectionError):  # type: ignore[misc]  # the library has no types
    """The broker's certificate is not signed by the authority that is trusted, or not its own."""


class Attempts:
    """Makes the clients of one start, and remembers why the last attempt to connect failed."""

    def __init__(self) -> None:
        self.last_failure: BaseException | None = None

    def client(self, **options: Any) -> KafkaNetClient:
        """Return what kafka-python takes as its `kafka_client`."""
        net = NetworkSelector(**options)
        return KafkaNetClient(net, _Manager(self, net, **options), **options)


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
        receive = transport._sock_recv

        def receive_the_last_words() -> tuple[bytes, BaseException | None]:
            received, error = receive()
            # The next reading tells of the end once more.
            return received, None if received else error

        transport._sock_recv = receive_the_last_words
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

"""Kafka clients as every service uses them: secured alike, never losing what was acknowledged."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import (
    AuthorizationError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
)

from runtime.errors import ConfigurationError, DependencyError
from runtime.group_consumer import GroupConsumer
from runtime.kafka_connections import REFUSALS, Attempts, UntrustedBroker
from runtime.record_batches import read_batches_within_bounds
from runtime.settings import KafkaSettings

RECORD_OVERHEAD_BYTES = 16 * 1024
"""Room for headers, key and batch framing above a record's value; ours take less than 1 KiB."""

_FOR_EVER_MS = 7 * 24 * 3600 * 1000
"""A record that was handed over is retried until the broker is back; what waits before it is
bounded by the caller, which drops and counts, instead of by a timeout here, which would lose it."""

LOOK_TIMEOUT_MS = 4000
"""Of one request of a thread that looks at Kafka again and again; the library's own 30 s would make
a thread that hangs of one that waits."""

_MAX_BLOCK_MS = 2000
"""A send blocks only while its topic is unknown to the client; the caller then tries again."""

_BATCH_BYTES = 256 * 1024
"""Small records travel together up to here. A topic's max.message.bytes bounds the whole batch, so
this must stay below the smallest limit that `runtime.topics` gives."""


class TidyProducer(KafkaProducer):  # type: ignore[misc]  # the library has no types
    """kafka-python's producer, whose own `close` leaves it open where a flush takes too long."""

    def close(self, timeout: float | None = None, null_logger: bool = False) -> None:
        """Close as KafkaProducer does; raise KafkaTimeoutError if records had to be given up."""
        try:
            super().close(timeout, null_logger)
        except KafkaTimeoutError:
            # Their futures fail now; without this the interpreter's end would wait for them again.
            self._sender.force_close()
            super().close(timeout=1.0, null_logger=null_logger)
            raise


def connection_options(settings: KafkaSettings) -> dict[str, Any]:
    """Return the options that any client of kafka-python takes to reach these brokers.

    Raises ConfigurationError if the file of the authority holds no certificate.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers.split(","),
        "bootstrap_timeout_ms": int(settings.kafka_start_timeout_s * 1000),
        "security_protocol": settings.kafka_security_protocol,
        "reconnect_backoff_max_ms": 2000,
    }
    if settings.kafka_security_protocol in ("SSL", "SASL_SSL"):
        options["ssl_context"] = _trusting(settings.kafka_ca_file)
    if settings.kafka_security_protocol.startswith("SASL") and settings.kafka_password is not None:
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_username
        options["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    return options


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except OSError as error:
        raise ConfigurationError(
            f"FRAMERAIL_KAFKA_CA_FILE {ca_file}: no certificate can be read from it ({error})"
        ) from error


def open_producer(
    settings: KafkaSettings,
    client_id: str,
    max_value_bytes: int,
    linger_ms: int,
    batch_bytes: int = _BATCH_BYTES,
    **options: Any,
) -> KafkaProducer:
    """Connect an idempotent producer that waits for all replicas; `options` are kafka-python's.

    Records of one partition travel together up to `batch_bytes`, which every topic must take.
    Raises DependencyError if no broker answers, ConfigurationError if the brokers refuse us, or if
    we refuse them because of their certificate.
    """
    with _explained(settings) as attempts:
        return TidyProducer(
            **connection_options(settings),
            kafka_client=attempts.client,
            client_id=client_id,
            metrics_enabled=False,
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            delivery_timeout_ms=_FOR_EVER_MS,
            linger_ms=linger_ms,
            batch_size=batch_bytes,
            max_request_size=max_value_bytes + RECORD_OVERHEAD_BYTES,
            max_block_ms=_MAX_BLOCK_MS,
            **options,
        )


def open_consumer(settings: KafkaSettings, client_id: str, **options: Any) -> GroupConsumer:
    """Connect a consumer that commits only when told to. Raises as `open_producer` does."""
    read_batches_within_bounds()
    with _explained(settings) as attempts:
        return GroupConsumer(
            **connection_options(settings),
            kafka_client=attempts.client,
            client_id=client_id,
            metrics_enabled=False,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            session_timeout_ms=int(settings.kafka_session_timeout_s * 1000),
            heartbeat_interval_ms=int(settings.kafka_session_timeout_s * 1000) // 4,
            **options,
        )


@contextmanager
def admin_client(settings: KafkaSettings, **options: Any) -> Iterator[KafkaAdminClient]:
    """Connect an administrator for the length of a block; `options` are kafka-python's.

    Raises as `open_producer` does.
    """
    with _explained(settings) as attempts:
        admin = KafkaAdminClient(
            **connection_options(settings), kafka_client=attempts.client, **options
        )
        try:
            yield admin
        finally:
            admin.close()


@contextmanager
def _explained(settings: KafkaSettings) -> Iterator[Attempts]:
    brokers, attempts = settings.kafka_bootstrap_servers, Attempts()
    try:
        yield attempts
    except REFUSALS as error:
        raise ConfigurationError(
            f"Kafka at {brokers} refuses user {settings.kafka_username!r}: {error}; "
            "check FRAMERAIL_KAFKA_USERNAME, _PASSWORD and _SASL_MECHANISM"
        ) from error
    except AuthorizationError as error:
        raise ConfigurationError(
            f"Kafka at {brokers} forbids this to user {settings.kafka_username!r}: {error}"
        ) from error
    except UntrustedBroker as error:
        raise ConfigurationError(
            f"Kafka at {brokers} shows a certificate that is not trusted: {error.args[0]}; check "
            "FRAMERAIL_KAFKA_CA_FILE, and that FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS names the "
            "brokers as their certificates do"
        ) from error
    except (KafkaTimeoutError, KafkaConnectionError, OSError) as error:
        raise DependencyError(
            f"no Kafka broker answered at {brokers} within {settings.kafka_start_timeout_s:g} s "
            f"({attempts.last_failure or error}); check FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS, "
            "_SECURITY_PROTOCOL, and that the broker runs"
        ) from error
    except KafkaError as error:
        raise DependencyError(f"Kafka at {brokers}: {error}") from error

"""The edge to the post-processors' group: how far in `results` they have come."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from contracts.names import RESULTS_TOPIC
from runtime.errors import DependencyError
from runtime.kafka_clients import LOOK_TIMEOUT_MS, admin_client
from runtime.settings import KafkaSettings

EVERY_S = 1.0


class Connect(Protocol):
    """Opens an administrator for the length of a block, as `admin_client` does."""

    def __call__(
        self, settings: KafkaSettings, *, request_timeout_ms: int
    ) -> AbstractContextManager[KafkaAdminClient]:
        """Connect; raise DependencyError or ConfigurationError."""


class StoredOffsets:
    """Asks for the offsets that the group has committed, and hands them over by partition."""

    def __init__(
        self,
        settings: KafkaSettings,
        take: Callable[[dict[int, int]], None],
        connect: Connect = admin_client,
    ) -> None:
        self._connect = connect
        self._settings = settings
        self._take = take
        self._opened = ExitStack()
        self._admin: KafkaAdminClient | None = None

    def turn(self) -> float:
        """Ask once; return how long to wait until the next turn, in seconds.

        Raises DependencyError or ConfigurationError, having hung up, so that the next turn connects
        anew.
        """
        try:
            if self._admin is None:
                opened = self._connect(self._settings, request_timeout_ms=LOOK_TIMEOUT_MS)
                self._admin = self._opened.enter_context(opened)
            self._take(self._committed(self._admin))
        except BaseException:
            self.close()
            raise
        return EVERY_S

    def close(self) -> None:
        """Hang up."""
        self._admin = None
        self._opened.close()

    def _committed(self, admin: KafkaAdminClient) -> dict[int, int]:
        group = self._settings.postproc_group
        try:
            # Of all its partitions: nobody knows their number here.
            found = admin.list_group_offsets({group: None})[group]
        except KafkaError as error:
            raise DependencyError(
                f"Kafka does not tell how far group {group!r} is in {RESULTS_TOPIC!r}, so no new "
                f"picture is shown: {error!r}"
            ) from error
        return {
            at.partition: told.offset
            for at, told in found.items()
            if at.topic == RESULTS_TOPIC and told.offset >= 0
        }

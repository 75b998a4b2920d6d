"""How far the two consumer groups have got: what they have committed, they have done."""

import time
from collections.abc import Sequence
from contextlib import ExitStack

from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError

from contracts.names import RESULTS_TOPIC
from runtime.deadline import Deadline
from runtime.errors import DependencyError
from runtime.kafka_clients import admin_client
from runtime.settings import KafkaSettings

ANSWER_WITHIN_S = 15.0
AGAIN_AFTER_S = 0.1


class GroupOffsets:
    """Asks Kafka for the offsets of both groups."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Connect; raise as `runtime.kafka_clients.open_producer` does."""
        self.consumer_group = settings.consumer_group
        self.postproc_group = settings.postproc_group
        with ExitStack() as opened:
            self._admin: KafkaAdminClient = opened.enter_context(admin_client(settings))
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Close the connection."""
        self._opened.close()

    def committed(self, topics: Sequence[str]) -> dict[str, int]:
        """Return the offset that the consumers read next, by topic, where they have committed one.

        Raises DependencyError if Kafka does not tell.
        """
        return self._ask(self.consumer_group, topics)

    def results_committed(self) -> int | None:
        """Return the offset of `results` that the post-processors read next; raise as above."""
        return self._ask(self.postproc_group, [RESULTS_TOPIC]).get(RESULTS_TOPIC)

    def _ask(self, group: str, topics: Sequence[str]) -> dict[str, int]:
        if not topics:
            return {}
        asked = {group: [TopicPartition(topic, 0) for topic in topics]}
        waited = Deadline(ANSWER_WITHIN_S)
        while True:
            try:
                found = self._admin.list_group_offsets(asked)[group]
                return {at.topic: told.offset for at, told in found.items() if told.offset >= 0}
            except KafkaError as error:
                # A broker whose first group this is makes the topic of the offsets only now.
                if not error.retriable or waited.is_over:
                    raise DependencyError(
                        f"Kafka does not tell the offsets of group {group!r}: {error!r}"
                    ) from error
                time.sleep(AGAIN_AFTER_S)

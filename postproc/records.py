"""One record of `results` as it lies in Kafka."""

from dataclasses import dataclass

from kafka import TopicPartition

from contracts.frames import Headers


@dataclass(frozen=True, slots=True)
class ResultRecord:
    """Coordinates and bytes of one record, unread."""

    partition: TopicPartition
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

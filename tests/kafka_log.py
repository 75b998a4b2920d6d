"""Everything that a topic of one partition holds, for the tests that look at it."""

from typing import Any

from kafka import KafkaConsumer, TopicPartition


def records_of(bootstrap: str, topic: str, start: int | None = None) -> list[Any]:
    """Return the records of a topic up to its end now, from the oldest or from `start` on."""
    partition = TopicPartition(topic, 0)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    consumer.assign([partition])
    end = consumer.end_offsets([partition])[partition]
    if start is None:
        consumer.seek_to_beginning(partition)
    else:
        consumer.seek(partition, start)
    found: list[Any] = []
    while consumer.position(partition) < end:
        found += consumer.poll(timeout_ms=1000).get(partition, [])
    consumer.close()
    return found

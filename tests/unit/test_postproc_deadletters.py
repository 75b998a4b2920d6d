"""A refused record reaches the dead letters whatever it holds."""

from collections import deque
from dataclasses import dataclass, field

import pytest
from kafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError

from postproc.deadletters import KafkaDeadLetters
from postproc.records import ResultRecord
from runtime.errors import DependencyError
from runtime.stop import StopSignal
from tests.unit.postproc_fakes import RESULTS, record

Headers = list[tuple[str, bytes]]
LIMIT_BYTES = 1000


@dataclass
class FakeAcknowledgement:
    error: Exception | None
    is_done: bool = True

    def get(self, timeout: float | None = None) -> None:
        if self.error is not None:
            raise self.error


@dataclass
class FakeProducer:
    """As strict as kafka-python's; fails with the errors given, one a record, then accepts."""

    errors: deque[Exception] = field(default_factory=deque)
    sent: list[tuple[bytes | None, bytes | None, Headers]] = field(default_factory=list)

    def send(
        self, topic: str, value: bytes | None, key: bytes | None, headers: Headers
    ) -> FakeAcknowledgement:
        assert topic == "deadletter"
        if key is None and value is None:
            raise ValueError("Need at least one: key or value")
        if not all(isinstance(content, bytes) for _, content in headers):
            raise TypeError("All headers items must be (str, bytes) tuples")
        if self.errors:
            return FakeAcknowledgement(self.errors.popleft())
        self.sent.append((key, value, headers))
        return FakeAcknowledgement(None)


def letters_to(producer: FakeProducer, stop: StopSignal | None = None) -> KafkaDeadLetters:
    return KafkaDeadLetters(producer, stop or StopSignal(), LIMIT_BYTES, lambda: None)


def test_a_record_without_key_value_or_header_value_is_kept() -> None:
    producer = FakeProducer()
    empty = ResultRecord(RESULTS, 4, None, None, [("note", None)])
    assert letters_to(producer).send(empty, "postproc.read", "no value")
    [(key, value, headers)] = producer.sent
    assert (key, value) == (b"results", None)
    assert ("note", b"") in headers
    assert ("deadletter-offset", b"4") in headers


def test_a_record_too_large_for_the_topic_is_kept_without_its_value() -> None:
    producer = FakeProducer()
    letters = letters_to(producer)
    assert letters.send(record(b"large" * LIMIT_BYTES), "postproc.read", "why")
    [(key, value, headers)] = producer.sent
    assert (key, value) == (b"cam1", None)
    assert dict(headers)["deadletter-reason"].startswith(b"why (its value of 5000 bytes")


def test_a_key_that_no_topic_would_take_is_replaced() -> None:
    producer = FakeProducer()
    poison = ResultRecord(RESULTS, 4, b"k" * 100_000, b"x")
    assert letters_to(producer).send(poison, "postproc.read", "why")
    assert producer.sent[0][:2] == (b"results", b"x")


def test_a_broker_that_does_not_answer_is_asked_again() -> None:
    producer = FakeProducer(deque([KafkaTimeoutError("late")] * 3))
    assert letters_to(producer).send(record(b"x"), "postproc.read", "why")
    assert len(producer.sent) == 1


def test_a_broker_that_forbids_it_ends_the_service() -> None:
    producer = FakeProducer(deque([TopicAuthorizationFailedError("no")]))
    with pytest.raises(DependencyError, match="topic deadletter"):
        letters_to(producer).send(record(b"x"), "postproc.read", "why")


def test_a_stop_leaves_the_record_for_the_next_start() -> None:
    producer, stop = FakeProducer(), StopSignal()
    stop.set()
    assert not letters_to(producer, stop).send(record(b"x"), "postproc.read", "why")
    assert producer.sent == []

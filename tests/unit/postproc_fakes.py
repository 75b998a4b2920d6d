"""Hand-written stand-ins for what the post-processor talks to."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from kafka import TopicPartition

from contracts.deadletters import Stage
from contracts.results import BatchResult, encode_result
from postproc.kafka_source import Owner
from postproc.pictures import Picture
from postproc.records import ResultRecord
from runtime.errors import TransientError

RESULTS = TopicPartition("results", 0)


def record(
    value: BatchResult | bytes | None, offset: int = 0, partition: TopicPartition = RESULTS
) -> ResultRecord:
    encoded = encode_result(value) if isinstance(value, BatchResult) else value
    return ResultRecord(partition, offset, b"cam1", encoded)


def wait_until(is_so: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Return once the condition holds; fail if it does not within `timeout_s` seconds."""
    turn = threading.Event()
    deadline_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline_s, "the condition did not come true in time"
        turn.wait(0.01)


@dataclass
class FakeBucket:
    """An object store that fails with the errors given, one a call, before it keeps anything."""

    failures: list[Exception] = field(default_factory=list)
    kept: dict[str, Picture] = field(default_factory=dict)

    def put(self, picture: Picture) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.kept[picture.key] = picture


@dataclass
class FakeStore:
    """A store that waits for nothing; `is_stopped` stands for a stop during its wait."""

    kept: dict[str, Picture] = field(default_factory=dict)
    is_stopped: bool = False

    def put(self, picture: Picture) -> bool:
        if self.is_stopped:
            return False
        self.kept[picture.key] = picture
        return True


@dataclass
class FakeDeadLetters:
    sent: list[tuple[ResultRecord, Stage, str]] = field(default_factory=list)
    is_stopped: bool = False

    def send(self, record: ResultRecord, stage: Stage, reason: str) -> bool:
        if self.is_stopped:
            return False
        self.sent.append((record, stage, reason))
        return True


@dataclass
class FakeResults:
    """A log in memory: `log` is what the topic holds, `committed` what the group has done."""

    log: list[ResultRecord] = field(default_factory=list)
    committed: dict[TopicPartition, int] = field(default_factory=dict)
    commit_failures: int = 0
    poll_failures: int = 0
    position: int = 0
    polls: list[int] = field(default_factory=list)
    owner: Owner | None = None

    def subscribe(self, owner: Owner) -> None:
        self.owner = owner

    def poll(self, max_records: int, timeout_s: float) -> list[ResultRecord]:
        self.polls.append(max_records)
        if self.poll_failures:
            self.poll_failures -= 1
            raise TransientError("no broker")
        fetched = self.log[self.position : self.position + max_records]
        self.position += len(fetched)
        return fetched

    def commit(self, next_offsets: Mapping[TopicPartition, int], timeout_s: float) -> None:
        if self.commit_failures:
            self.commit_failures -= 1
            raise TransientError("the group moves on")
        for partition, offset in next_offsets.items():
            assert offset > self.committed.get(partition, -1), "a commit never goes back"
        self.committed.update(next_offsets)

    def revoke(self, partitions: Collection[TopicPartition]) -> None:
        assert self.owner is not None
        self.committed.update(self.owner.give_up(partitions))


@dataclass
class GatedWork:
    """Work that ends when the test says so, per offset; `outcome` is what it returns."""

    outcome: bool = True
    begun: set[int] = field(default_factory=set)
    open_gates: set[int] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, record: ResultRecord) -> bool:
        with self._changed:
            self.begun.add(record.offset)
            self._changed.wait_for(lambda: record.offset in self.open_gates, timeout=30)
        return self.outcome

    def finish(self, *offsets: int) -> None:
        with self._changed:
            self.open_gates.update(offsets)
            self._changed.notify_all()

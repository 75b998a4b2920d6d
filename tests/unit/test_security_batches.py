"""A batch of records that cannot be read becomes records without a value, within bounds."""

import gzip
import tracemalloc
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.record import MemoryRecords, memory_records

from consumer.frame import FetchedFrame, FrameSource
from contracts.stand_ins import stand_in_headers, unreadable
from postproc.records import ResultRecord
from postproc.results import read_result
from runtime.errors import InvalidInput
from runtime.record_batches import (
    MAX_BATCH_BYTES,
    MAX_BATCH_RECORDS,
    MAX_HEADERS,
    BoundedBatch,
    read_batches_within_bounds,
)
from tests.kafka_batches import GZIP, SNAPPY, batch, bomb, poison, record, xerial

SOURCE = FrameSource("frames.cam1", 0)


def read(written: bytes) -> list[Any]:
    return [*BoundedBatch(written)]


def test_what_an_honest_client_writes_is_read_as_the_library_reads_it() -> None:
    body = b"".join(
        record(at, b"v%d" % at, [(b"seq", b"%d" % at), (b"k", None)]) for at in range(3)
    )
    for codec, packed in ((0, body), (GZIP, gzip.compress(body))):
        found = read(batch(packed, 3, codec, base_offset=40))
        assert [(one.offset, one.value) for one in found] == [(40, b"v0"), (41, b"v1"), (42, b"v2")]
        assert found[1].headers == [("seq", b"1"), ("k", None)]
    two_members = gzip.compress(body[:20]) + gzip.compress(body[20:])
    assert [one.value for one in read(batch(two_members, 3, GZIP))] == [b"v0", b"v1", b"v2"]


def test_every_consumer_reads_so() -> None:
    before = memory_records.DefaultRecordBatch
    try:
        read_batches_within_bounds()
        assert isinstance(MemoryRecords(batch(record(0, b"x"), 1)).next_batch(), BoundedBatch)
    finally:
        memory_records.DefaultRecordBatch = before


@pytest.mark.parametrize(
    ("written", "said"),
    [
        *zip(poison().values(), ("UnicodeDecodeError", "codec 2", "1000000 headers"), strict=True),
        (batch(b"no gzip", 1, GZIP), "damaged gzip"),
        (batch(xerial(b"x"), 1, 4), "codec 4"),
        (batch(b"\x80" * 40, 1), "invalid record structure"),
        (batch(record(0, b"x")[:-3], 1), "invalid record structure"),
    ],
    ids=["header", "snappy", "headers", "gzip", "zstd", "structure", "cut"],
)
def test_what_cannot_be_read_is_one_record_that_says_why(written: bytes, said: str) -> None:
    (found,) = read(written)
    assert (found.offset, found.key, found.value) == (0, None, None)
    reason = unreadable(found.headers)
    assert reason is not None
    assert said in reason
    assert len(reason) < 600


def test_each_offset_of_such_a_batch_is_accounted_for() -> None:
    found = read(batch(xerial(b"x"), 25, SNAPPY, base_offset=100))
    assert [one.offset for one in found] == [*range(100, 125)]


def test_a_bomb_is_not_decompressed_beyond_its_bound() -> None:
    written = bomb(megabytes=2 * MAX_BATCH_BYTES // 2**20)
    assert len(written) < 400_000
    tracemalloc.start()
    try:
        found = read(written)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "when decompressed" in str(unreadable(found[0].headers))
    assert peak_bytes < 1.5 * MAX_BATCH_BYTES


@pytest.mark.parametrize("count", [MAX_BATCH_RECORDS + 1, 2**31 - 1])
def test_a_batch_that_says_it_holds_very_many_records_is_one(count: int) -> None:
    found = read(batch(record(0, b""), count))
    assert [one.offset for one in found] == [count - 1]


def test_a_record_with_too_many_headers_stands_alone_in_its_batch() -> None:
    many = [(b"n", b"")] * (MAX_HEADERS + 1)
    found = read(batch(record(0, b"a") + record(1, b"b", many) + record(2, b"c"), 3))
    assert [one.value for one in found] == [b"a", None, b"c"]


def test_the_services_refuse_a_stand_in_with_its_reason() -> None:
    headers = stand_in_headers("compressed with codec 3")
    frame = FetchedFrame.read(SOURCE, 7, b"", headers, 0)
    assert frame.refusal == "the record cannot be read: compressed with codec 3"
    result = ResultRecord(TopicPartition("results", 0), 7, None, None, headers)
    with pytest.raises(InvalidInput, match="compressed with codec 3"):
        read_result(result.value, result.headers)


@settings(max_examples=300)
@given(
    st.binary(max_size=200),
    st.sampled_from([0, GZIP]),
    st.integers(1, 30),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=5),
)
def test_any_batch_is_read_or_stood_in_for(
    body: bytes, codec: int, count: int, changes: Sequence[tuple[int, int]]
) -> None:
    honest = b"".join(record(at, body) for at in range(count))
    packed = bytearray(gzip.compress(honest) if codec else honest)
    for at, value in changes:
        packed[at % len(packed)] = value
    found = read(batch(bytes(packed), count, codec))
    assert len(found) <= MAX_BATCH_RECORDS
    assert all(one.value is None or len(one.value) <= len(packed) + 2**20 for one in found)

"""Batches of records as a hostile client may write them, byte by byte (Kafka's format, magic 2)."""

import gzip
import struct
import time
from collections.abc import Sequence
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.protocol.producer import ProduceRequest
from kafka.record.util import calc_crc32c

PLAIN, GZIP, SNAPPY = 0, 1, 2


def zigzag(number: int) -> bytes:
    """Return a number of Kafka's variable length."""
    left = number << 1 if number >= 0 else (-number << 1) - 1
    found = bytearray()
    while left >= 0x80:
        found.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes((*found, left))


def sized(content: bytes | None) -> bytes:
    return zigzag(-1) if content is None else zigzag(len(content)) + content


def record(
    at: int, value: bytes | None, headers: Sequence[tuple[bytes, bytes | None]] = ()
) -> bytes:
    """Return the record number `at` of a batch, without a key."""
    written = b"".join(sized(name) + sized(content) for name, content in headers)
    body = b"\0" + zigzag(0) + zigzag(at) + sized(None) + sized(value)
    return sized(body + zigzag(len(headers)) + written)


def batch(body: bytes, records: int, codec: int = PLAIN, base_offset: int = 0) -> bytes:
    """Return a batch that says it holds so many records; `body` is theirs, compressed or not."""
    now_ms = time.time_ns() // 1_000_000
    checked = struct.pack(
        ">hiqqqhii", codec, records - 1, now_ms, now_ms, -1, -1, -1, records
    ) + body  # fmt: skip
    head = struct.pack(">qiibI", base_offset, len(checked) + 9, -1, 2, calc_crc32c(checked))
    return head + checked


def xerial(raw: bytes) -> bytes:
    """Return fewer than 60 bytes as snappy in the framing that Java clients write."""
    block = bytes((len(raw), (len(raw) - 1) << 2)) + raw
    return b"\x82SNAPPY\0" + struct.pack(">iii", 1, 1, len(block)) + block


def poison() -> dict[str, bytes]:
    """Return batches of one record each that no service can use, by what is wrong with them."""
    million = b"".join((b"\x04ab\x01",)) * 1_000_000
    headers = (
        b"\0" + zigzag(0) + zigzag(0) + sized(None) + sized(b"x") + zigzag(1_000_000) + million
    )
    return {
        "a header's name that is not UTF-8": batch(record(0, b"x", [(b"\xff\xfe", b"")]), 1),
        "a codec that is not installed": batch(xerial(record(0, b"x")), 1, SNAPPY),
        "a million headers": batch(sized(headers), 1),
    }


def bomb(megabytes: int) -> bytes:
    """Return a batch of records of a megabyte of zeros each, a thousandth as large as they are."""
    one = b"".join(record(at, bytes(2**20)) for at in range(megabytes))
    return batch(gzip.compress(one, 9), megabytes, GZIP)


def produce(bootstrap: str, partition: TopicPartition, written: bytes) -> None:
    """Have the broker take a batch as it is; fail if it refuses."""
    topic = ProduceRequest.TopicProduceData
    data = topic.PartitionProduceData(index=partition.partition, records=written)
    request = ProduceRequest(
        transactional_id=None,
        acks=-1,
        timeout_ms=20_000,
        topic_data=[topic(name=partition.topic, partition_data=[data])],
        max_version=9,
    )
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        answer: Any = admin._manager.run(_sent, admin, request)
        (told,) = answer.responses[0].partition_responses
        assert told.error_code == 0, told
    finally:
        admin.close()


async def _sent(admin: KafkaAdminClient, request: ProduceRequest) -> Any:
    return await admin._manager.send(request)

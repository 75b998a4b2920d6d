"""Records that no producer of ours writes, in a stream of their own."""

import time

import cv2
import numpy as np
from kafka import KafkaProducer

from contracts.frames import FrameHeaders
from contracts.names import frames_topic

INTRUDER = "intruder"
POISON_RECORDS = 300
LARGE_BYTES = 3_900_000
"""Just below what the topic of a stream takes unless told otherwise."""


def headers(seq: int, session: str) -> list[tuple[str, bytes]]:
    """Return headers as a producer of ours writes them."""
    return FrameHeaders(session, seq, time.time_ns(), "arrival", (64, 48)).encode()


def jpeg(width: int, height: int) -> bytes:
    """Return a grey picture."""
    encoded, written = cv2.imencode(".jpg", np.full((height, width, 3), 127, np.uint8))
    assert encoded
    return written.tobytes()


def publish_poison(producer: KafkaProducer) -> None:
    """Publish 300 records, each wrong in one of five ways, and good frames among them."""
    session = f"poison{time.time_ns()}"
    good, seq = jpeg(64, 48), 0
    for number in range(POISON_RECORDS):
        own = headers(seq, session)
        seq += number % 5 != 3  # a record without our headers has no place in the session
        value, written = {
            0: (b"no jpeg", own),
            1: (good[:100], own),
            2: (b"", own),
            3: (good, [("v", b"99")]),
            4: (good, own),
        }[number % 5]
        _send(producer, value, written)
    producer.flush()


def publish_oversized(producer: KafkaProducer) -> None:
    """Publish a JPEG with megabytes behind its picture, and one of 70 million pixels."""
    session = f"oversized{time.time_ns()}"
    good = jpeg(64, 48)
    _send(producer, good + bytes(LARGE_BYTES - len(good)), headers(0, session))
    huge = jpeg(9000, 8000)
    _send(producer, huge[:LARGE_BYTES], headers(1, session))
    _send(producer, good, headers(2, session))
    producer.flush()


def _send(producer: KafkaProducer, value: bytes, headers: list[tuple[str, bytes]]) -> None:
    producer.send(frames_topic(INTRUDER), value=value, headers=headers, partition=0).get(30)

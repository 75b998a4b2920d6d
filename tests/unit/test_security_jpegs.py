"""Hostile JPEGs are refused before they cost anything, and whatever is decoded has a bound."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from consumer.batches import Batch
from consumer.detections import Answer, FrameOutput, Refusal
from consumer.frame import FetchedFrame
from consumer.worker import BatchWorker, ResultRules
from contracts.errors import InvalidRecord
from contracts.frames import FrameHeaders
from contracts.jpegs import MAX_SCANS, MAX_STORED_PX, checked_jpeg_size
from contracts.results import Model, decode_result, encode_result
from local.stack import CHECKOUT
from postproc.jpegs import decode_jpeg
from tests.jpeg_bombs import allowed, changed, many_scans, ordinary, preceded, refused, segment
from tests.unit.consumer_fakes import SOURCE, output

WITHIN_S = 5.0
"""The worst takes half a second on an idle machine; the first of them took 33 s without a bound."""


@pytest.mark.parametrize("service", ["consumer", "postproc"])
def test_every_bomb_is_refused_and_every_other_decoded_within_bounds(service: str) -> None:
    """In a process that may take 128 MiB (consumer) or 256 MiB (postproc) more than it has."""
    measured = subprocess.run(
        [sys.executable, "-m", "tests.bounded_decoding", service],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert measured.returncode == 0, measured.stderr
    lines = [json.loads(line) for line in measured.stdout.splitlines()]
    said = {line["name"]: line["said"].split(":")[0] for line in lines}
    assert said == {**dict.fromkeys(refused(), "refused"), **dict.fromkeys(allowed(), "decoded")}
    slow = [line for line in lines if line["took_s"] > WITHIN_S]
    assert slow == []


def worked(jpegs: list[bytes]) -> Any:
    def infer(images: np.ndarray[Any, Any]) -> Answer[FrameOutput | Refusal]:
        return Answer(Model("ssd", "2"), [output() for _ in images])

    rules = ResultRules(Model("ssd", "2"), (300, 300), [], 0.5, "all", 2**24)
    headers = FrameHeaders("s", 0, 1, "arrival", (640, 480)).encode()
    frames = tuple(
        FetchedFrame.read(SOURCE, offset, jpeg, headers, 0) for offset, jpeg in enumerate(jpegs)
    )
    return BatchWorker(rules, infer)(Batch(frames, "size", 0.0))


def test_a_batch_of_bombs_becomes_dead_letters_and_the_one_good_frame_is_inferred() -> None:
    outcome = worked([*refused().values(), ordinary()])
    assert [letter.letter.offset for letter in outcome.refused] == [*range(len(refused()))]
    assert {letter.letter.stage for letter in outcome.refused} == {"consumer.decode"}
    (chosen,) = outcome.result.evidence
    assert chosen.offset == len(refused())
    assert decode_result(encode_result(outcome.result)) == outcome.result


@pytest.mark.parametrize(
    ("jpeg", "said"),
    [
        (many_scans((640, 480), MAX_SCANS + 1), f"{MAX_SCANS + 1} scans: more than {MAX_SCANS}"),
        (many_scans((3001, 3000), 2), f"in several scans: more than {MAX_STORED_PX}"),
        (ordinary()[:100], "cut short"),
        (preceded(ordinary(), b"\xff\x00"), "no segment begins at byte 2"),
        (preceded(ordinary(), b"\xff\xe0\x00\x01"), "before byte 6 is cut short"),
        (b"\xff\xd8" + segment(0xDA, b"\x01"), "first scan has no header"),
        (b"\xff\xd8" + segment(0xC0, b"\x08"), "frame header is cut short"),
        (changed(ordinary(), 0xC0, 1, b"\xca"), "SOF10 with 3 components of 8 bits"),
        (changed(ordinary(), 0xC0, 7, b"\0\0"), "it is 0x480 pixels"),
    ],
)
def test_what_is_wrong_with_a_jpeg_is_said(jpeg: bytes, said: str) -> None:
    with pytest.raises(InvalidRecord, match=said):
        checked_jpeg_size(jpeg)


def test_as_many_scans_as_any_encoder_writes_are_decoded() -> None:
    assert checked_jpeg_size(many_scans((640, 480), MAX_SCANS)) == (640, 480)
    assert decode_jpeg(many_scans((640, 480), 18), 10**6).shape == (480, 640, 3)

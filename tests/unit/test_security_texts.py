"""What records and models say becomes text, metadata and labels only as far as it is harmless."""

from pathlib import Path

import httpx
import msgspec
import numpy as np
import pytest

from consumer.detections import MAX_DETECTIONS, FrameOutput, detections_of
from consumer.labels import read_labels
from contracts.evidence import evidence_metadata
from contracts.results import Detection, Model, decode_result, encode_result
from postproc.annotate import annotate, label_text
from postproc.pictures import caption
from runtime.errors import ConfigurationError
from runtime.metrics import BoundedLabels
from tests.postproc_results import batch_result


def test_the_metadata_of_a_picture_is_printable_whatever_the_model_is_called() -> None:
    model = Model("ssd\r\nx-amz-acl: public-read\x00é", "2\n")
    result = msgspec.structs.replace(batch_result(), model=model)
    metadata = evidence_metadata(result, result.frames[0])
    assert metadata["model"] == "ssd??x-amz-acl: public-read??/2?"
    longest = msgspec.structs.replace(result, model=Model("m" * 256, "v" * 256))
    metadata = evidence_metadata(longest, longest.frames[0])
    assert sum(len(name) + len(value) for name, value in metadata.items()) < 2048
    httpx.Headers(metadata)


def test_text_on_pictures_is_printable_and_bounded() -> None:
    hostile = "\x1b[2J\n\u202e\x00" + "W" * 10_000
    detection = Detection((0, 0, 1e308, 1e308), 1.0, 2**63 - 1, hostile[:64])
    assert label_text(detection).isprintable()
    result = msgspec.structs.replace(batch_result(), model=Model(hostile, hostile))
    refused = msgspec.structs.replace(result.frames[0], not_inferred=hostile)
    words = caption(result, refused)
    assert all(word.isprintable() and len(word) <= 160 for word in words)
    for width, height in ((1, 1), (1, 2000), (2000, 1)):
        picture = np.zeros((height, width, 3), np.uint8)
        assert annotate(picture, [detection] * 300, words).shape[1] == width


def test_a_model_that_answers_nonsense_cannot_make_a_result_that_nobody_reads() -> None:
    rows = 500
    boxes = np.tile(np.array([0, 0, 1, 1], np.float32), (rows, 1))
    boxes[:4] = np.array([[np.nan] * 4, [np.inf] * 4, [-np.inf] * 4, [1, 1, 0, 0]], np.float32)
    classes = np.ones(rows, np.float32)
    classes[4:10] = [np.nan, np.inf, -np.inf, -1, 3e38, 65_536]
    scores = np.full(rows, 0.9, np.float32)
    scores[10:12] = [np.nan, np.inf]
    found = detections_of(FrameOutput(boxes, scores, classes), (640, 480), 0.5, ["background"])
    assert len(found) == MAX_DETECTIONS
    assert {detection.class_id for detection in found} == {1}
    result = batch_result(detections=found, frame_count=1)
    assert decode_result(encode_result(result)) == result


def test_a_label_too_long_for_a_result_is_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("person\n" + "x" * 65)
    with pytest.raises(ConfigurationError, match="64 letters"):
        read_labels(path)


def test_labels_of_metrics_are_as_many_as_may_be() -> None:
    bounded = BoundedLabels(2)
    assert [bounded(name) for name in ("a", "b", "c", "a", "d")] == [
        "a",
        "b",
        "other",
        "a",
        "other",
    ]

"""From a camera to evidence, with every process and server real."""

from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest

from consumer.decode import decode_into, frame_size_wh
from consumer.detections import detections_of, split_outputs
from contracts.names import RESULTS_TOPIC, frames_topic
from contracts.results import BatchResult, decode_result
from local.stack import CHECKOUT
from tests.e2e.conftest import DEAD, KINDS, PEOPLE, PEOPLE_FRAMES, Pipeline
from tests.kafka_log import records_of

MODEL = CHECKOUT / "model_repository" / "ssd_mobilenet" / "2" / "model.onnx"
BOX_TOLERANCE_PX = 1.0
CONFIDENCE_TOLERANCE = 0.02


def read_topic(pipeline: Pipeline, topic: str) -> list[Any]:
    return records_of(pipeline.addresses["kafka"], topic)


def read_results(pipeline: Pipeline, stream_id: str) -> list[BatchResult]:
    """Return the results of a stream as a reader sees them: per batch id, the longest."""
    decoded = [decode_result(record.value) for record in read_topic(pipeline, RESULTS_TOPIC)]
    ours = [result for result in decoded if result.stream_id == stream_id]
    by_id = {result.batch_id: result for result in sorted(ours, key=lambda r: len(r.frames))}
    return sorted(by_id.values(), key=lambda result: result.source.first_offset)


@pytest.mark.parametrize("stream_id", [PEOPLE, *KINDS])
def test_every_kind_of_stream_becomes_evidence_and_its_books_close(
    pipeline: Pipeline, stream_id: str
) -> None:
    report = pipeline.report["streams"][stream_id]
    assert report["captured"] == report["published"] + sum(report["dropped"].values())
    assert report["published"] == report["inferred"] + report["dead_lettered"]
    assert report["dead_lettered"] == 0
    assert report["evidence"] == report["evidence_promised"] >= 2
    assert report["capture_to_s3_s"]["p95"] < 60
    whole = PEOPLE_FRAMES if stream_id == PEOPLE else sum(c.frames for c in KINDS[stream_id])
    # The producer finds a camera up to a second after it has begun.
    assert 0.5 * whole <= report["published"] <= whole


def test_a_dead_camera_touches_no_other_one(pipeline: Pipeline) -> None:
    report = pipeline.report["streams"][DEAD]
    assert (report["captured"], report["evidence"]) == (0, 0)
    log = pipeline.framerail.home / "stack" / "logs" / "producer.log"
    assert "secret" not in log.read_text()


def test_every_published_frame_is_inferred_exactly_once_in_batches_of_25(
    pipeline: Pipeline,
) -> None:
    published = [record.offset for record in read_topic(pipeline, frames_topic(PEOPLE))]
    results = read_results(pipeline, PEOPLE)
    assert [frame.offset for result in results for frame in result.frames] == published
    assert all(frame.not_inferred is None for result in results for frame in result.frames)
    assert {len(result.frames) for result in results[:-1]} == {25}


def test_the_boxes_are_those_of_the_model_run_directly(pipeline: Pipeline) -> None:
    jpegs = {record.offset: record.value for record in read_topic(pipeline, frames_topic(PEOPLE))}
    frames = [frame for result in read_results(pipeline, PEOPLE) for frame in result.frames]
    expected = run_directly([jpegs[frame.offset] for frame in frames])
    assert sum(len(frame.detections) for frame in frames) > len(frames)
    for frame, directly in zip(frames, expected, strict=True):
        assert frame.size_wh == (768, 576)
        assert len(frame.detections) == len(directly)
        for found, wanted in zip(frame.detections, directly, strict=True):
            assert found.label == wanted.label == "person"
            assert np.allclose(found.box_xyxy, wanted.box_xyxy, atol=BOX_TOLERANCE_PX)
            assert abs(found.confidence - wanted.confidence) <= CONFIDENCE_TOLERANCE


def run_directly(jpegs: list[bytes]) -> list[Any]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        str(MODEL), options, providers=["OpenVINOExecutionProvider"]
    )
    images = np.empty((len(jpegs), 300, 300, 3), np.uint8)
    for jpeg, image in zip(jpegs, images, strict=True):
        decode_into(jpeg, frame_size_wh(jpeg), image)
    names = ["detection_boxes", "detection_scores", "detection_classes", "num_detections"]
    outputs = split_outputs(*session.run(names, {"images": images}))
    return [detections_of(output, (768, 576), 0.4, ["background", "person"]) for output in outputs]


def test_each_picture_in_s3_leads_back_to_its_frame(pipeline: Pipeline) -> None:
    s3 = pipeline.target.s3()
    for result in read_results(pipeline, PEOPLE):
        for chosen in result.evidence:
            stored = s3.get_object(Bucket=pipeline.report["bucket"], Key=chosen.key)
            assert stored["ContentType"] == "image/jpeg"
            assert stored["Metadata"]["batch-id"] == result.batch_id
            assert stored["Metadata"]["offset"] == str(chosen.offset)
            assert stored["Body"].read()[:2] == b"\xff\xd8"

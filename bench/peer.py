r"""The peer that framerail's speed is compared with: the same job, in an afternoon's script.

    python -m bench.peer capture --url rtsp://... --bootstrap HOST:PORT --frames N
    python -m bench.peer detect --bootstrap HOST:PORT --frames N \
        --triton HOST:PORT --endpoint http://... --bucket B

`capture` publishes each frame of a camera; `detect` reads them, asks the model, stores an annotated
picture of every 25 frames and writes the detections to a results topic. Each ends after N frames
and prints one JSON line of what it did, start-up left out; exit code 1 if fewer frames came.

Why it is fair: the camera, the broker, the model and its version, the least confidence, the JPEG
qualities and the choice of pictures are framerail's; every frame is captured, inferred and written,
and what the broker refuses is an error. The libraries are those one finds first, at their defaults.
One thing is not in its favour: Triton is set up for batches, so that a request of one frame waits
5 ms for others at most: `detect`, which waits for each answer, could be that much quicker.

What it leaves to a second afternoon: binary records, decoding at the model's size, batches of
frames, inference beside decoding and uploading, commits only after results and pictures are safe,
reconnection, back-pressure, damaged records, and frames whose message is above the 1 MiB that the
producer sends by default.
"""

import argparse
import base64
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import boto3
import cv2
import numpy as np
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import TopicAlreadyExistsError
from numpy.typing import NDArray
from tritonclient.grpc import InferenceServerClient, InferInput

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Image = NDArray[np.uint8]

LABELS = Path(__file__).resolve().parents[1] / "model_repository/ssd_mobilenet/labels.txt"
MODEL, VERSION, INPUT_WH = "ssd_mobilenet", "2", (300, 300)
MIN_CONFIDENCE = 0.4
FRAMES_A_PICTURE = 25
FRAME_QUALITY, PICTURE_QUALITY = 85, 90
NO_MORE_FRAMES_MS = 60_000
"""A reader that hears nothing for so long ends: the camera is gone."""
GREEN = (0, 255, 0)


class Found(TypedDict):
    """One detection; the box is (x1, y1, x2, y2) in the frame's pixels."""

    label: str
    confidence: float
    box_xyxy: list[float]


@dataclass
class Tally:
    """What one role did since its first frame came; starting up is not counted."""

    frames: int = 0
    pictures: int = 0
    _began_s: float = 0.0
    _began_cpu_s: float = 0.0

    def count_frame(self) -> None:
        """Count a frame that came; the first one starts the clocks."""
        if not self.frames:
            self._began_s, self._began_cpu_s = time.perf_counter(), time.process_time()
        self.frames += 1

    def finish(self, wanted: int) -> int:
        """Print the account as one JSON line; return the exit code, 1 if frames are missing."""
        account = {
            "frames": self.frames,
            "seconds": round(time.perf_counter() - self._began_s, 3) if self.frames else 0.0,
            "cpu_s": round(time.process_time() - self._began_cpu_s, 3) if self.frames else 0.0,
            "pictures": self.pictures,
        }
        sys.stdout.write(json.dumps(account) + "\n")
        if self.frames < wanted:
            sys.stderr.write(f"only {self.frames} of {wanted} frames came\n")
        return 0 if self.frames == wanted else 1


@dataclass(frozen=True)
class Shot:
    """One frame, BGR, and what the model found in it."""

    stream: str
    seq: int
    frame: Image
    found: list[Found]

    @property
    def weight(self) -> float:
        """The sum of its confidences, by which the best of some frames is chosen."""
        return sum(one["confidence"] for one in self.found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one role; return its exit code."""
    chosen = _parser().parse_args(arguments)
    make_topics(chosen.bootstrap, [chosen.topic, chosen.results_topic])
    return capture(chosen) if chosen.role == "capture" else detect(chosen)


def capture(chosen: argparse.Namespace) -> int:
    """Publish `chosen.frames` frames of a camera as JSON; return the exit code."""
    producer = open_producer(chosen.bootstrap)
    tally, sent = Tally(), []
    for frame in camera_frames(chosen.url, chosen.frames):
        tally.count_frame()
        message = {
            "stream": chosen.stream,
            "seq": tally.frames - 1,
            "captured": time.time(),
            "frame": base64.b64encode(jpeg_of(frame, FRAME_QUALITY)).decode(),
        }
        sent.append(producer.send(chosen.topic, message))
    finish_sending(producer, sent)
    return tally.finish(chosen.frames)


def detect(chosen: argparse.Namespace) -> int:
    """Infer `chosen.frames` published frames, store pictures and results; return the exit code."""
    consumer = open_consumer(chosen.bootstrap, chosen.topic)
    producer = open_producer(chosen.bootstrap)
    model = InferenceServerClient(chosen.triton)
    s3 = boto3.client("s3", endpoint_url=chosen.endpoint)
    labels = LABELS.read_text(encoding="utf-8").splitlines()
    tally, best, sent = Tally(), None, []
    for record in consumer:
        tally.count_frame()
        message = json.loads(record.value)
        frame = decoded(base64.b64decode(message.pop("frame")))
        found = detections(model, frame, labels)
        sent.append(producer.send(chosen.results_topic, message | {"detections": found}))
        shot = Shot(message["stream"], message["seq"], frame, found)
        best = shot if best is None or shot.weight > best.weight else best
        if tally.frames % chosen.frames_a_picture == 0 or tally.frames == chosen.frames:
            store(s3, chosen.bucket, best)
            tally.pictures, best = tally.pictures + 1, None
        if tally.frames == chosen.frames:
            break
    finish_sending(producer, sent)
    account = tally.finish(chosen.frames)
    consumer.close()
    return account


def camera_frames(url: str, count: int) -> Iterator[Image]:
    """Yield frames as they arrive, BGR, (height, width, 3); fewer than `count` if they end."""
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
    camera = cv2.VideoCapture(url, cv2.CAP_FFMPEG)
    try:
        for _ in range(count):
            has_arrived, frame = camera.read()
            if not has_arrived:
                return
            yield np.asarray(frame, np.uint8)
    finally:
        camera.release()


def jpeg_of(frame: Image, quality: int) -> bytes:
    """Encode a BGR frame."""
    _, jpeg = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return jpeg.tobytes()


def decoded(jpeg: bytes) -> Image:
    """Decode a JPEG at its full size to BGR; raise ValueError if it is none."""
    frame = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if frame is None:
        raise ValueError("a message holds no JPEG")
    return np.asarray(frame, np.uint8)


def detections(model: InferenceServerClient, frame: Image, labels: Sequence[str]) -> list[Found]:
    """Ask the model what is in one BGR frame; raises InferenceServerException if it refuses."""
    image = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), INPUT_WH)
    tensor = InferInput("images", [1, *image.shape], "UINT8")
    tensor.set_data_from_numpy(image[np.newaxis])
    answer = model.infer(MODEL, [tensor], model_version=VERSION)
    count = int(answer.as_numpy("num_detections").item())
    boxes = answer.as_numpy("detection_boxes")[0, :count]
    scores = answer.as_numpy("detection_scores")[0, :count]
    classes = answer.as_numpy("detection_classes")[0, :count]
    height, width = frame.shape[:2]
    return [
        Found(
            label=labels[int(class_id)],
            confidence=round(float(score), 4),
            box_xyxy=[
                round(float(at), 1) for at in (x1 * width, y1 * height, x2 * width, y2 * height)
            ],
        )
        for (y1, x1, y2, x2), score, class_id in zip(boxes, scores, classes, strict=True)
        if score >= MIN_CONFIDENCE
    ]


def draw(frame: Image, found: Sequence[Found]) -> None:
    """Draw boxes and labels onto a frame."""
    for one in found:
        x1, y1, x2, y2 = (round(at) for at in one["box_xyxy"])
        cv2.rectangle(frame, (x1, y1), (x2, y2), GREEN, 2)
        text = f"{one['label']} {one['confidence']:.2f}"
        cv2.putText(frame, text, (x1, max(12, y1 - 4)), cv2.FONT_HERSHEY_SIMPLEX, 0.5, GREEN, 1)


def store(s3: "S3Client", bucket: str, shot: Shot) -> None:
    """Draw what was found onto the frame, and put its picture into the bucket."""
    draw(shot.frame, shot.found)
    s3.put_object(
        Bucket=bucket,
        Key=f"peer/{shot.stream}/{shot.seq:08d}.jpg",
        Body=jpeg_of(shot.frame, PICTURE_QUALITY),
        ContentType="image/jpeg",
    )


def make_topics(bootstrap: str, topics: Sequence[str]) -> None:
    """Make the topics that are missing, with one partition: a stream keeps its order."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        for topic in topics:
            with suppress(TopicAlreadyExistsError):
                admin.create_topics({topic: {"num_partitions": 1}}, wait_for_metadata=True)
    finally:
        admin.close()


def open_producer(bootstrap: str) -> KafkaProducer:
    """Connect a producer of JSON documents."""
    return KafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        value_serializer=lambda document: json.dumps(document).encode(),
    )


def finish_sending(producer: KafkaProducer, sent: Sequence[Any]) -> None:
    """Wait for what was sent; raises KafkaError if the broker did not take a record."""
    producer.flush()
    for future in sent:
        future.get(timeout=0)
    producer.close()


def open_consumer(bootstrap: str, topic: str) -> KafkaConsumer:
    """Connect a reader that begins where the group stopped, else with the first frame."""
    return KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id="peer",
        auto_offset_reset="earliest",
        consumer_timeout_ms=NO_MORE_FRAMES_MS,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.peer",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    roles = parser.add_subparsers(dest="role", required=True)
    capturing, detecting = roles.add_parser("capture"), roles.add_parser("detect")
    for role in (capturing, detecting):
        role.add_argument("--bootstrap", required=True, help="the broker, host:port")
        role.add_argument("--frames", required=True, type=int, help="end after so many")
        role.add_argument("--topic", default="peer-frames")
        role.add_argument("--results-topic", default="peer-results")
    capturing.add_argument("--url", required=True, help="rtsp://host:port/path")
    capturing.add_argument("--stream", default="cam1", help="the camera's name in messages")
    detecting.add_argument("--frames-a-picture", type=int, default=FRAMES_A_PICTURE)
    detecting.add_argument("--triton", required=True, help="host:port of its gRPC")
    detecting.add_argument("--endpoint", required=True, help="the S3 server, http://host:port")
    detecting.add_argument("--bucket", required=True, help="a bucket that is there")
    return parser


if __name__ == "__main__":
    sys.exit(main())

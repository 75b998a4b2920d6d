"""What the consumer's way of decoding changes in the detections."""

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from bench.figures import Accuracy
from bench.model import BATCH, MODEL, VERSION
from bench.system import System
from consumer.decode import decode_into, frame_size_wh
from consumer.detections import FrameOutput
from consumer.triton import TritonModel
from modelling.detections import Detections
from producer.jpeg import JpegEncoder
from runtime.matching import Agreement, agreement

SIDE_PX = 300
EVERY = 8
"""Of the clip's frames one in so many is looked at: 99 of 795."""
CONFIDENCE, IOU = 0.5, 0.5
QUALITY, MAX_BYTES = 85, 2**22

Images = NDArray[np.uint8]


def decoding_agreement(system: System, video: Path) -> Accuracy:
    """Compare the consumer's way of decoding with a whole one, resized as the model was trained."""
    model = TritonModel(system.pipeline.addresses["triton_grpc"], MODEL, VERSION, timeout_s=60)
    jpegs = list(_published(video))
    whole = _found(model, np.stack([_whole(jpeg) for jpeg in jpegs]))
    ours = _found(model, np.stack([_as_consumer(jpeg) for jpeg in jpegs]))
    model.close()
    counts = (agreement(a, b, IOU) for a, b in zip(whole, ours, strict=True))
    total = sum(counts, Agreement())
    return Accuracy(*(round(at, 3) for at in (total.precision, total.recall, total.mean_iou)))


def _published(video: Path) -> Iterator[bytes]:
    """Yield frames of the clip as the producer publishes them."""
    encoder = JpegEncoder(QUALITY, None, MAX_BYTES)
    with av.open(video) as source:
        for number, frame in enumerate(source.decode(video=0)):
            encoded = encoder.encode(frame) if number % EVERY == 0 else None
            if encoded is not None:
                yield encoded[0]


def _whole(jpeg: bytes) -> Images:
    pixels = simplejpeg.decode_jpeg(jpeg, colorspace="RGB")
    return np.asarray(cv2.resize(pixels, (SIDE_PX, SIDE_PX)), np.uint8)


def _as_consumer(jpeg: bytes) -> Images:
    image = np.empty((SIDE_PX, SIDE_PX, 3), np.uint8)
    decode_into(jpeg, frame_size_wh(jpeg), image)
    return image


def _found(model: TritonModel, images: Images) -> list[Detections]:
    chunks = [images[at : at + BATCH] for at in range(0, len(images), BATCH)]
    return [_detections(output) for chunk in chunks for output in model.infer(chunk).images]


def _detections(output: FrameOutput) -> Detections:
    boxes = output.boxes[:, [1, 0, 3, 2]]
    found = Detections(boxes, output.scores, output.classes.astype(np.int64))
    return found.above(CONFIDENCE)

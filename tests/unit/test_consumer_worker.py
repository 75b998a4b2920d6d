from collections.abc import Sequence

import numpy as np
import pytest
import simplejpeg
from numpy.typing import NDArray

from consumer.batches import Batch
from consumer.decode import BadFrame, decode_into, frame_size_wh
from consumer.detections import Answer, FrameOutput, Refusal
from consumer.frame import FetchedFrame
from consumer.worker import BatchOutcome, BatchWorker, ResultRules
from contracts.frames import MAX_FRAME_PX, FrameHeaders
from contracts.results import Model, decode_result, encode_result
from tests.unit.consumer_fakes import SOURCE, output

CAPTURED_NS = 1_700_000_000_000_000_000


def jpeg(width: int = 640, height: int = 480, value: int = 128) -> bytes:
    picture = np.full((height, width, 3), value, np.uint8)
    return bytes(simplejpeg.encode_jpeg(picture, quality=90))


def fetched(offset: int, content: bytes) -> FetchedFrame:
    headers = FrameHeaders("s", offset, CAPTURED_NS + offset, "arrival", (1, 1), {}, "00-t-s-01")
    return FetchedFrame.read(SOURCE, offset, content, headers.encode(), 0)


class FakeModel:
    def __init__(self, refuses: int | None = None) -> None:
        self.images: NDArray[np.uint8] | None = None
        self._refuses = refuses

    def __call__(self, images: NDArray[np.uint8]) -> Answer[FrameOutput | Refusal] | None:
        self.images = images.copy()
        found: list[FrameOutput | Refusal] = [output(rows=at) for at in range(len(images))]
        if self._refuses is not None:
            found[self._refuses] = Refusal("the model cannot take this one", attempts=4)
        return Answer(Model("ssd", "7"), found)


def worked(
    contents: Sequence[bytes], model: FakeModel, evidence: str = "best", limit: int = 10**7
) -> BatchOutcome:
    rules = ResultRules(
        Model("ssd", "2"), (300, 300), ["background", "person"], 0.5, evidence, limit
    )
    worker = BatchWorker(rules, model, now_ns=lambda: CAPTURED_NS + 10**9)
    frames = tuple(fetched(10 + at, content) for at, content in enumerate(contents))
    outcome = worker(Batch(frames, "size", 1.0))
    assert outcome is not None
    return outcome


def test_a_batch_becomes_a_result_with_boxes_in_the_pixels_of_its_frames() -> None:
    model = FakeModel()
    result = worked([jpeg(640, 480, 10), jpeg(320, 200, 250)], model).result
    assert [frame.size_wh for frame in result.frames] == [(640, 480), (320, 200)]
    (detection,) = result.frames[1].detections
    assert detection.box_xyxy == (160.0, 50.0, 320.0, 150.0)
    assert (detection.label, detection.class_id) == ("person", 1)
    assert model.images is not None
    assert model.images.shape == (2, 300, 300, 3)
    assert abs(int(model.images[0].mean()) - 10) <= 1
    assert abs(int(model.images[1].mean()) - 250) <= 1
    assert result.traceparent is None
    assert decode_result(encode_result(result)) == result


def test_a_poison_jpeg_goes_to_the_dead_letters_and_its_batch_goes_on() -> None:
    outcome = worked([jpeg(), b"no picture", jpeg()], FakeModel())
    assert [frame.not_inferred is None for frame in outcome.result.frames] == [True, False, True]
    assert [len(frame.detections) for frame in outcome.result.frames] == [0, 0, 1]
    (refused,) = outcome.refused
    assert (refused.letter.offset, refused.letter.stage) == (11, "consumer.decode")
    assert "no JPEG" in refused.letter.reason


def test_a_batch_without_one_good_frame_asks_no_model() -> None:
    model = FakeModel()
    outcome = worked([b"", b"x"], model)
    assert model.images is None
    assert len(outcome.refused) == 2
    assert outcome.result.evidence == ()


def test_a_frame_that_the_model_refuses_is_named_as_such() -> None:
    outcome = worked([jpeg(), jpeg()], FakeModel(refuses=0))
    letter = outcome.refused[0].letter
    assert (letter.stage, letter.attempts) == ("consumer.infer", 4)
    assert outcome.result.frames[0].not_inferred == "the model cannot take this one"
    assert outcome.result.evidence[0].offset == 11


def test_evidence_is_the_frame_with_most_confidence_and_carries_its_jpeg() -> None:
    contents = [jpeg(value=at) for at in range(3)]
    (chosen,) = worked(contents, FakeModel()).result.evidence
    assert (chosen.offset, chosen.jpeg) == (12, contents[2])
    assert chosen.key == ("evidence/cam1/2023/11/14/frames.cam1-0-00000000000000000010/12.jpg")


def test_evidence_never_makes_a_result_too_large() -> None:
    contents = [jpeg()] * 3
    whole_bytes = len(encode_result(worked(contents, FakeModel(), "all").result))
    for limit, kept in ((whole_bytes + 50, 3), (whole_bytes - 50, 2), (100, 0)):
        result = worked(contents, FakeModel(), "all", limit).result
        assert len(result.evidence) == kept
        assert kept == 0 or len(encode_result(result)) <= limit


def test_a_result_names_the_model_that_answered_it() -> None:
    assert worked([jpeg()], FakeModel()).result.model == Model("ssd", "7")
    assert worked([b"no picture"], FakeModel()).result.model == Model("ssd", "2")


def test_a_stop_while_waiting_for_the_model_leaves_no_result() -> None:
    rules = ResultRules(Model("ssd", "2"), (300, 300), [], 0.5, "best", 1)
    batch = Batch((fetched(0, jpeg()),), "size", 0.0)
    assert BatchWorker(rules, lambda images: None)(batch) is None


@pytest.mark.parametrize("size_wh", [(768, 576), (1920, 1080), (641, 361), (300, 300), (64, 48)])
def test_decoding_at_a_reduced_scale_keeps_the_picture(size_wh: tuple[int, int]) -> None:
    width, height = size_wh
    ramp = np.linspace(0, 255, width, dtype=np.uint8)
    picture = np.repeat(np.tile(ramp, (height, 1))[..., None], 3, axis=2)
    picture[..., 2] = 255 - picture[..., 2]
    image = np.empty((300, 300, 3), np.uint8)
    jpeg = simplejpeg.encode_jpeg(np.ascontiguousarray(picture), quality=95)
    decode_into(jpeg, frame_size_wh(jpeg), image)
    expected = np.linspace(0, 255, 300)
    assert np.abs(image[150, 5:-5, 0] - expected[5:-5]).max() < 8
    assert np.abs(image[150, 5:-5, 2] - (255 - expected[5:-5])).max() < 8


def test_a_grey_jpeg_is_decoded_as_rgb() -> None:
    grey = np.full((100, 100, 1), 77, np.uint8)
    image = np.empty((300, 300, 3), np.uint8)
    jpeg = simplejpeg.encode_jpeg(grey, colorspace="GRAY", colorsubsampling="Gray")
    decode_into(jpeg, frame_size_wh(jpeg), image)
    assert np.abs(image.astype(int) - 77).max() <= 2


def test_a_header_of_absurd_dimensions_is_refused_before_decoding() -> None:
    small = bytearray(jpeg(64, 64))
    at = small.index(b"\xff\xc0") + 5  # SOF0: length, precision, then height and width
    small[at : at + 4] = (65_000).to_bytes(2, "big") * 2
    with pytest.raises(BadFrame, match=f"65000x65000 pixels: more than {MAX_FRAME_PX}"):
        frame_size_wh(bytes(small))


def test_a_truncated_jpeg_is_refused() -> None:
    whole = simplejpeg.encode_jpeg(
        np.random.default_rng(1).integers(0, 255, (480, 640, 3), np.uint8)
    )
    with pytest.raises(BadFrame, match="damaged JPEG"):
        decode_into(
            whole[: len(whole) // 2], frame_size_wh(whole), np.empty((300, 300, 3), np.uint8)
        )

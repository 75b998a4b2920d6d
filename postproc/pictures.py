"""Makes the annotated picture of one evidence frame: bytes in, bytes out. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from contracts.evidence import evidence_metadata
from contracts.results import BatchResult, Detection, EvidenceFrame, FrameResult
from postproc.annotate import annotate, drawable
from postproc.jpegs import decode_jpeg, encode_jpeg

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_WORD_CHARS = 160
"""Of the caption, which is broken into as many lines as it needs: on a picture one pixel wide that
is a line a letter, and finding the breaks grows with the square of the letters."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One annotated frame as it is stored: a JPEG, where it goes and what is known of it."""

    key: str
    jpeg: bytes
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """How large a picture is drawn, in pixels, and how well it is kept, on libjpeg's scale."""

    max_px: int
    jpeg_quality: int


def draw_picture(
    result: BatchResult, frame: FrameResult, chosen: EvidenceFrame, limits: PictureLimits
) -> Picture:
    """Return the picture of `chosen`; raise InvalidInput if its JPEG cannot be drawn on."""
    image = decode_jpeg(chosen.jpeg, limits.max_px)
    picture_wh = (image.shape[1], image.shape[0])
    frame_wh = frame.size_wh or picture_wh
    detections = fitted(frame.detections, frame_wh, picture_wh)
    annotated = annotate(
        image, detections, caption(result, frame) + scale_note(frame_wh, picture_wh)
    )
    jpeg = encode_jpeg(annotated, limits.jpeg_quality)
    return Picture(chosen.key, jpeg, evidence_metadata(result, frame))


def caption(result: BatchResult, frame: FrameResult) -> list[str]:
    """Return the words of the caption: stream, time of capture, model, what was found, batch."""
    found = len(frame.detections)
    verdict = f"{found} detection" if found == 1 else f"{found} detections"
    words = [
        result.stream_id,
        capture_time(frame.captured_ns),
        f"{result.model.name}/{result.model.version}",
        verdict if frame.not_inferred is None else f"not inferred: {frame.not_inferred}",
        result.batch_id,
    ]
    return [drawable(word, MAX_WORD_CHARS) for word in words]


def scale_note(frame_wh: tuple[int, int], picture_wh: tuple[int, int]) -> list[str]:
    """Return what the caption of a smaller copy says of that; sizes in pixels."""
    if frame_wh == picture_wh:
        return []
    return ["{}x{} shown as {}x{}".format(*frame_wh, *picture_wh)]


def capture_time(captured_ns: int) -> str:
    """Return nanoseconds since the epoch as a time in UTC to the millisecond, cut, not rounded."""
    moment = _EPOCH + timedelta(milliseconds=captured_ns // 1_000_000)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d} UTC"


def fitted(
    detections: Sequence[Detection], frame_wh: tuple[int, int], picture_wh: tuple[int, int]
) -> list[Detection]:
    """Return the detections with their boxes in pixels of a picture that may be a smaller copy."""
    if frame_wh == picture_wh or 0 in frame_wh:
        return list(detections)
    x_scale, y_scale = picture_wh[0] / frame_wh[0], picture_wh[1] / frame_wh[1]
    return [
        Detection(
            (x1 * x_scale, y1 * y_scale, x2 * x_scale, y2 * y_scale),
            found.confidence,
            found.class_id,
            found.label,
        )
        for found in detections
        for x1, y1, x2, y2 in (found.box_xyxy,)
    ]

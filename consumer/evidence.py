"""Which frames of a batch become evidence."""

from collections.abc import Iterable, Sequence

import msgspec

from contracts.results import EvidenceFrame, FrameResult


def chosen_frames(choice: str, frames: Sequence[FrameResult]) -> list[int]:
    """Return the positions in `frames` to annotate, in offset order; only inferred ones.

    `choice` is `none`, `first`, `all`, `spread:N` (N evenly spaced) or `best`: the frame with the
    greatest sum of confidences, the first of equals.
    """
    if choice == "none":
        return []
    inferred = [at for at, frame in enumerate(frames) if frame.not_inferred is None]
    if not inferred or choice == "all":
        return inferred
    if choice == "first":
        return inferred[:1]
    if choice == "best":
        return [max(inferred, key=lambda at: _weight(frames[at]))]
    return _spread(inferred, int(choice.removeprefix("spread:")))


def within(room_bytes: int, candidates: Iterable[EvidenceFrame]) -> tuple[EvidenceFrame, ...]:
    """Return the leading candidates that fit into `room_bytes` of a result's document together."""
    kept = []
    for candidate in candidates:
        room_bytes -= len(msgspec.json.encode(candidate)) + len(b",")
        if room_bytes < 0:
            break
        kept.append(candidate)
    return tuple(kept)


def _weight(frame: FrameResult) -> float:
    return sum(detection.confidence for detection in frame.detections)


def _spread(positions: Sequence[int], count: int) -> list[int]:
    if count >= len(positions):
        return list(positions)
    # The middles of `count` equal spans: no picture at the seam between two batches.
    return [positions[(2 * i + 1) * len(positions) // (2 * count)] for i in range(count)]

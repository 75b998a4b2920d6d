"""Which frames of a batch become evidence."""

from collections.abc import Sequence

from contracts.results import FrameResult


def chosen_frames(choice: str, frames: Sequence[FrameResult]) -> list[int]:
    """Return the positions in `frames` to annotate, in offset order; only inferred ones.

    `choice` is `first`, `all`, `spread:N` (N evenly spaced) or `best`: the frame with the greatest
    sum of confidences, the first of equals.
    """
    inferred = [at for at, frame in enumerate(frames) if frame.not_inferred is None]
    if not inferred or choice == "all":
        return inferred
    if choice == "first":
        return inferred[:1]
    if choice == "best":
        return [max(inferred, key=lambda at: _weight(frames[at]))]
    return _spread(inferred, int(choice.removeprefix("spread:")))


def within_budget(positions: Sequence[int], sizes_bytes: Sequence[int], budget: int) -> list[int]:
    """Return the leading `positions` whose pictures fit into `budget` bytes of base64 together."""
    kept, used = [], 0
    for position in positions:
        used += (sizes_bytes[position] + 2) // 3 * 4
        if used > budget:
            break
        kept.append(position)
    return kept


def _weight(frame: FrameResult) -> float:
    return sum(detection.confidence for detection in frame.detections)


def _spread(positions: Sequence[int], count: int) -> list[int]:
    if count >= len(positions):
        return list(positions)
    # The middles of `count` equal spans: no picture at the seam between two batches.
    return [positions[(2 * i + 1) * len(positions) // (2 * count)] for i in range(count)]

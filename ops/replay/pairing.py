"""Puts the same frames of two results topics side by side, holding one batch of each in memory."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from contracts.results import BatchResult, FrameResult, Model


class Seen(NamedTuple):
    """One frame, and the model of the batch that it was in."""

    frame: FrameResult
    model: Model


class Pair(NamedTuple):
    """One frame as both topics have it; None where one of them does not."""

    a: Seen | None
    b: Seen | None


def frames_in_order(results: Iterable[BatchResult]) -> Iterator[Seen]:
    """Yield every frame of one stream once, in order of offset.

    A consumer that was killed writes batches again. Of those with one id the one with the most
    frames counts, and only the newest can become longer (ADR 1): so it alone is held back.
    """
    newest: BatchResult | None = None
    for result in results:
        if newest is None or result.source.first_offset > newest.source.last_offset:
            yield from _frames(newest)
            newest = result
        elif result.batch_id == newest.batch_id and len(result.frames) > len(newest.frames):
            newest = result
    yield from _frames(newest)


def paired(a: Iterator[Seen], b: Iterator[Seen]) -> Iterator[Pair]:
    """Yield the frames from the first that both have to the last before one of them ends.

    Frames are the same where offset and capture time are.
    """
    left, right = next(a, None), next(b, None)
    has_begun = False
    while left is not None and right is not None:
        has_left = left.frame.offset <= right.frame.offset
        has_right = right.frame.offset <= left.frame.offset
        is_same = has_left and has_right and left.frame.captured_ns == right.frame.captured_ns
        has_begun = has_begun or is_same
        if is_same:
            yield Pair(left, right)
        elif has_begun:
            yield from _alone(left if has_left else None, right if has_right else None)
        left = next(a, None) if has_left else left
        right = next(b, None) if has_right else right


def _alone(left: Seen | None, right: Seen | None) -> Iterator[Pair]:
    if left is not None:
        yield Pair(left, None)
    if right is not None:
        yield Pair(None, right)


def _frames(result: BatchResult | None) -> Iterator[Seen]:
    if result is not None:
        for frame in result.frames:
            yield Seen(frame, result.model)

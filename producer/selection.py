"""Decides which frames of a stream are worth encoding, and why the others are dropped."""

from dataclasses import dataclass

from contracts.frames import DropReason
from producer.frames import DecodedFrame
from producer.jpeg import luma_plane
from producer.load import LoadPacer
from producer.pacing import Pacer
from producer.stillness import Stillness, StillnessWatch


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a frame is dropped, None if it is kept; and what it said of the stream's stillness."""

    drop: DropReason | None
    stillness: Stillness = Stillness.MOVING


class FrameSelection:
    """Judges the frames of one stream: corrupt, then paced, then overload, then frozen.

    In this order a corrupt frame takes no other's place in the pace, and only frames that are
    otherwise published pay for the look at their pixels.
    """

    def __init__(self, pacer: Pacer, load: LoadPacer, stillness: StillnessWatch) -> None:
        self._pacer = pacer
        self._load = load
        self._stillness = stillness

    def judge(self, frame: DecodedFrame, now_s: float) -> Verdict:
        """Return what becomes of a frame that came at `now_s`, by the monotonic clock."""
        if frame.picture is None or frame.is_corrupt:
            return Verdict("corrupt")
        media_ns = frame.arrival_ns if frame.pts_ns is None else frame.pts_ns
        if not self._pacer.admits(media_ns):
            return Verdict("paced")
        if not self._load.admits(media_ns):
            return Verdict("overload")
        stillness = self._stillness.look(luma_plane(frame.picture), now_s)
        return Verdict(None if stillness.is_kept else "frozen", stillness)

"""Finds a camera that delivers the same picture over and over, pixel for pixel."""

import zlib
from collections.abc import Hashable
from enum import Enum, auto
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_COARSE_STEP = 16
"""Rows and columns of the first look: 1/256 of the pixels tell nearly every change for 10 us."""


class Stillness(Enum):
    """What one frame says of its stream."""

    MOVING = auto()
    FROZE = auto()
    FROZEN = auto()
    FROZEN_HEARTBEAT = auto()
    THAWED = auto()

    @property
    def is_kept(self) -> bool:
        """Whether the frame is worth publishing."""
        return self not in (Stillness.FROZE, Stillness.FROZEN)


class _Seen(NamedTuple):
    coarse: Hashable
    fine: int | None


class StillnessWatch:
    """Calls a stream frozen when its luma stays exactly equal for `frozen_after_s` seconds.

    A still scene in front of a working sensor has noise, so exact equality for long is a fault of
    the camera. While frozen, a frame each `heartbeat_s` seconds is kept: it proves that the stream
    lives and carries the count of those that were dropped.
    """

    def __init__(self, frozen_after_s: float, heartbeat_s: float) -> None:
        self._frozen_after_s = frozen_after_s
        self._heartbeat_s = heartbeat_s
        self._seen: _Seen | None = None
        self._still_since_s = 0.0
        self._kept_s = 0.0
        self._is_frozen = False

    def look(self, luma: NDArray[np.uint8], now_s: float) -> Stillness:
        """Judge a frame by its luma plane, shape (height, width), uint8, seen at `now_s`."""
        if self._differs(luma):
            was_frozen, self._is_frozen = self._is_frozen, False
            self._still_since_s = now_s
            return Stillness.THAWED if was_frozen else Stillness.MOVING
        if not self._is_frozen:
            return self._judge_still(now_s)
        if now_s - self._kept_s < self._heartbeat_s:
            return Stillness.FROZEN
        self._kept_s = now_s
        return Stillness.FROZEN_HEARTBEAT

    def _judge_still(self, now_s: float) -> Stillness:
        if now_s - self._still_since_s < self._frozen_after_s:
            return Stillness.MOVING
        self._is_frozen = True
        self._kept_s = now_s
        return Stillness.FROZE

    def _differs(self, luma: NDArray[np.uint8]) -> bool:
        coarse = (luma.shape, luma[::_COARSE_STEP, ::_COARSE_STEP].tobytes())
        before = self._seen
        if before is None or coarse != before.coarse:
            self._seen = _Seen(coarse, None)
            return True
        # Only now the whole plane: something small may have moved between the pixels looked at.
        self._seen = _Seen(coarse, zlib.crc32(np.ascontiguousarray(luma).data))
        return before.fine is not None and self._seen.fine != before.fine

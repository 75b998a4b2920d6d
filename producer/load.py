"""Keeps the streams close to live where what reads them is slower than their cameras.

Kafka would hold hours of frames that nobody can catch up with. Frames are then thinned here, where
drops are counted, to what the reader manages. A reader that is away, or that is catching up, is no
reason to drop: its frames wait in Kafka.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from producer.pacing import Pacer

WINDOW_S = 15.0
"""Over which rates are measured."""
AWAY_S = 8.0
"""Seconds without any commit after which the reader was away, and only what comes since tells of
its pace. Batches are closed after five."""
LEAST_SPAN_S = 5.0
"""Below it the steps of whole batches are larger than what is measured."""
SHARE = 0.9
"""Of the reader's pace is admitted, so that it catches up while frames are dropped."""
GROWTH = 1.25
"""By which the admitted rate grows a second once the reader is near."""
UNBOUNDED_FPS = 240.0
"""No camera is faster: a bound above it is none."""
LEAST_FPS = 0.2


@dataclass(frozen=True, slots=True)
class Backlog:
    """What one look found of one stream: the next offsets to be published and to be committed."""

    published: int
    committed: int


class _Look(NamedTuple):
    at_s: float
    streams: Mapping[str, Backlog]

    @property
    def published(self) -> int:
        return sum(each.published for each in self.streams.values())

    @property
    def committed(self) -> int:
        return sum(each.committed for each in self.streams.values())

    @property
    def waiting(self) -> int:
        return self.published - self.committed


class LoadGovernor:
    """Sets one limit for all streams: the fastest give first, and the slow ones may keep theirs.

    The reader works through the streams in turn, and a slow stream's batch is committed seldom; so
    the streams are judged together.
    """

    def __init__(self, max_lag_s: float) -> None:
        self._max_lag_s = max_lag_s
        self._looks: deque[_Look] = deque()
        self._before: _Look | None = None
        self.max_fps: float | None = None
        """Frames a second that each stream may publish; None for all. Read by other threads."""

    def forget(self) -> None:
        """Let all frames through, and begin anew: nothing is known of the reader any more."""
        self._looks.clear()
        self.max_fps = None

    def look(self, now_s: float, streams: Mapping[str, Backlog]) -> None:
        """Take what is known now, about once a second; `now_s` is by a monotonic clock.

        Only a look at which the reader has moved counts: between two batches nothing can be told.
        """
        look, before = _Look(now_s, streams), self._before
        self._before = look
        if before is None or before.streams.keys() != streams.keys():
            self._looks.clear()  # a stream has begun
            return
        is_away = bool(self._looks) and now_s - self._looks[-1].at_s > AWAY_S
        if is_away or look.committed < before.committed:
            self.forget()
        if look.committed <= before.committed:
            return
        self._looks.append(look)
        while self._looks[0].at_s < now_s - WINDOW_S:
            self._looks.popleft()
        self._judge(self._looks[0], look)

    def _judge(self, first: _Look, last: _Look) -> None:
        span_s = last.at_s - first.at_s
        if span_s < LEAST_SPAN_S:
            return
        pace_fps = (last.committed - first.committed) / span_s
        # What the newest frame will have waited when its turn comes, if all stays as it is.
        wait_s = last.waiting / pace_fps
        if wait_s > self._max_lag_s and last.waiting > first.waiting:
            rates = [
                (last.streams[name].published - first.streams[name].published) / span_s
                for name in last.streams
            ]
            self.max_fps = max(shared_fps(rates, SHARE * pace_fps), LEAST_FPS)
        elif wait_s < self._max_lag_s / 2 and self.max_fps is not None:
            since_s = last.at_s - self._looks[-2].at_s
            grown_fps = self.max_fps * GROWTH**since_s
            self.max_fps = None if grown_fps > UNBOUNDED_FPS else grown_fps


class LoadPacer:
    """Thins one stream to the common limit."""

    def __init__(self, governor: LoadGovernor) -> None:
        self._governor = governor
        self._pacer = Pacer(None)

    def admits(self, media_ns: int) -> bool:
        """Whether the frame at this media time is published."""
        self._pacer.max_fps = self._governor.max_fps
        return self._pacer.admits(media_ns)


def shared_fps(rates_fps: list[float], total_fps: float) -> float:
    """Return the bound under which streams of these rates publish `total_fps` together.

    Max-min fair: streams below the bound keep their rate, all others get the same.
    """
    left_fps = total_fps
    for done, rate_fps in enumerate(sorted(rates_fps)):
        bound_fps = left_fps / (len(rates_fps) - done)
        if rate_fps >= bound_fps:
            return bound_fps
        left_fps -= rate_fps
    return UNBOUNDED_FPS

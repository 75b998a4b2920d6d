"""What the services' metrics say together: rates and totals over all processes that tell of one.

Several processes may tell of one stream, as after a rebalance: counters are summed over them, times
are the newest. A counter that restarts at zero, and a process that goes, lose nothing that was
counted before. Pure; times are seconds of any monotonic clock.
"""

from collections import deque
from dataclasses import dataclass

from viewer.families import COUNTERS, Samples, Series

FRESH_S = 7.0
"""A process that was last heard longer ago tells nothing any more: three rounds of two seconds."""
LONGEST_WINDOW_S = 30.0
KEPT_S = 300.0
"""How long a process that answers no more is remembered, and goes on where it was."""


@dataclass(frozen=True, slots=True)
class _Process:
    heard_s: float
    samples: Samples


class Telemetry:
    """Takes the samples of each process, round by round."""

    def __init__(self) -> None:
        self._processes: dict[str, _Process] = {}
        self._grown: dict[Series, float] = {}
        self._rose_s: dict[Series, float] = {}
        self._points: dict[Series, deque[tuple[float, float]]] = {}
        self._sums: dict[Series, float] = {}
        self._newest: dict[Series, float] = {}
        self._streams: dict[str, dict[Series, float]] = {}

    def take(self, process: str, samples: Samples, at_s: float) -> None:
        """Take what one process told at a moment; `process` names it from round to round."""
        before = self._processes.get(process)
        for series, value in samples.items():
            if series.family in COUNTERS:
                self._grow(series, _increase(before, series, value), at_s)
        self._processes[process] = _Process(at_s, samples)

    def close_round(self, at_s: float) -> None:
        """Add up what the processes that were heard lately have told."""
        for name in [n for n, known in self._processes.items() if at_s - known.heard_s > KEPT_S]:
            del self._processes[name]
        self._sums, self._newest, self._streams = {}, {}, {}
        for known in self._processes.values():
            if at_s - known.heard_s <= FRESH_S:
                self._add(known.samples)
        for series in self._sums:
            if series.family in COUNTERS:
                self._remember(series, at_s)
        for series in [s for s, points in self._points.items() if at_s - points[-1][0] > KEPT_S]:
            del self._points[series], self._grown[series], self._rose_s[series]

    @property
    def streams(self) -> frozenset[str]:
        """The streams that some process tells of now."""
        return frozenset(self._streams)

    def total(self, family: str, stream: str = "") -> float | None:
        """Return the sum over the processes that tell of it now, None if none does."""
        return self._sums.get(Series(family, stream))

    def total_of_all(self, family: str) -> float | None:
        """Return the sum over all streams and processes, None if nobody tells."""
        told = [value for series, value in self._sums.items() if series.family == family]
        return sum(told) if told else None

    def newest(self, family: str, stream: str = "") -> float | None:
        """Return the greatest that a process tells now, None if none does."""
        return self._newest.get(Series(family, stream))

    def by_reason(self, family: str, stream: str) -> dict[str, int]:
        """Return the sums of a stream's counter by its reason, those that are not zero."""
        told = self._streams.get(stream, {})
        return {
            series.reason: round(value)
            for series, value in told.items()
            if series.family == family and value
        }

    def rate(self, family: str, stream: str, window_s: float) -> float | None:
        """Return the growth a second over the last `window_s`, over all reasons.

        None if nobody tells of it now, or only once so far.
        """
        told = self._streams.get(stream, {})
        rates = [self._rate(series, window_s) for series in told if series.family == family]
        known = [rate for rate in rates if rate is not None]
        return sum(known) if known else None

    def still_s(self, family: str, stream: str, now_s: float) -> float | None:
        """Return for how many seconds a counter had not grown when it was last told.

        None if nobody tells of it now.
        """
        series = Series(family, stream)
        if series not in self._sums:
            return None
        heard_s = max(
            known.heard_s for known in self._processes.values() if series in known.samples
        )
        return max(min(heard_s, now_s) - self._rose_s[series], 0.0)

    def _grow(self, series: Series, increase: float, at_s: float) -> None:
        if increase > 0 or series not in self._grown:
            self._rose_s[series] = at_s
        self._grown[series] = self._grown.get(series, 0.0) + increase

    def _add(self, samples: Samples) -> None:
        for series, value in samples.items():
            self._sums[series] = self._sums.get(series, 0.0) + value
            self._newest[series] = max(self._newest.get(series, value), value)
            if series.stream:
                self._streams.setdefault(series.stream, {})[series] = self._sums[series]

    def _remember(self, series: Series, at_s: float) -> None:
        points = self._points.setdefault(series, deque())
        if points and points[-1][0] >= at_s:
            points.pop()
        points.append((at_s, self._grown[series]))
        while at_s - points[0][0] > LONGEST_WINDOW_S:
            points.popleft()

    def _rate(self, series: Series, window_s: float) -> float | None:
        points = self._points.get(series, deque())
        if len(points) < 2:
            return None
        newest_s, newest = points[-1]
        first_s, first = next(point for point in points if newest_s - point[0] <= window_s)
        if first_s == newest_s:
            first_s, first = points[-2]
        return (newest - first) / (newest_s - first_s)


def _increase(before: _Process | None, series: Series, value: float) -> float:
    """Return by how much a counter has grown since the same process last told it.

    A process that is heard for the first time may have counted for days; a series that is new in a
    known one began at zero, and so did one that is smaller than before.
    """
    if before is None:
        return 0.0
    counted = before.samples.get(series, 0.0)
    return value - counted if value >= counted else value

"""Tells when a frame was captured: by the camera's RTCP reports where they can be believed."""

from contracts.frames import Clock
from producer.frames import SenderReport

TICK_NS = 1_000_000
"""Least distance of two capture times: Kafka's timestamps are whole milliseconds."""

MAX_HOLD_NS = 10_000_000_000
"""A step back that is longer is no latency but a clock that was set, and is followed."""


class CaptureClock:
    """Maps the media clock of one stream to nanoseconds since the epoch, session after session.

    Until the first report, and where the camera's clock is further than `max_skew_ns` from the
    local one, a frame's time is its arrival. Arrival is later than capture by the latency, so the
    first times by RTCP lie below those already given: until RTCP's have passed them, the times
    advance by TICK_NS a frame and are still called `arrival`. So times never go back, except
    by more than MAX_HOLD_NS, when a clock was set. `skew_ns` is how far, in this session, the
    camera's clock was from ours, less what the newest frame took to arrive; `unbelieved_skew_ns`
    the same when it was last not believed.
    """

    def __init__(self, max_skew_ns: int) -> None:
        self._max_skew_ns = max_skew_ns
        self._reports = 0
        self._offset_ns: int | None = None
        self._last_ns = 0
        self.skew_ns: int | None = None
        self.unbelieved_skew_ns: int | None = None

    def start_session(self) -> None:
        """Forget the media clock: a new connection has one of its own."""
        self._offset_ns = None
        self._reports = 0
        self.skew_ns = None
        self.unbelieved_skew_ns = None

    def learn(self, report: SenderReport) -> None:
        """Take a sender report, from the second of a session on.

        The first is attached to the packet before the one it means: its wall time was measured one
        frame interval late (FFmpeg 8 demuxing MediaMTX 1.15).
        """
        self._reports += 1
        if self._reports > 1:
            self._offset_ns = report.wall_ns - report.pts_ns

    def stamp(self, pts_ns: int | None, arrival_ns: int) -> tuple[int, Clock]:
        """Return the capture time in nanoseconds since the epoch, and by which clock."""
        by_rtcp_ns = self._believed_ns(pts_ns, arrival_ns)
        clock: Clock = "arrival" if by_rtcp_ns is None else "rtcp"
        captured_ns = arrival_ns if by_rtcp_ns is None else by_rtcp_ns
        behind_ns = self._last_ns + TICK_NS - captured_ns
        if 0 < behind_ns <= MAX_HOLD_NS:
            captured_ns, clock = self._last_ns + TICK_NS, "arrival"
        self._last_ns = captured_ns
        return captured_ns, clock

    def _believed_ns(self, pts_ns: int | None, arrival_ns: int) -> int | None:
        if self._offset_ns is None or pts_ns is None:
            return None
        captured_ns = pts_ns + self._offset_ns
        self.skew_ns = skew_ns = captured_ns - arrival_ns
        if abs(skew_ns) <= self._max_skew_ns:
            return captured_ns
        self.unbelieved_skew_ns = skew_ns
        return None

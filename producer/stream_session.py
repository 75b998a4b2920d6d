"""One session of one stream: each frame of a connection is counted, judged, encoded and put out."""

from collections.abc import Callable

from av import VideoFrame
from av.error import FFmpegError

from contracts.frames import Clock, DropReason
from producer.capture_clock import CaptureClock
from producer.frames import DecodedFrame, EncodedFrame, SenderReport
from producer.jpeg import JpegEncoder
from producer.metrics import StreamMetrics
from producer.outbox import Outbox
from producer.sampling import FrameSampler
from producer.selection import FrameSelection
from producer.stillness import Stillness
from runtime.logs import Logger

_STILLNESS_EVENTS = {Stillness.FROZE: "stream.frozen", Stillness.THAWED: "stream.thawed"}


class StreamSession:
    """Takes the frames that one connection delivers, in order of presentation."""

    def __init__(
        self,
        session: str,
        clock: CaptureClock,
        selection: FrameSelection,
        encoder: JpegEncoder,
        outbox: Outbox,
        metrics: StreamMetrics,
        log: Logger,
        now_s: Callable[[], float],
        sampler: FrameSampler | None = None,
    ) -> None:
        self._session = session
        self._clock = clock
        self._selection = selection
        self._encoder = encoder
        self._outbox = outbox
        self._metrics = metrics
        self._log = log.bind(session=session)
        self._now_s = now_s
        self._sampler = sampler
        self._by: Clock | None = None
        self._is_skew_told = False
        self.captured = 0
        clock.start_session()

    def learn(self, report: SenderReport) -> None:
        """Take a sender report of the camera."""
        self._clock.learn(report)

    def skip(self) -> None:
        """Count a frame that was not decoded, because this machine is behind the camera."""
        self.captured += 1
        self._outbox.captured()
        self._outbox.drop("overload")

    def accept(self, frame: DecodedFrame) -> None:
        """Publish the frame, or drop it and count why: one of the two, whatever the frame is."""
        seq = self.captured
        self.captured += 1
        self._outbox.captured()
        try:
            fate = self._fate(frame, seq)
        except Exception:
            # A defect, which the caller tells of; the account must hold even so.
            self._outbox.drop("corrupt")
            raise
        if isinstance(fate, EncodedFrame):
            self._outbox.put(fate)
        else:
            self._outbox.drop(fate)

    def _fate(self, frame: DecodedFrame, seq: int) -> EncodedFrame | DropReason:
        verdict = self._selection.judge(frame, self._now_s())
        if verdict.stillness in _STILLNESS_EVENTS:
            self._log.warning(_STILLNESS_EVENTS[verdict.stillness], seq=seq)
        if verdict.drop is not None or frame.picture is None:
            return verdict.drop or "corrupt"
        captured_ns, clock = self._clock.stamp(frame.pts_ns, frame.arrival_ns)
        self._tell_clock(clock)
        begun_s = self._now_s()
        try:
            encoded = self._encode(frame.picture)
        except (FFmpegError, ValueError) as error:
            # A pixel format that cannot be converted; the stream's other frames may be.
            self._log.debug("frame.unencodable", seq=seq, reason=str(error))
            return "corrupt"
        if encoded is None:
            return "oversized"
        jpeg, size_wh = encoded
        ready = EncodedFrame(jpeg, self._session, seq, captured_ns, clock, size_wh)
        if self._sampler is None:
            return ready
        now_s = self._now_s()
        return self._sampler.traced(frame, ready, now_s - begun_s, now_s)

    def _encode(self, picture: VideoFrame) -> tuple[bytes, tuple[int, int]] | None:
        started_s = self._now_s()
        encoded = self._encoder.encode(picture)
        self._metrics.encode_seconds.observe(self._now_s() - started_s)
        return encoded

    def _tell_clock(self, clock: Clock) -> None:
        if clock != self._by:
            self._by = clock
            self._log.info("stream.clock", clock=clock)
        skew_ns = self._clock.unbelieved_skew_ns
        if skew_ns is not None and not self._is_skew_told:
            self._is_skew_told = True
            self._log.warning("stream.clock_skewed", skew_s=round(skew_ns / 1e9, 3))

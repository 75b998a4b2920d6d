"""Chooses the frames that are traced: one of a stream, then none of it for a while."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from producer.frame_trace import SampledFrame
from producer.frames import DecodedFrame, EncodedFrame

if TYPE_CHECKING:
    from runtime.otel import Tracer

NS_PER_S = 1_000_000_000


class FrameSampler:
    """Chooses the first of the frames of one stream that come `every_s` seconds after the last.

    Its frames are those about to be published. What is dropped before says nothing of the way.
    """

    def __init__(
        self,
        tracer: "Tracer",
        stream_id: str,
        every_s: float,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._tracer = tracer
        self._stream_id = stream_id
        self._every_s = every_s
        self._now_ns = now_ns
        self._next_s = float("-inf")

    def traced(
        self, frame: DecodedFrame, ready: EncodedFrame, encode_s: float, now_s: float
    ) -> EncodedFrame:
        """Return `ready`, with a trace if it is its turn.

        `encode_s` is what encoding it took, in seconds; `now_s` is the monotonic clock, in seconds.
        """
        if now_s < self._next_s:
            return ready
        self._next_s = now_s + self._every_s
        ready_ns = self._now_ns()
        decode_ns = frame.arrival_ns - _ns(frame.decode_s)
        # Our clock, even where the camera tells the time of capture: a trace needs one clock, and
        # services of one pipeline agree better than cameras do.
        root = self._tracer.start("frame", "internal", self._facts(frame, ready), decode_ns)
        root.child("decode", start_ns=decode_ns).end(frame.arrival_ns)
        size_bytes = {"framerail.frame.jpeg_bytes": len(ready.jpeg)}
        root.child("encode", "internal", size_bytes, ready_ns - _ns(encode_s)).end(ready_ns)
        return replace(ready, trace=SampledFrame(root, ready_ns, self._now_ns))

    def _facts(self, frame: DecodedFrame, ready: EncodedFrame) -> dict[str, str | int | float]:
        width, height = ready.size_wh
        return {
            "framerail.stream.id": self._stream_id,
            "framerail.session.id": ready.session,
            "framerail.frame.seq": ready.seq,
            "framerail.frame.captured_ns": ready.captured_ns,
            "framerail.frame.clock": ready.clock,
            "framerail.frame.capture_to_arrival_s": (frame.arrival_ns - ready.captured_ns) / 1e9,
            "framerail.frame.width_px": width,
            "framerail.frame.height_px": height,
        }


def _ns(seconds: float) -> int:
    return int(seconds * NS_PER_S)

"""Pictures, and hand-written stand-ins for the camera, Kafka and the log of the producer."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import av
import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from producer.camera import Received
from producer.camera_faults import CameraFault
from producer.frames import DecodedFrame, EncodedFrame
from producer.metrics import ProducerMetrics, StreamMetrics
from runtime.logs import Logger

STREAM = "gate"
SECOND_NS = 1_000_000_000
EPOCH_NS = 1_795_000_000 * SECOND_NS


def scene(width: int, height: int, shift: int = 0) -> NDArray[np.uint8]:
    """Return a smooth colourful RGB scene, shape (height, width, 3), uint8."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    red = 128 + 100 * np.sin((x + shift) / 37)
    green = 128 + 100 * np.cos(y / 29)
    blue = 128 + 100 * np.sin((x + y) / 53)
    return np.asarray(np.clip(np.stack([red, green, blue], axis=-1), 0, 255), np.uint8)


def picture(
    width: int = 64, height: int = 48, pixel_format: str = "yuv420p", shift: int = 0
) -> av.VideoFrame:
    rgb = av.VideoFrame.from_ndarray(scene(width, height, shift), format="rgb24")
    return rgb.reformat(format=pixel_format)


def decoded(
    number: int, fps: float = 25, is_corrupt: bool = False, shift: int | None = None
) -> DecodedFrame:
    at_ns = round(number * SECOND_NS / fps)
    moved = number if shift is None else shift
    return DecodedFrame(picture(shift=moved), at_ns, EPOCH_NS + at_ns, is_corrupt)


def encoded(seq: int, jpeg: bytes = b"jpeg") -> EncodedFrame:
    return EncodedFrame(jpeg, "session", seq, EPOCH_NS + seq * SECOND_NS, "arrival", (64, 48))


def stream_metrics() -> tuple[StreamMetrics, Callable[..., float]]:
    """Return metrics of their own registry, and a function that reads one by its name."""
    registry = CollectorRegistry()
    metrics = StreamMetrics(ProducerMetrics(registry), STREAM)

    def value(name: str, **labels: str) -> float:
        found = registry.get_sample_value(f"framerail_{name}", {"stream": STREAM, **labels})
        assert found is not None, name
        return found

    return metrics, value


class FakeTime:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class RecordingLog:
    """Keeps the events that were logged."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    @classmethod
    def pair(cls) -> tuple["RecordingLog", Logger]:
        log = cls()
        return log, cast(Logger, log)

    def bind(self, **_values: Any) -> "RecordingLog":
        return self

    def debug(self, event: str, **values: Any) -> None:
        self.events.append((event, values))

    info = warning = error = exception = debug

    def named(self, event: str) -> list[dict[str, Any]]:
        return [values for name, values in self.events if name == event]


class Stored:
    """What Kafka says of a record that it has stored."""

    partition = 0
    offset = 0


class FakeFuture:
    """What `send` returns: settled by the test."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[], None]] = []
        self._errbacks: list[Callable[[Exception], None]] = []

    def add_callback(self, function: Callable[..., None], *args: Any) -> None:
        self._callbacks.append(lambda: function(*args, Stored()))

    def add_errback(self, function: Callable[..., None], *args: Any) -> None:
        self._errbacks.append(lambda error: function(*args, error))

    def succeed(self) -> None:
        for callback in self._callbacks:
            callback()

    def fail(self, error: Exception) -> None:
        for errback in self._errbacks:
            errback(error)


class FakeKafka:
    """Keeps the records that were sent; raises the errors it was given, one a send, first."""

    def __init__(self, errors: Sequence[Exception] = (), acknowledges: bool = True) -> None:
        self.records: list[dict[str, Any]] = []
        self.futures: list[FakeFuture] = []
        self._errors = list(errors)
        self._acknowledges = acknowledges

    def send(
        self,
        topic: str,
        value: bytes,
        key: bytes,
        headers: list[tuple[str, bytes]],
        partition: int,
        timestamp_ms: int,
    ) -> FakeFuture:
        if self._errors:
            raise self._errors.pop(0)
        self.records.append(
            {
                "topic": topic,
                "value": value,
                "key": key,
                "headers": headers,
                "partition": partition,
                "timestamp_ms": timestamp_ms,
            }
        )
        future = FakeFuture() if not self._acknowledges else _Settled()
        self.futures.append(future)
        return future


class _Settled(FakeFuture):
    def add_callback(self, function: Callable[..., None], *args: Any) -> None:
        function(*args, Stored())


class FakeCamera:
    """Delivers what it was given, then breaks with a fault or ends."""

    codec = "h264"

    def __init__(self, script: Sequence[Received | Exception] = ()) -> None:
        self._script = script
        self.is_closed = False

    def packets(self) -> Iterator[Received]:
        for step in self._script:
            if isinstance(step, Exception):
                raise step
            yield step

    def close(self) -> None:
        self.is_closed = True


def received(*frames: DecodedFrame) -> Received:
    return Received(frames, None, 0.001)


def fault(needs_a_person: bool = False) -> CameraFault:
    return CameraFault("connection refused", needs_a_person)

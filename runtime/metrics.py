"""What more than one service counts, and what every one tells of itself."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import Counter, Gauge

from runtime.health import Heartbeat

DEAD_LETTERS = Counter(
    "framerail_dead_letters_total", "Records refused and put aside, by the stage.", ["stage"]
)
COMMIT_FAILURES = Counter(
    "framerail_commit_failures_total", "Commits of offsets that Kafka did not take in time."
)
BUILD_INFO = Gauge(
    "framerail_build_info", "1; the labels say what runs.", ["service", "version", "revision"]
)
HEALTHY = Gauge("framerail_healthy", "1 while /healthz says that all threads turn.", ["service"])
READY = Gauge("framerail_ready", "1 while /readyz says that work is done.", ["service"])


def tell_of_service(
    name: str, heartbeat: Heartbeat, environment: Mapping[str, str] = os.environ
) -> None:
    """Show which service runs in this process, in which version, and how it is.

    Our images say their version and revision in two variables; elsewhere the package tells it.
    """
    revision = environment.get("FRAMERAIL_BUILD_REVISION", "unknown")
    BUILD_INFO.labels(name, build_version(environment), revision).set(1)
    HEALTHY.labels(name).set_function(lambda: heartbeat.is_alive)
    READY.labels(name).set_function(lambda: heartbeat.is_ready)


def build_version(environment: Mapping[str, str] = os.environ) -> str:
    """Return the version that runs here, `unknown` where nothing tells it."""
    told = environment.get("FRAMERAIL_BUILD_VERSION")
    if told is not None:
        return told
    try:
        return version("framerail")
    except PackageNotFoundError:
        return "unknown"


class BoundedLabels:
    """The values of one label: each new value makes series that stay for the life of a process.

    Whoever writes records chooses some of them, so there is a bound: what comes after the first
    `limit` different ones is counted as `other`. Safe to call from many threads.
    """

    OTHER = "other"

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        """Return the value, or OTHER if it is one too many."""
        if value not in self._known:
            if len(self._known) >= self._limit:
                return self.OTHER
            self._known.add(value)
        return value


AHEAD_S = 60.0
"""Up to here a camera's clock that is ahead of ours is told as it is. The producer does so too, up
to 10 s by default: to cut one of the two alone would make a lag of the difference."""


class NewestCapture:
    """A gauge of the newest capture time of each stream, UNIX time in seconds.

    An older frame changes nothing: one that was put back from the dead letters keeps its first
    time, and several threads end out of order. A time more than AHEAD_S ahead counts as now, so
    that a wrong one does not hold the gauge for long. Safe to call from many threads.
    """

    def __init__(self, gauge: Gauge, now_s: Callable[[], float] = time.time) -> None:
        self._gauge = gauge
        self._now_s = now_s
        self._newest_s: dict[str, float] = {}
        self._lock = threading.Lock()

    def reached(self, stream: str, captured_ns: int) -> None:
        """Say that a frame of this capture time, in ns since the epoch, has come so far."""
        captured_s, now_s = captured_ns / 1e9, self._now_s()
        if captured_s > now_s + AHEAD_S:
            captured_s = now_s
        with self._lock:
            if captured_s > self._newest_s.get(stream, 0.0):
                self._newest_s[stream] = captured_s
                self._gauge.labels(stream).set(captured_s)


STREAM_LABELS = BoundedLabels(4096)
CLASS_LABELS = BoundedLabels(1024)

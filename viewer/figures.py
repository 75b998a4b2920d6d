"""The figures of each stream and stage, from the services' metrics and the newest results. Pure."""

from dataclasses import dataclass

from contracts.wall import Stage
from viewer import families
from viewer.batches import Batch
from viewer.history import History
from viewer.telemetry import LONGEST_WINDOW_S, Telemetry

WINDOW_S = 10.0
"""Frames are captured and published one by one, but inferred and stored by the batch: those rates
are taken over LONGEST_WINDOW_S, so that they do not jump with each batch."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Capture times, in seconds since the epoch, of the newest frame that has come so far."""

    captured_s: float | None = None
    published_s: float | None = None
    inferred_s: float | None = None
    stored_s: float | None = None

    def behind_s(self, reached_s: float | None) -> float | None:
        """Return by how many seconds a point is behind the camera, at least 0."""
        if self.captured_s is None or reached_s is None:
            return None
        return max(0.0, self.captured_s - reached_s)


class ProgressKeeper:
    """Knows how far each stream has come, also while the service that tells of it is away."""

    def __init__(self, telemetry: Telemetry, history: History) -> None:
        self._telemetry = telemetry
        self._history = history
        self._captured_s: dict[str, float] = {}
        self._published_s: dict[str, float] = {}

    def progress(self, stream_id: str) -> Progress:
        """Return how far a stream has come.

        Where the producer is away, what it said last holds. Of the later services' word and the
        results themselves the newer one holds.
        """
        return Progress(
            self._last(self._captured_s, families.CAPTURED_AT, stream_id),
            self._last(self._published_s, families.PUBLISHED_AT, stream_id),
            self._inferred_s(stream_id),
            self._stored_s(stream_id),
        )

    def forget(self, stream_id: str) -> None:
        """Remember nothing of a stream that has left the wall."""
        self._captured_s.pop(stream_id, None)
        self._published_s.pop(stream_id, None)

    def _last(self, kept_s: dict[str, float], family: str, stream_id: str) -> float | None:
        told_s = self._told_s(family, stream_id)
        if told_s is not None:
            kept_s[stream_id] = told_s
        return kept_s.get(stream_id)

    def _told_s(self, family: str, stream_id: str) -> float | None:
        told_s = self._telemetry.newest(family, stream_id)
        return None if told_s == 0 else told_s  # a series may exist before its first frame

    def _inferred_s(self, stream_id: str) -> float | None:
        return self._newest_s(families.INFERRED_AT, stream_id, self._history.newest(stream_id))

    def _stored_s(self, stream_id: str) -> float | None:
        return self._newest_s(families.STORED_AT, stream_id, self._history.stored(stream_id))

    def _newest_s(self, family: str, stream_id: str, batch: Batch | None) -> float | None:
        """Return the newer of both: a process tells old times of a stream that it has given up."""
        told_s = self._told_s(family, stream_id)
        if batch is None:
            return told_s
        return max(told_s or 0.0, batch.captured_ms[-1] / 1000)


def stages(telemetry: Telemetry, progress: dict[str, Progress]) -> tuple[Stage, ...]:
    """Return the four stages in the order that a frame takes, each over all streams."""

    def rate(family: str, window_s: float) -> float | None:
        rates = [telemetry.rate(family, stream, window_s) for stream in telemetry.streams]
        return rounded(total(rates), 2)

    def worst_s(point: str) -> float | None:
        known = [one.behind_s(getattr(one, point)) for one in progress.values()]
        return rounded(max((behind for behind in known if behind is not None), default=None), 1)

    def in_hand(family: str) -> int | None:
        held = telemetry.total_of_all(family)
        return None if held is None else round(held)

    return (
        Stage(name="capture", rate=rate(families.CAPTURED, WINDOW_S)),
        Stage(
            name="publish",
            rate=rate(families.PUBLISHED, WINDOW_S),
            behind_s=worst_s("published_s"),
            in_hand=in_hand(families.BUFFERED),
        ),
        Stage(
            name="infer",
            rate=rate(families.INFERRED, LONGEST_WINDOW_S),
            behind_s=worst_s("inferred_s"),
            in_hand=in_hand(families.BATCHES_IN_FLIGHT),
            unit="batches",
        ),
        Stage(
            name="store",
            rate=rate(families.EVIDENCE, LONGEST_WINDOW_S),
            behind_s=worst_s("stored_s"),
            in_hand=in_hand(families.RESULTS_IN_FLIGHT),
            unit="results",
        ),
    )


def total(figures: "list[float | None]") -> float | None:
    """Return the sum of those that are known, None if none is."""
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None


def rounded(figure: float | None, digits: int) -> float | None:
    """Return a figure with no more digits than are worth sending each second."""
    return None if figure is None else round(figure, digits)

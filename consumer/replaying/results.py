"""Where a replay writes: results only, each with a bounded wait for Kafka, and counted."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from consumer.protocols import Acknowledgement, Results
from consumer.worker import BatchOutcome
from contracts.results import BatchResult, Model
from runtime.deadline import Deadline
from runtime.errors import DependencyError, TransientError


@dataclass(slots=True)
class Counts:
    """What was written: `frames` of them all, `not_inferred` of those that reached no model."""

    batches: int = 0
    frames: int = 0
    not_inferred: int = 0
    detections: int = 0
    models: set[tuple[str, str]] = field(default_factory=set)

    def add(self, result: BatchResult) -> None:
        """Count one batch."""
        self.batches += 1
        self.frames += len(result.frames)
        self.not_inferred += sum(frame.not_inferred is not None for frame in result.frames)
        self.detections += sum(len(frame.detections) for frame in result.frames)
        self.models.add((result.model.name, result.model.version))

    @property
    def answered_by(self) -> list[Model]:
        """The models that answered, by name and version."""
        return [Model(name, version) for name, version in sorted(self.models)]


class ReplayResults:
    """Hands results on to `results`, without their dead letters: live has written those.

    The loop closes the rest of a window by age, as it does the rest of a log; the result says
    `window_end`. Raises DependencyError where `new_deadline` is over and Kafka has not taken one.
    """

    def __init__(self, results: Results, new_deadline: Callable[[], Deadline]) -> None:
        self.counts = Counts()
        self._results = results
        self._new_deadline = new_deadline
        self._failing: Deadline | None = None

    def send(self, outcome: BatchOutcome) -> Acknowledgement:
        """Hand over one result; raise TransientError to be asked again."""
        kept = BatchOutcome(_named_end(outcome.result), ())
        try:
            sent = self._results.send(kept)
        except TransientError as error:
            if self._failing is None:
                self._failing = self._new_deadline()
            if self._failing.is_over:
                raise DependencyError(str(error)) from error
            raise
        self._failing = None
        self.counts.add(kept.result)
        return _BoundedAcknowledgement(sent, self._new_deadline())

    def flush(self, timeout_s: float) -> None:
        """Wait until all that was handed over is safe; raise TransientError if it takes longer."""
        self._results.flush(timeout_s)


@dataclass(frozen=True, slots=True)
class _BoundedAcknowledgement:
    sent: Acknowledgement
    waited: Deadline

    @property
    def is_done(self) -> bool:
        if self.sent.is_done:
            return True
        if self.waited.is_over:
            raise DependencyError(
                f"Kafka did not acknowledge a result within {self.waited.limit_s:g} s"
            )
        return False


def _named_end(result: BatchResult) -> BatchResult:
    if result.closed_by != "age":
        return result
    return msgspec.structs.replace(result, closed_by="window_end")

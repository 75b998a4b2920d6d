"""What a replay is asked to do, and what it tells when it is done."""

from dataclasses import dataclass

from msgspec import Struct

from consumer.replaying.window import Edge
from contracts.results import Model
from runtime.errors import ConfigurationError


class TopicTaken(ConfigurationError):
    """The results topic that was asked for exists already."""


@dataclass(frozen=True, slots=True)
class ReplayOrder:
    """Frames of one stream between two ends, to be written to `results.<name>`.

    `evidence` is chosen as by the consumer's setting of that name, or `none`.
    """

    stream_id: str
    begin: Edge
    end: Edge
    name: str
    evidence: str = "none"


class ReplayReport(Struct, frozen=True, kw_only=True):
    """What became of a replay; both offsets are inclusive.

    Of `frames`, `written` are in the topic, and Kafka deleted `expired` before they were read.
    `is_cut`: the window began before what Kafka held. `models` are those that answered.
    """

    topic: str
    stream_id: str
    models: list[Model]
    min_confidence: float
    first_offset: int
    last_offset: int
    frames: int
    written: int
    expired: int
    not_inferred: int
    batches: int
    detections: int
    is_cut: bool
    is_complete: bool

"""The edge to the frames that lie in Kafka: how large the newest of them are."""

from contextlib import closing, suppress

from contracts.errors import InvalidRecord
from contracts.frames import FrameHeaders
from runtime.log_reader import LogReader
from runtime.preflight.facts import FrameLoad, KafkaFacts, Stored, measured_loads
from runtime.settings import KafkaSettings

SAMPLE = 5
"""Of the newest frames of each topic are looked at: ten megabytes of a camera of 4K."""


def measured(settings: KafkaSettings, facts: KafkaFacts) -> list[FrameLoad]:
    """Return the load of every frames topic that holds frames, from a sample of its newest.

    A topic that we may not read is known by the mean of its log. Raises DependencyError if Kafka
    sends nothing.
    """
    filled = {
        topic: stored
        for topic, stored in facts.logs.stored.items()
        if stored.end_offset > stored.first_offset
        if "READ" in facts.topics.present[topic].operations
    }
    loads: list[FrameLoad] = []
    if filled:
        with closing(LogReader(settings, "framerail-preflight")) as log:
            sampled = [_sampled(log, topic, stored) for topic, stored in filled.items()]
        loads = [load for load in sampled if load is not None]
    known = {load.stream for load in loads}
    return [*loads, *(load for load in measured_loads(facts.logs) if load.stream not in known)]


def _sampled(log: LogReader, topic: str, stored: Stored) -> FrameLoad | None:
    first = max(stored.end_offset - SAMPLE, stored.first_offset)
    sizes, shapes = [], set()
    for record in log.records(topic, first, stored.end_offset):
        sizes.append(len(record.value or b""))
        with suppress(InvalidRecord):  # the consumer puts it aside; its bytes count all the same
            shapes.add("{}x{}".format(*FrameHeaders.decode(record.headers).size_wh))
    if not sizes:
        return None
    return FrameLoad(
        stream=topic,
        mean_bytes=sum(sizes) / len(sizes),
        largest_bytes=max(sizes),
        frames_per_s=0.0 if stored.frames_per_s is None else stored.frames_per_s,
        origin=f"the newest {len(sizes)}" + (f", {', '.join(sorted(shapes))}" if shapes else ""),
    )

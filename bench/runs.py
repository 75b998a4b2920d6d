"""One run of the pipeline: frames go in, and what that took is counted until the last picture."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

from bench.model import BATCH
from bench.system import System
from contracts.names import RESULTS_TOPIC, frames_topic
from contracts.results import BatchResult, decode_result, encode_result
from ops.ledger.kafka_books import Scope
from ops.ledger.proof import prove
from runtime.log_reader import LogReader

STALLED_AFTER_S = 120.0
LOOK_EVERY_S = 0.1
WARM_UP_S = 4.0
ALL_BUT = 0.95
"""Of the frames that cameras should send, a run has to have seen."""


class RunFailed(Exception):
    """The pipeline did not do what it was given; a figure of it would be worth nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took. `cpu_s` is by part; `latencies_s` has one figure for each frame.

    The latency of a frame is the time from its capture until the picture of its batch was stored.
    `travel_bytes` are means, by the name in `bench.figures.SizeFigures`.
    """

    frames: int
    wall_s: float
    cpu_s: Mapping[str, float]
    latencies_s: Sequence[float] = ()
    memory_mib: Mapping[str, float] = field(default_factory=dict)
    travel_bytes: Mapping[str, int] = field(default_factory=dict)

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.frames / self.wall_s

    @property
    def cpu_ms(self) -> float:
        """CPU-milliseconds of all parts for one frame."""
        return sum(self.stage_cpu_ms.values())

    @property
    def stage_cpu_ms(self) -> dict[str, float]:
        """CPU-milliseconds for one frame, by part."""
        return {name: used_s * 1000 / self.frames for name, used_s in self.cpu_s.items()}


def at_full_speed(system: System, video: Path, stream_id: str, frames: int) -> Run:
    """Send frames, a multiple of 25, as fast as they are taken, until the last batch is in S3.

    `wall_s` is from the capture of the first frame to the last of these pictures. What few frames
    come behind them are not counted. Raises RunFailed if the books do not close.
    """
    options = system.full_speed_options(frames, frames_topic(stream_id))
    with (
        system.running([stream_id]),
        system.feed(video, [stream_id], *options) as feed,
    ):
        _wait_for(system, lambda: _captured(system), 1)
        before = system.cpu_s({"camera": feed})
        _wait_for(system, lambda: _stored(system), frames // BATCH)
        used_s = _used_s(before, system.cpu_s({"camera": feed}))
        memory = system.memory_mib()
        results, stored_ns = _settled(system, [stream_id])
        counted = whole_batches(results, frames)
        travel = _travel_bytes(system, stream_id, counted)
    last_ns = max(stored_ns[chosen.key] for each in counted for chosen in each.evidence)
    wall_s = (last_ns - counted[0].captured_first_ns) / 1e9
    latencies_s = list(_latencies_s(counted, stored_ns))
    return Run(frames, wall_s, used_s, latencies_s, memory, travel)


def in_real_time(
    system: System, video: Path, streams: Sequence[str], fps: float, seconds: float
) -> Run:
    """Run cameras at a rate each. Raises RunFailed if the books do not close."""
    options = ("--fps", str(fps), "--seconds", str(seconds + 2 * WARM_UP_S))
    with system.running(streams), system.feed(video, streams, *options) as feed:
        _wait_for(system, lambda: _captured(system), 1)
        system.wait(WARM_UP_S)
        before, begun_s, captured = system.cpu_s({"camera": feed}), time.time(), _captured(system)
        system.wait(seconds)
        used_s = _used_s(before, system.cpu_s({"camera": feed}))
        wall_s, frames = time.time() - begun_s, _captured(system) - captured
        memory = system.memory_mib()
        results, stored_ns = _settled(system, streams)
    expected = len(streams) * fps * seconds
    if frames < ALL_BUT * expected:
        raise RunFailed(f"{frames} of {expected:g} frames came: a camera was late")
    # The batch that the end of the camera cuts short waits for its age.
    live = [each for each in results if begun_s < each.inferred_ns / 1e9 < begun_s + wall_s]
    return Run(frames, wall_s, used_s, list(_latencies_s(live, stored_ns)), memory)


def idle_percent(system: System, seconds: float) -> dict[str, float]:
    """Return what share of one core each part uses while its camera is away, in percent."""
    waits = {"FRAMERAIL_RECONNECT_FIRST_S": "1", "FRAMERAIL_RECONNECT_LONGEST_S": "30"}
    with system.running(["absent"], **waits):
        system.wait(WARM_UP_S)
        before = system.cpu_s()
        system.wait(seconds)
        used_s = _used_s(before, system.cpu_s())
    return {name: 100 * each_s / seconds for name, each_s in used_s.items()}


def alone(system: System, video: Path, stream_id: str, frames: int) -> dict[str, Run]:
    """Let the producer fill the log and then the consumer drain it, each with the others away.

    What they need of the servers is counted with them.
    """
    feed_options = system.full_speed_options(frames, frames_topic(stream_id))
    with (
        system.running([stream_id], ["producer"]),
        system.feed(video, [stream_id], *feed_options) as feed,
    ):
        _wait_for(system, lambda: _captured(system), 1)
        produced = _timed(system, lambda: _published(system), frames, {"camera": feed})
    with system.running([stream_id], ["consumer"]):
        consumed = _timed(system, lambda: _inferred(system), frames)
    return {"producer": produced, "consumer": consumed}


def _timed(
    system: System, count: Callable[[], int], frames: int, extra: Mapping[str, int] | None = None
) -> Run:
    begun_s, begun, before = time.monotonic(), count(), system.cpu_s(extra)
    _wait_for(system, count, frames)
    ended, ended_s, used_s = count(), time.monotonic(), _used_s(before, system.cpu_s(extra))
    if ended == begun:
        raise RunFailed(f"{frames} frames are too few: they were done before the first look")
    return Run(ended - begun, ended_s - begun_s, used_s)


def _published(system: System) -> int:
    return int(system.metric("producer", "framerail_frames_published_total"))


def _inferred(system: System) -> int:
    return int(system.metric("consumer", "framerail_frames_inferred_total"))


def whole_batches(results: Sequence[BatchResult], frames: int) -> list[BatchResult]:
    """Return the first batches, which hold so many frames; RunFailed if one was cut short."""
    in_order = sorted(results, key=lambda each: each.source.first_offset)
    counted = in_order[: frames // BATCH]
    taken = sum(len(each.frames) for each in counted)
    if taken != frames:
        raise RunFailed(f"{taken} of {frames} frames in {len(counted)} batches: one was cut short")
    return counted


def _captured(system: System) -> int:
    return int(system.metric("producer", "framerail_frames_captured_total"))


def _stored(system: System) -> int:
    return int(system.metric("postproc", "framerail_evidence_stored_total"))


def _used_s(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: used_s - before.get(name, 0.0) for name, used_s in after.items()}


def _settled(system: System, streams: Sequence[str]) -> tuple[list[BatchResult], Mapping[str, int]]:
    """Wait until nothing is on its way; return the results, and when each picture was stored."""
    _wait_for(system, lambda: int(_is_settled(system)), 1)
    for stream_id in streams:
        ledger = prove(system.target, Scope(stream_id), datetime.now(UTC))
        if not ledger.closed:
            raise RunFailed(f"the books of {stream_id} do not close: {ledger}")
    return list(_results(system, streams)), _stored_ns(system.log("postproc"))


def _is_settled(system: System) -> bool:
    batches = system.metric("consumer", "framerail_batches_total")
    return _inferred(system) == _captured(system) > 0 and batches == _stored(system)


def _wait_for(system: System, count: Callable[[], int], wanted: int) -> None:
    """Wait until a count gets there; raise RunFailed once it stands still."""
    moved_s, before = time.monotonic(), -1
    while (counted := count()) < wanted:
        if counted != before:
            moved_s, before = time.monotonic(), counted
        if time.monotonic() > moved_s + STALLED_AFTER_S:
            raise RunFailed(f"{counted} of {wanted}, and no more: what was sent does not come out")
        system.wait(LOOK_EVERY_S)


def _results(system: System, streams: Sequence[str]) -> Iterator[BatchResult]:
    log = LogReader(system.target.settings, "bench")
    try:
        span = log.span(RESULTS_TOPIC)
        for record in log.records(RESULTS_TOPIC, span.first, span.end):
            result = decode_result(record.value)
            if result.stream_id in streams:
                yield result
    finally:
        log.close()


def _stored_ns(log: str) -> dict[str, int]:
    """Return when each picture was stored, by its key, as the post-processor's log tells."""
    events = (json.loads(line) for line in log.splitlines() if '"evidence.stored"' in line)
    return {
        event["key"]: int(datetime.fromisoformat(event["timestamp"]).timestamp() * 1e9)
        for event in events
    }


def _latencies_s(results: Sequence[BatchResult], stored_ns: Mapping[str, int]) -> Iterator[float]:
    for result in results:
        done_ns = max(stored_ns[chosen.key] for chosen in result.evidence)
        for frame in result.frames:
            yield (done_ns - frame.captured_ns) / 1e9


def _travel_bytes(system: System, stream_id: str, results: Sequence[BatchResult]) -> dict[str, int]:
    log = LogReader(system.target.settings, "bench")
    try:
        span = log.span(frames_topic(stream_id))
        newest = max(span.first, span.end - BATCH)
        frames = list(log.records(frames_topic(stream_id), newest, span.end))
    finally:
        log.close()
    pictures = system.metric("postproc", "framerail_evidence_bytes_total") / _stored(system)
    headers = [sum(len(name) + len(held) for name, held in each.headers) for each in frames]
    return {
        "jpeg_bytes": round(fmean(len(each.value) for each in frames)),
        "record_bytes": round(fmean(len(each.value) for each in frames) + fmean(headers)),
        "result_bytes": round(fmean(len(encode_result(each)) for each in results)),
        "evidence_bytes": round(pictures),
    }

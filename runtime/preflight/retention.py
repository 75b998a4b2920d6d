"""Rules on retention: for how long a reader may be away before frames are deleted unread."""

import math
from collections.abc import Iterable, Sequence

from runtime.preflight.facts import FrameLoad, Logs, Stored, Topic, TopicLimits
from runtime.preflight.findings import Finding, judged
from runtime.preflight.units import duration, size
from runtime.settings import MIB

RETENTION, LAG, DISK = "retention", "lag", "broker disk"
COMFORTABLE_S = 600.0
"""Below ten minutes a person is warned: a broken service is rarely noticed and mended sooner."""


def held_s(load: FrameLoad, limits: TopicLimits) -> float:
    """Return for how many seconds a frame is kept, infinity for ever.

    Kafka deletes whole segments and never goes below retention.bytes, so it may be longer.
    """
    bounds_s = [float("inf") if limits.retention_s is None else limits.retention_s]
    if limits.retention_bytes is not None and load.bytes_per_s > 0:
        bounds_s.append(limits.retention_bytes / load.bytes_per_s)
    return min(bounds_s)


def retention(
    load: FrameLoad, limits: TopicLimits, outage_s: float, *, is_made: bool = True
) -> Finding:
    """Judge for how long a topic holds the frames of a stream that come at its present rate.

    `is_made` tells a topic that is there, whose settings count, from one that is made by ours.
    """
    kept_s = held_s(load, limits)
    is_by_bytes = limits.retention_s is None or kept_s < limits.retention_s
    bounds = (
        f"retention.bytes {size(limits.retention_bytes)}"
        if is_by_bytes and limits.retention_bytes is not None
        else "retention.ms"
    )
    wanted_s = max(COMFORTABLE_S, outage_s)
    return judged(
        RETENTION,
        load.stream,
        f"frames of {load.stream} are kept for {duration(kept_s)} ({bounds}; "
        f"{size(load.bytes_per_s)}/s: {load.frames_per_s:.3g} frames/s of "
        f"{size(load.mean_bytes)}, {load.origin}); "
        f"FRAMERAIL_PREFLIGHT_OUTAGE_S is {duration(outage_s)}",
        _raise_retention(load, wanted_s, is_by_bytes=is_by_bytes, is_made=is_made),
        refused=kept_s < outage_s,
        warned=kept_s < wanted_s,
        held_s=_number(kept_s),
        outage_s=outage_s,
        bytes_per_s=round(load.bytes_per_s),
    )


def _raise_retention(load: FrameLoad, wanted_s: float, *, is_by_bytes: bool, is_made: bool) -> str:
    wanted = round(wanted_s)
    if is_by_bytes:
        wanted = math.ceil(wanted_s * load.bytes_per_s / MIB) * MIB
    if is_made:
        setting = f"retention.{'bytes' if is_by_bytes else 'ms'} of topic {load.stream}"
        wanted = wanted if is_by_bytes else wanted * 1000
    else:
        setting = f"FRAMERAIL_FRAMES_RETENTION_{'BYTES' if is_by_bytes else 'S'}"
    thinner = ", or lower the stream's max_fps, max_width or jpeg_quality" if is_by_bytes else ""
    return f"raise {setting} to {wanted} ({duration(wanted_s)}){thinner}"


def lag(load: FrameLoad, limits: TopicLimits, stored: Stored, committed: int | None) -> Finding:
    """Judge how long a group may still leave its next frame unread before it is deleted.

    A warning where more than half of what the topic holds is used up, and never worse: whoever
    would not start its reader now would lose the frames.
    """
    next_offset = stored.first_offset if committed is None else committed
    behind = max(stored.end_offset - next_offset, 0)
    expired = max(stored.first_offset - next_offset, 0)
    kept_s = held_s(load, limits)
    left_s = max(kept_s - behind / max(load.frames_per_s, 1e-9), 0.0) if behind else kept_s
    lost = f"; {expired} have expired unread" if expired else ""
    return judged(
        LAG,
        load.stream,
        f"{behind} frame(s) of {load.stream} wait for the consumer; the next is kept for "
        f"{duration(left_s)} more{lost}",
        "start the consumer, or raise the topic's retention.bytes and retention.ms first",
        warned=bool(expired) or left_s < kept_s / 2,
        waiting=behind,
        expired=expired,
        left_s=_number(left_s),
    )


def disk(topics: Iterable[Topic], logs: Logs) -> Finding | None:
    """Judge whether the brokers' disks hold all that retention allows; None where none is told.

    As if every topic had a replica on the fullest disk, which is so on one broker.
    """
    bounded = [one for one in topics if one.limits and one.limits.retention_bytes is not None]
    if logs.free_bytes is None or not bounded:
        return None
    to_come_bytes = sum(_to_come_bytes(one, logs) for one in bounded)
    return judged(
        DISK,
        "brokers",
        f"{len(bounded)} frames topic(s) may still grow by {size(to_come_bytes)}, the fullest disk "
        f"has room for {size(logs.free_bytes)}",
        "give the brokers a larger disk, or lower FRAMERAIL_FRAMES_RETENTION_BYTES",
        warned=to_come_bytes > logs.free_bytes,
        to_come_bytes=to_come_bytes,
        free_bytes=logs.free_bytes,
    )


def tightest_first(findings: Sequence[Finding], number: str) -> list[Finding]:
    """Return findings of one check in order of one of their numbers, None (no bound) last."""

    def bound(one: Finding) -> float:
        value = one.numbers.get(number)
        return float("inf") if value is None else float(value)

    return sorted(findings, key=bound)


def _to_come_bytes(topic: Topic, logs: Logs) -> int:
    limits, stored = topic.limits, logs.stored.get(topic.name)
    if limits is None or limits.retention_bytes is None:
        return 0
    now_bytes = 0 if stored is None or stored.stored_bytes is None else stored.stored_bytes
    # A segment goes when all that remains is still above the limit.
    return max(limits.retention_bytes + limits.segment_bytes - now_bytes, 0)


def _number(seconds: float) -> float | None:
    return None if seconds == float("inf") else round(seconds, 1)

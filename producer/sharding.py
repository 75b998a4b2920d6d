"""Divides the streams among several producers, so that each camera is read by exactly one."""

import hashlib
import math
from collections.abc import Iterable


def shard_of_each(stream_ids: Iterable[str], shard_count: int) -> dict[str, int]:
    """Return the shard, 0 to `shard_count` - 1, of every stream; the same in every process.

    No shard has more than its even share, rounded up, and a stream that comes or goes moves few of
    the others: a moved camera is connected anew. Rendezvous hashing with bounded loads.
    Source: V. Mirrokni et al., "Consistent Hashing with Bounded Loads", 2018.
    """
    ordered = sorted(stream_ids)
    room = [math.ceil(len(ordered) / shard_count)] * shard_count
    shards: dict[str, int] = {}
    for stream_id in ordered:
        with_room = [shard for shard in range(shard_count) if room[shard]]
        shard = max(with_room, key=lambda candidate: _weight(stream_id, candidate))
        room[shard] -= 1
        shards[stream_id] = shard
    return shards


def _weight(stream_id: str, shard: int) -> bytes:
    # Not hash(): that of a string differs from process to process.
    return hashlib.sha256(f"{stream_id}/{shard}".encode()).digest()

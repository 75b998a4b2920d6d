"""Several producers divide the cameras among them, each by itself and all alike."""

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from producer.service import own_share
from producer.settings import ProducerSettings
from producer.sharding import shard_of_each
from runtime.streams_file import StreamSpec

stream_ids = st.sets(st.from_regex(r"[a-z0-9][a-z0-9-]{0,8}", fullmatch=True), max_size=30)
shard_counts = st.integers(1, 12)


def test_the_shards_of_some_streams_stay_as_they_were_written_down_here() -> None:
    """Producers of two versions run side by side while one replaces the other."""
    shards = shard_of_each(["gate", "yard", "hall", "roof"], 2)
    assert shards == {"gate": 0, "hall": 0, "roof": 1, "yard": 1}


@given(stream_ids, shard_counts)
def test_every_stream_has_one_shard_and_no_shard_more_than_its_even_share(
    streams: set[str], count: int
) -> None:
    shards = shard_of_each(streams, count)
    assert set(shards) == streams
    assert all(0 <= shard < count for shard in shards.values())
    assert max(Counter(shards.values()).values(), default=0) <= math.ceil(len(streams) / count)


@given(stream_ids, shard_counts)
def test_the_order_in_the_file_does_not_matter(streams: set[str], count: int) -> None:
    assert shard_of_each(sorted(streams), count) == shard_of_each(sorted(streams)[::-1], count)


def test_a_stream_that_comes_moves_few_of_the_others() -> None:
    before = shard_of_each([f"cam{number}" for number in range(100)], 4)
    after = shard_of_each([f"cam{number}" for number in range(101)], 4)
    assert sum(after[stream] != shard for stream, shard in before.items()) <= 10


def test_producers_of_all_shards_together_read_every_camera_once() -> None:
    specs = [StreamSpec(id=f"cam{number}", url="rtsp://192.0.2.1/a") for number in range(5)]
    shares = [
        own_share(specs, ProducerSettings(shard_index=index, shard_count=3)) for index in range(3)
    ]
    assert sorted(spec.id for share in shares for spec in share) == [spec.id for spec in specs]


def test_one_producer_reads_all() -> None:
    specs = [StreamSpec(id="gate", url="rtsp://192.0.2.1/a")]
    assert own_share(specs, ProducerSettings()) == tuple(specs)

"""The rule that a commit never passes over work that has not ended."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postproc.offsets import CompletedOffsets


def test_nothing_may_be_committed_before_the_first_span_is_complete() -> None:
    offsets = CompletedOffsets[int]()
    offsets.begin(0, 0, 25)
    offsets.begin(0, 25, 50)
    offsets.complete(0, 25)
    assert offsets.take_committable() == {}


def test_a_gap_that_closes_releases_all_that_waited_behind_it() -> None:
    offsets = CompletedOffsets[int]()
    for first in (0, 25, 50):
        offsets.begin(0, first, first + 25)
    offsets.complete(0, 50)
    offsets.complete(0, 25)
    offsets.complete(0, 0)
    assert offsets.take_committable() == {0: 75}


def test_an_offset_is_handed_out_once() -> None:
    offsets = CompletedOffsets[int]()
    offsets.begin(0, 7, 8)
    offsets.complete(0, 7)
    assert offsets.take_committable() == {0: 8}
    assert offsets.take_committable() == {}


def test_offsets_that_the_log_leaves_out_do_not_hold_a_commit_back() -> None:
    offsets = CompletedOffsets[int]()
    offsets.begin(0, 3, 4)
    offsets.begin(0, 9, 10)
    offsets.complete(0, 3)
    offsets.complete(0, 9)
    assert offsets.take_committable() == {0: 10}


def test_partitions_do_not_wait_for_each_other() -> None:
    offsets = CompletedOffsets[str]()
    offsets.begin("slow", 0, 25)
    offsets.begin("fast", 0, 25)
    offsets.complete("fast", 0)
    assert offsets.take_committable() == {"fast": 25}


def test_work_that_ends_after_its_partition_was_taken_away_commits_nothing() -> None:
    offsets = CompletedOffsets[int]()
    offsets.begin(0, 0, 25)
    offsets.forget(0)
    offsets.complete(0, 0)
    assert offsets.take_committable() == {}


def test_a_partition_that_comes_back_may_begin_again_at_an_earlier_offset() -> None:
    offsets = CompletedOffsets[int]()
    offsets.begin(0, 25, 50)
    offsets.forget(0)
    offsets.begin(0, 0, 25)
    offsets.complete(0, 0)
    assert offsets.take_committable() == {0: 25}


@pytest.mark.parametrize(("first", "next_offset"), [(5, 5), (5, 4), (-1, 3)])
def test_an_empty_or_negative_span_is_refused(first: int, next_offset: int) -> None:
    with pytest.raises(ValueError, match="expected 0 <= first < next_offset"):
        CompletedOffsets[int]().begin(0, first, next_offset)


def test_a_span_that_overlaps_one_begun_before_is_refused() -> None:
    offsets = CompletedOffsets[int]()
    offsets.begin(0, 0, 25)
    with pytest.raises(ValueError, match="was begun before it"):
        offsets.begin(0, 24, 49)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_in_any_order_of_completion_commits_cover_the_complete_prefix_and_no_more(
    lengths: list[int], rng: Random
) -> None:
    offsets = CompletedOffsets[int]()
    spans: list[tuple[int, int]] = []
    first = 0
    for length in lengths:
        offsets.begin(0, first, first + length)
        spans.append((first, first + length))
        first += length
    order = spans.copy()
    rng.shuffle(order)
    complete: set[int] = set()
    committed = 0
    for done, _next_offset in order:
        offsets.complete(0, done)
        complete.add(done)
        expected = next((span[0] for span in spans if span[0] not in complete), spans[-1][1])
        committed = offsets.take_committable().get(0, committed)
        assert committed == expected
    assert committed == sum(lengths)
